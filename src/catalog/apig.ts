import type { Docs, Kind } from '../dialects/apig/docs.ts'
import { KINDS } from '../dialects/apig/docs.ts'
import { type ApigChange, type ApigState, Draft, emptyState, randomId } from '../dialects/apig/draft.ts'
import { brokenVersions, runtimeOf } from '../dialects/apig/runtime.ts'
import type { ApigRuntime } from '../model/apig.ts'
import type { ApigResource } from '../model/deployment.ts'
import type { DocumentChange, Documents } from './ports.ts'

/** Resources of the apig dialect, and what the gateway makes of them. */
export interface ApigResources {
  readonly state: ApigState
  readonly runtime: ApigRuntime
}

export const apigResources = (state: ApigState, leftOut: ReadonlySet<string>): ApigResources => ({
  state,
  runtime: runtimeOf(state, leftOut),
})

/** At start: a version that needs what a file no longer has is told and left out, so that the others are served. */
export function openApig(
  files: readonly ApigResource[],
  documents: Documents,
  warn: (fields: object, message: string) => void,
): { readonly resources: ApigResources; readonly broken: ReadonlySet<string> } {
  const state = loadApig(files, documents)
  const found = brokenVersions(state)
  for (const { api, reason } of found.values())
    warn({ api, reason }, 'a published API cannot be served and is left out')
  const broken = new Set(found.keys())
  return { resources: apigResources(state, broken), broken }
}

/** A change in the making; what the files name is theirs. */
export function draftOver(state: ApigState, files: readonly ApigResource[], nowMs: number): Draft {
  const owned = new Set(files.map(({ kind, id }) => `${kind} ${id}`))
  return new Draft(state, { makeId: randomId, nowMs, owned: (kind, id) => owned.has(`${kind} ${id}`) })
}

/** How a document of that kind is kept. */
const documentKind = (kind: Kind): string => `apig-${kind}`

/** What the files name, then what is kept; of two with one id that of the files. In the order in which things were made: files are older. */
function loadApig(files: readonly ApigResource[], documents: Documents): ApigState {
  const state = emptyState() as { [K in Kind]: Map<string, Docs[K]> }
  for (const { kind, id, doc } of files) (state[kind as Kind] as Map<string, unknown>).set(id, doc)
  for (const kind of KINDS) {
    const docs = documents.list(documentKind(kind)).map(({ key }) => {
      const text = Buffer.from(documents.read(documentKind(kind), key)!).toString('utf8')
      return JSON.parse(text) as Docs[Kind]
    })
    docs.sort((a, b) => (madeAt(a) < madeAt(b) ? -1 : madeAt(a) > madeAt(b) ? 1 : 0))
    for (const doc of docs) if (!state[kind].has(doc.id)) (state[kind] as Map<string, unknown>).set(doc.id, doc)
  }
  return state
}

const MADE = [
  'create_time',
  'register_time',
  'publish_time',
  'auth_time',
  'apply_time',
  'bound_time',
  'time',
  'update_time',
]

/** Lists are in the order in which things were made. */
function madeAt(doc: object): string {
  const fields = doc as Readonly<Record<string, unknown>>
  const name = MADE.find((one) => typeof fields[one] === 'string')
  return name === undefined ? '' : String(fields[name])
}

export const documentChanges = (changes: readonly ApigChange[]): DocumentChange[] =>
  changes.map(({ kind, id, doc }) => ({
    kind: documentKind(kind),
    key: id,
    body: doc === null ? null : Buffer.from(JSON.stringify(doc)),
  }))
