/** Why a change of the catalogue was refused; nothing was changed. */
export type CatalogReason = 'missing' | 'invalid' | 'conflict' | 'owned-by-file'

export class CatalogError extends Error {
  readonly reason: CatalogReason
  /** Edge's name of the error. */
  readonly code: string

  constructor(reason: CatalogReason, code: string, message: string) {
    super(message)
    this.reason = reason
    this.code = code
  }
}
