import type { Docs, Kind } from '../dialects/apig/docs.ts'
import { KINDS } from '../dialects/apig/docs.ts'
import { type ApigChange, type ApigState, emptyState } from '../dialects/apig/draft.ts'
import { runtimeOf } from '../dialects/apig/runtime.ts'
import type { ApigRuntime } from '../model/apig.ts'
import type { ApigResource } from '../model/deployment.ts'
import type { DocumentChange, Documents } from './ports.ts'

/** Resources of the apig dialect, and what the gateway makes of them. */
export interface ApigResources {
  readonly state: ApigState
  readonly runtime: ApigRuntime
}

export const apigResources = (state: ApigState): ApigResources => ({ state, runtime: runtimeOf(state) })

/** How a document of that kind is kept. */
const documentKind = (kind: Kind): string => `apig-${kind}`

/** What is kept, below what the files name: those win. */
export function loadApig(files: readonly ApigResource[], documents: Documents): ApigState {
  const state = emptyState() as { [K in Kind]: Map<string, Docs[K]> }
  for (const kind of KINDS) {
    const docs = documents.list(documentKind(kind)).map(({ key }) => {
      const text = Buffer.from(documents.read(documentKind(kind), key)!).toString('utf8')
      return JSON.parse(text) as Docs[Kind]
    })
    docs.sort((a, b) => (madeAt(a) < madeAt(b) ? -1 : madeAt(a) > madeAt(b) ? 1 : 0))
    for (const doc of docs) (state[kind] as Map<string, unknown>).set(doc.id, doc)
  }
  for (const { kind, id, doc } of files) (state[kind as Kind] as Map<string, unknown>).set(id, doc)
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
