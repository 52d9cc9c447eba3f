import { filesOfZip, type PolicyReaders, readBundle } from '../dialects/apigee/index.ts'
import { type Problem, problemLine } from '../model/problem.ts'
import type { ApiProxy } from '../model/proxy.ts'
import { CatalogError } from './error.ts'
import type { DocumentHead, Documents } from './ports.ts'

const KIND = 'api-revision'

/** One revision that was imported. */
export interface RevisionHead {
  readonly revision: number
  readonly importedAtMs: number
}

/** The imported revisions of all proxies: each the zip as it came, read again when it is needed. */
export class Revisions {
  readonly #documents: Documents
  readonly #kinds: PolicyReaders

  constructor(documents: Documents, kinds: PolicyReaders) {
    this.#documents = documents
    this.#kinds = kinds
  }

  /** Names of the proxies that have a revision, sorted. */
  names(): string[] {
    return [...new Set(this.#documents.list(KIND).map((head) => nameOf(head)))].sort()
  }

  /** By number; throws CatalogError when there is no such proxy. */
  of(name: string): RevisionHead[] {
    const heads = this.#documents
      .list(KIND)
      .filter((head) => nameOf(head) === name)
      .map((head) => ({ revision: Number(head.key.slice(name.length + 1)), importedAtMs: head.atMs }))
    if (heads.length === 0) throw noProxy(name)
    return heads.sort((a, b) => a.revision - b.revision)
  }

  zip(name: string, revision: number): Uint8Array {
    const zip = this.#documents.read(KIND, keyOf(name, revision))
    if (zip !== null) return zip
    this.of(name)
    const text = `Revision ${revision} of application ${name} does not exist`
    throw new CatalogError('missing', 'messaging.config.beans.ApplicationRevisionDoesNotExist', text)
  }

  read(name: string, revision: number): ApiProxy {
    return this.#proxyOf(this.zip(name, revision), name, revision)
  }

  /** Keeps a zip as the next revision of the proxy. Throws CatalogError with all that is wrong with it. */
  import(name: string, zip: Uint8Array, nowMs: number): ApiProxy {
    if (!NAME.test(name)) {
      const text = `"${name.slice(0, 100)}" is no name of a proxy: letters, digits, blank and . _ - $ %, at most 255`
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidName', text)
    }
    const heads = this.#documents.list(KIND).filter((head) => nameOf(head) === name)
    const revision = Math.max(0, ...heads.map((head) => Number(head.key.slice(name.length + 1)))) + 1
    const proxy = this.#proxyOf(zip, name, revision)
    this.#documents.write([{ kind: KIND, key: keyOf(name, revision), body: zip }], nowMs)
    return proxy
  }

  remove(name: string, revisions: readonly number[], nowMs: number): void {
    const changes = revisions.map((revision) => ({ kind: KIND, key: keyOf(name, revision), body: null }))
    this.#documents.write(changes, nowMs)
  }

  #proxyOf(zip: Uint8Array, name: string, revision: number): ApiProxy {
    const { files, problems } = filesOfZip(zip, `${name}.zip`)
    const read = files === null ? null : readBundle(files, this.#kinds, { name, revision })
    if (read?.proxy != null) return read.proxy
    throw new CatalogError('invalid', BUNDLE_INVALID, errorText([...problems, ...(read?.problems ?? [])]))
  }
}

const NAME = /^[A-Za-z0-9._\-$% ]{1,255}$/
const BUNDLE_INVALID = 'messaging.config.beans.InvalidBundle'
const ERRORS_SHOWN_MAX = 20

/** All errors, one a line: file, line, column, rule. */
export function errorText(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error')
  const shown = errors.slice(0, ERRORS_SHOWN_MAX).map(problemLine)
  if (errors.length > shown.length) shown.push(`... and ${errors.length - shown.length} more`)
  return shown.join('\n')
}

function noProxy(name: string): CatalogError {
  const text = `APIProxy named ${name} does not exist`
  return new CatalogError('missing', 'messaging.config.beans.ApplicationDoesNotExist', text)
}

const keyOf = (name: string, revision: number): string => `${name}/${revision}`
const nameOf = (head: DocumentHead): string => head.key.slice(0, head.key.lastIndexOf('/'))
