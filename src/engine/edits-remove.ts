import type { Field, IndexedName, Selection } from './edits-model.ts'
import type { EditOptions, MessageEdit } from './edits-step.ts'
import type { Exchange } from './exchange.ts'
import { reasonOf } from './fault.ts'
import type { Message } from './message.ts'
import type { Parameters } from './parameters.ts'
import type { CompileEnv } from './policy.ts'

/** Compiles one thing that Remove takes away. */
export function compileRemove(selection: Selection, env: CompileEnv, options: EditOptions): MessageEdit[] {
  if ('field' in selection) return [compileField(selection.field, options)]
  const { list, names } = selection
  switch (list) {
    case 'Headers':
      return names === null ? [clearHeaders] : fromTheEnd(names).map(removeHeader)
    case 'QueryParams':
      return [
        (_, m) => {
          if (m.kind === 'request') removeParameters(m.query, names)
          return undefined
        },
      ]
    case 'FormParams':
      if (options.target !== undefined) env.needContent(options.target)
      return [
        (_, m) => {
          if (m.kind !== 'request' || !m.isForm) return undefined
          const { form } = m
          removeParameters(form, names)
          m.body.set(form.text)
          return undefined
        },
      ]
  }
}

const clearHeaders: MessageEdit = (_, m) => {
  m.headers.clear()
  return undefined
}

function removeHeader({ name, index }: IndexedName): MessageEdit {
  const lower = name.toLowerCase()
  if (index !== null) {
    return (_, m) => {
      m.headers.setPiece(name, index, null)
      return undefined
    }
  }
  return (_, m) => {
    m.headers.remove(lower)
    return undefined
  }
}

function removeParameters(parameters: Parameters, names: readonly IndexedName[] | null): void {
  if (names === null) {
    parameters.clear()
    return
  }
  for (const { name, index } of fromTheEnd(names)) {
    if (parameters.get(name) === undefined) continue
    if (index === null) parameters.remove(name)
    else parameters.setNth(name, index, null)
  }
}

/** Indexes tell of the values as they were, so the last ones go first. */
function fromTheEnd(names: readonly IndexedName[]): readonly IndexedName[] {
  return names.some(({ index }) => index !== null) ? [...names].sort((a, b) => (b.index ?? 0) - (a.index ?? 0)) : names
}

type FieldRemover = (m: Message, x: Exchange, options: EditOptions) => void

/** What is left where a part was removed: what a new message has. */
const FIELD_REMOVERS: Readonly<Record<Field | 'Payload', FieldRemover>> = {
  Payload: (m) => {
    m.headers.remove('content-encoding')
    m.body.set(null)
  },
  Verb: (m) => {
    if (m.kind === 'request') m.verb = 'GET'
  },
  Path: (m, x, options) => {
    if (m.kind === 'request' && (m !== x.request || options.pathOfClientRequest)) m.path = ''
  },
  Version: (m) => {
    m.version = '1.1'
  },
  StatusCode: (m) => {
    if (m.kind === 'response') m.status = 200
  },
  ReasonPhrase: (m) => {
    if (m.kind === 'response') m.reason = reasonOf(m.status)
  },
}

function compileField(field: Field | 'Payload', options: EditOptions): MessageEdit {
  const remove = FIELD_REMOVERS[field]
  return (x, m) => {
    remove(m, x, options)
    return undefined
  }
}
