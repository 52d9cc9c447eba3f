import {
  type BundleFiles,
  filesOfZip,
  type PolicyReaders,
  readBundle,
  readSharedFlow,
} from '../dialects/apigee/index.ts'
import { writeZip } from '../dialects/apigee/zip-writer.ts'
import type { SharedFlow } from '../model/entities.ts'
import { type Problem, problemLine } from '../model/problem.ts'
import type { ApiProxy } from '../model/proxy.ts'
import { CatalogError } from './error.ts'
import type { DocumentHead, Documents } from './ports.ts'

interface BundleRead<T> {
  readonly value: T | null
  /** What there is of it, errors or not. */
  readonly draft: T
  readonly problems: readonly Problem[]
}

/** What comes as a zip and has revisions. */
export interface RevisionKind<T> {
  /** Of its documents. */
  readonly document: string
  /** As errors call it: `APIProxy named x`, `Revision 1 of application x`. */
  readonly noun: string
  readonly word: string
  readonly missing: string
  readonly revisionMissing: string
  read(
    files: BundleFiles,
    kinds: PolicyReaders,
    at: { readonly name: string; readonly revision: number },
  ): BundleRead<T>
}

export const PROXIES: RevisionKind<ApiProxy> = {
  document: 'api-revision',
  noun: 'APIProxy',
  word: 'application',
  missing: 'messaging.config.beans.ApplicationDoesNotExist',
  revisionMissing: 'messaging.config.beans.ApplicationRevisionDoesNotExist',
  read(files, kinds, at) {
    const { proxy, draft, problems } = readBundle(files, kinds, at)
    return { value: proxy, draft, problems }
  },
}

export const SHARED_FLOWS: RevisionKind<SharedFlow> = {
  document: 'sharedflow-revision',
  noun: 'SharedFlow',
  word: 'shared flow',
  missing: 'messaging.config.beans.SharedFlowDoesNotExist',
  revisionMissing: 'messaging.config.beans.SharedFlowRevisionDoesNotExist',
  read(files, kinds, at) {
    const { sharedFlow, draft, problems } = readSharedFlow(files, kinds, at)
    return { value: sharedFlow, draft, problems }
  },
}

/** One revision that was imported. */
export interface RevisionHead {
  readonly revision: number
  readonly importedAtMs: number
}

/** The imported revisions of all proxies, or of all shared flows: each the zip as it came, read again when it is needed. */
export class Revisions<T> {
  readonly #kind: RevisionKind<T>
  readonly #documents: Documents
  readonly #kinds: PolicyReaders

  constructor(kind: RevisionKind<T>, documents: Documents, kinds: PolicyReaders) {
    this.#kind = kind
    this.#documents = documents
    this.#kinds = kinds
  }

  /** Names of those that have a revision, sorted. */
  names(): string[] {
    return [...new Set(this.#documents.list(this.#kind.document).map((head) => nameOf(head)))].sort()
  }

  /** By number; throws CatalogError when there is none of that name. */
  of(name: string): RevisionHead[] {
    const heads = this.#documents
      .list(this.#kind.document)
      .filter((head) => nameOf(head) === name)
      .map((head) => ({ revision: Number(head.key.slice(name.length + 1)), importedAtMs: head.atMs }))
    if (heads.length === 0) {
      throw new CatalogError('missing', this.#kind.missing, `${this.#kind.noun} named ${name} does not exist`)
    }
    return heads.sort((a, b) => a.revision - b.revision)
  }

  zip(name: string, revision: number): Uint8Array {
    const zip = this.#documents.read(this.#kind.document, keyOf(name, revision))
    if (zip !== null) return zip
    this.of(name)
    const text = `Revision ${revision} of ${this.#kind.word} ${name} does not exist`
    throw new CatalogError('missing', this.#kind.revisionMissing, text)
  }

  read(name: string, revision: number): T {
    return this.#valueOf(this.zip(name, revision), name, revision)
  }

  /** Keeps a zip as the next revision of the proxy. Throws CatalogError with all that is wrong with it. */
  import(name: string, zip: Uint8Array, nowMs: number): T {
    if (!NAME.test(name)) {
      const text = `"${name.slice(0, 100)}" is no name of a bundle: letters, digits, blank and . _ - $ %, not beginning with a dot, at most 255`
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidName', text)
    }
    const heads = this.#documents.list(this.#kind.document).filter((head) => nameOf(head) === name)
    const revision = Math.max(0, ...heads.map((head) => Number(head.key.slice(name.length + 1)))) + 1
    const value = this.#skeletonOf(zip, name, revision) ?? this.#valueOf(zip, name, revision)
    this.#documents.write([{ kind: this.#kind.document, key: keyOf(name, revision), body: zip }], nowMs)
    return value
  }

  /** Another zip in the place of a revision that is there. */
  replace(name: string, revision: number, zip: Uint8Array, nowMs: number): T {
    this.zip(name, revision)
    const value = this.#valueOf(zip, name, revision)
    this.#documents.write([{ kind: this.#kind.document, key: keyOf(name, revision), body: zip }], nowMs)
    return value
  }

  /** As `read`, but of a revision that is still being put together what there is of it. */
  draft(name: string, revision: number): T {
    const { files } = filesOfZip(this.zip(name, revision), `${name}.zip`)
    return files === null ? this.read(name, revision) : this.#kind.read(files, this.#kinds, { name, revision }).draft
  }

  /**
   * Puts one file into a revision: apigeetool sends a bundle that way, piece by piece after a zip that holds only the descriptor.
   * `path` is below the top folder. What is wrong with the whole shows when it is deployed.
   */
  addFile(name: string, revision: number, path: string, content: Uint8Array, nowMs: number): void {
    const { files, top } = filesOfZip(this.zip(name, revision), `${name}.zip`)
    const all = new Map([...(files ?? [])].map(([file, bytes]) => [file, Buffer.from(bytes)]))
    const zip = writeZip(all.set(`${top}/${path}`, Buffer.from(content)))
    const { problems } = filesOfZip(zip, `${name}.zip`)
    if (problems.some((problem) => problem.severity === 'error')) {
      throw new CatalogError('invalid', BUNDLE_INVALID, errorText(problems))
    }
    this.#documents.write([{ kind: this.#kind.document, key: keyOf(name, revision), body: zip }], nowMs)
  }

  /** One file of a revision, by its path below the top folder; null: it has none of that path. */
  file(name: string, revision: number, path: string): Uint8Array | null {
    const { files, top } = filesOfZip(this.zip(name, revision), `${name}.zip`)
    const content = files?.get(`${top}/${path}`)
    return content === undefined ? null : Buffer.from(content)
  }

  /** Takes one file out of a revision. */
  removeFile(name: string, revision: number, path: string, nowMs: number): void {
    const { files, top } = filesOfZip(this.zip(name, revision), `${name}.zip`)
    const all = new Map([...(files ?? [])].map(([file, bytes]) => [file, Buffer.from(bytes)]))
    all.delete(`${top}/${path}`)
    this.#documents.write([{ kind: this.#kind.document, key: keyOf(name, revision), body: writeZip(all) }], nowMs)
  }

  remove(name: string, revisions: readonly number[], nowMs: number): void {
    const changes = revisions.map((revision) => ({ kind: this.#kind.document, key: keyOf(name, revision), body: null }))
    this.#documents.write(changes, nowMs)
  }

  /** A zip that holds no more than the descriptor, to be filled piece by piece; null: it is another one. */
  #skeletonOf(zip: Uint8Array, name: string, revision: number): T | null {
    const { files } = filesOfZip(zip, `${name}.zip`)
    if (files === null || files.size === 0) return null
    if ([...files.keys()].some((path) => path.split('/').length !== 2)) return null
    const { draft, problems } = this.#kind.read(files, this.#kinds, { name, revision })
    const others = problems.filter(({ severity, code }) => severity === 'error' && !INCOMPLETE.includes(code))
    return others.length === 0 ? draft : null
  }

  #valueOf(zip: Uint8Array, name: string, revision: number): T {
    const { files, problems } = filesOfZip(zip, `${name}.zip`)
    const read = files === null ? null : this.#kind.read(files, this.#kinds, { name, revision })
    if (read?.value != null) return read.value
    throw new CatalogError('invalid', BUNDLE_INVALID, errorText([...problems, ...(read?.problems ?? [])]))
  }
}

/** Errors of a bundle that is not whole yet. */
const INCOMPLETE = ['ProxyEndpointMissing', 'SharedFlowMissing']
const NAME = /^[A-Za-z0-9_$%][A-Za-z0-9._\-$% ]{0,254}$/
const BUNDLE_INVALID = 'messaging.config.beans.InvalidBundle'
const ERRORS_SHOWN_MAX = 20

/** All errors, one a line: file, line, column, rule. */
export function errorText(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error')
  const shown = errors.slice(0, ERRORS_SHOWN_MAX).map(problemLine)
  if (errors.length > shown.length) shown.push(`... and ${errors.length - shown.length} more`)
  return shown.join('\n')
}

const keyOf = (name: string, revision: number): string => `${name}/${revision}`
const nameOf = (head: DocumentHead): string => head.key.slice(0, head.key.lastIndexOf('/'))
