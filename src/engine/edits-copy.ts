import type { Field, IndexedName, List, Selection } from './edits-model.ts'
import type { EditOptions, MessageEdit } from './edits-step.ts'
import { mayHaveForm } from './edits-write.ts'
import type { Exchange } from './exchange.ts'
import { Message } from './message.ts'
import type { Parameters } from './parameters.ts'
import type { CompileEnv } from './policy.ts'

type Copier = (from: Message, to: Message, x: Exchange) => void

/**
 * Compiles `<Copy>`. Without a source it copies from the message of the current segment. Parts that one of the two
 * messages does not have are left alone, as documented.
 */
export function compileCopy(
  source: string | null,
  selections: readonly Selection[],
  env: CompileEnv,
  options: EditOptions,
): MessageEdit {
  const reference = env.message(source)
  const reads = selections.some((s) => ('field' in s ? s.field === 'Payload' : s.list === 'FormParams'))
  if (reads) env.needContent(source)
  if (reads && options.target !== undefined) env.needContent(options.target)
  const copiers = selections.map((selection) =>
    'field' in selection ? fieldCopier(selection.field, options) : listCopier(selection.list, selection.names),
  )
  return (x, m) => {
    const from = reference.get(x)
    if (!(from instanceof Message)) {
      // Also without the variable a policy that ignores unresolved ones goes on.
      if (options.ignoreUnresolved) return undefined
      return from === null ? options.unresolved(reference.name) : options.notMessage(reference.name)
    }
    if (from === m) return undefined
    for (let i = 0; i < copiers.length; i++) copiers[i]!(from, m, x)
    return undefined
  }
}

function fieldCopier(field: Field | 'Payload', options: EditOptions): Copier {
  const copy = FIELD_COPIERS[field]
  if (field !== 'Path' || options.pathOfClientRequest) return copy
  return (from, to, x) => {
    if (to !== x.request) copy(from, to, x)
  }
}

const FIELD_COPIERS: Readonly<Record<Field | 'Payload', Copier>> = {
  Payload: (from, to) => {
    // The bytes go over as they are, and so does what says how they are to be read.
    const encoding = from.headers.get('content-encoding')
    if (encoding === undefined) to.headers.remove('content-encoding')
    else to.headers.set('Content-Encoding', encoding)
    to.body.set(from.body.content)
  },
  Verb: (from, to) => {
    if (from.kind === 'request' && to.kind === 'request') to.verb = from.verb
  },
  Path: (from, to) => {
    if (from.kind === 'request' && to.kind === 'request') to.path = from.path
  },
  Version: (from, to) => {
    to.version = from.version
  },
  StatusCode: (from, to) => {
    if (from.kind === 'response' && to.kind === 'response') to.status = from.status
  },
  ReasonPhrase: (from, to) => {
    if (from.kind === 'response' && to.kind === 'response') to.reason = from.reason
  },
}

function listCopier(list: List, names: readonly IndexedName[] | null): Copier {
  switch (list) {
    case 'Headers':
      return names === null ? copyAllHeaders : (from, to) => copyHeaders(from, to, names)
    case 'QueryParams':
      return (from, to) => {
        if (from.kind === 'request' && to.kind === 'request') copyParameters(from.query, to.query, names)
      }
    case 'FormParams':
      return (from, to) => {
        if (!from.isForm || !mayHaveForm(to)) return
        if (!to.isForm) to.headers.set('Content-Type', 'application/x-www-form-urlencoded')
        const { form } = to
        copyParameters(from.form, form, names)
        to.body.set(form.text)
      }
  }
}

function copyAllHeaders(from: Message, to: Message): void {
  if (to.headers.raw.length === 0) {
    to.headers = from.headers.copy()
    return
  }
  for (const name of from.headers.names()) replaceHeader(from, to, name)
}

function replaceHeader(from: Message, to: Message, name: string): void {
  const values = from.headers.all(name.toLowerCase())
  for (let i = 0; i < values.length; i++) {
    if (i === 0) to.headers.set(name, values[i]!)
    else to.headers.add(name, values[i]!)
  }
}

function copyHeaders(from: Message, to: Message, names: readonly IndexedName[]): void {
  for (let i = 0; i < names.length; i++) {
    const { name, index } = names[i]!
    if (index === null) {
      replaceHeader(from, to, name)
      continue
    }
    const value = from.headers.pieces(name.toLowerCase())[index - 1]
    if (value === undefined) continue
    if (isFirstOf(names, i)) to.headers.set(name, value)
    else to.headers.add(name, value)
  }
}

function copyParameters(from: Parameters, to: Parameters, names: readonly IndexedName[] | null): void {
  if (names === null) {
    if (to.text === '') to.text = from.text
    else for (const name of from.names()) replaceParameter(from, to, name)
    return
  }
  for (let i = 0; i < names.length; i++) {
    const { name, index } = names[i]!
    if (index === null) {
      replaceParameter(from, to, name)
      continue
    }
    const value = from.all(name)[index - 1]
    if (value === undefined) continue
    if (isFirstOf(names, i)) to.set(name, value)
    else to.add(name, value)
  }
}

function replaceParameter(from: Parameters, to: Parameters, name: string): void {
  const values = from.all(name)
  for (let i = 0; i < values.length; i++) {
    if (i === 0) to.set(name, values[i]!)
    else to.add(name, values[i]!)
  }
}

/** The first value that is copied under a name takes the place of what was there, further ones join it. */
function isFirstOf(names: readonly IndexedName[], at: number): boolean {
  for (let i = 0; i < at; i++) if (names[i]!.name === names[at]!.name) return false
  return true
}
