/** What the header `3scale-options` (a query string) asks for. */
export interface Options {
  readonly noBody: boolean
  readonly rejectionReason: boolean
  readonly limitHeaders: boolean
  readonly hierarchy: boolean
  readonly flatUsage: boolean
  readonly listAppKeys: boolean
  /** Ours: what is reported is answered once it is on the disk, so that a caller knows what to tell again. */
  readonly kept: boolean
}

const NONE: Options = {
  noBody: false,
  rejectionReason: false,
  limitHeaders: false,
  hierarchy: false,
  flatUsage: false,
  listAppKeys: false,
  kept: false,
}

const KNOWN_MAX = 256
const known = new Map<string, Options>()

/** Clients send the same few texts with every call. The value is exactly `1`, but for `no_body`: anything except 0 and false. */
export function readOptions(header: string | undefined): Options {
  if (header === undefined || header === '') return NONE
  const found = known.get(header)
  if (found !== undefined) return found
  const values = new URLSearchParams(header)
  const on = (name: string): boolean => values.get(name) === '1'
  const options: Options = {
    noBody: isOn(values.get('no_body')),
    rejectionReason: on('rejection_reason_header'),
    limitHeaders: on('limit_headers'),
    hierarchy: on('hierarchy'),
    flatUsage: on('flat_usage'),
    listAppKeys: on('list_app_keys'),
    kept: on('kept'),
  }
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(header, options)
  return options
}

/** Of `no_body`, as an option or as a parameter. */
export function isOn(value: string | null): boolean {
  return value !== null && value !== '0' && value !== 'false'
}
