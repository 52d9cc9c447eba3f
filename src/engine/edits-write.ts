import type { SourceText } from '../model/source.ts'
import { charsetOf } from './body.ts'
import { type Field, type NamedValue, type PayloadValue, statusOf, type Write } from './edits-model.ts'
import type { EditOptions, MessageEdit } from './edits-step.ts'
import type { Exchange } from './exchange.ts'
import { type Fault, reasonOf } from './fault.ts'
import type { Message } from './message.ts'
import type { CompileEnv, TemplateOptions } from './policy.ts'

/** Text that is the same for all calls, or a template that is filled in for each. */
export type Text = string | ((x: Exchange) => string | Fault)

/** Compiles a text of a policy; it stays a plain string when nothing in it can vary. */
export function compileText(source: SourceText, env: CompileEnv, options: TemplateOptions): Text {
  const { text } = source
  if (!text.includes(options.prefix ?? '{') && !text.includes('\\')) return text
  return env.template(source, options)
}

/** Compiles one thing that Add or Set writes. */
export function compileWrite(write: Write, edit: 'add' | 'set', env: CompileEnv, options: EditOptions): MessageEdit[] {
  if ('payload' in write) return [compilePayload(write.payload, env, options)]
  if ('field' in write) return [compileField(write.field, compileText(write.value, env, options), options)]
  switch (write.list) {
    case 'Headers':
      return write.values.map((value, i) =>
        compileHeader(value, edit === 'add' || isRepeated(write.values, i, true), env, options),
      )
    case 'QueryParams':
      return write.values.map((value, i) =>
        compileQuery(value, edit === 'add' || isRepeated(write.values, i, false), env, options),
      )
    case 'FormParams':
      return [compileForm(write.values, edit, env, options)]
  }
}

/** Two children of one name are two values of it, so the second is added to the first. */
function isRepeated(values: readonly NamedValue[], at: number, ignoreCase: boolean): boolean {
  const same = (name: string): string => (ignoreCase ? name.toLowerCase() : name)
  const { name, index } = values[at]!
  return index === null && values.slice(0, at).some((other) => other.index === null && same(other.name) === same(name))
}

function compileHeader(named: NamedValue, add: boolean, env: CompileEnv, options: EditOptions): MessageEdit {
  const { name, index } = named
  const text = compileText(named.value, env, options)
  if (typeof text !== 'string') {
    return (x, m) => {
      const value = text(x)
      if (typeof value !== 'string') return value
      writeHeader(m, name, index, add, fieldValue(value))
      return undefined
    }
  }
  const value = fieldValue(text)
  return (_, m) => {
    writeHeader(m, name, index, add, value)
    return undefined
  }
}

function writeHeader(m: Message, name: string, index: number | null, add: boolean, value: string): void {
  if (add) m.headers.add(name, value)
  else if (index === null) m.headers.set(name, value)
  else m.headers.setPiece(name, index, value)
}

/**
 * What may stand in a header: control characters would end its line early and become blanks; letters beyond latin1 go out
 * as UTF-8, in the form in which headers are kept (one character for each byte).
 */
function fieldValue(text: string): string {
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(text)) return text
  const line = text.replace(/[\x00-\x08\x0a-\x1f\x7f]+/g, ' ').trim()
  return /[^\x00-\xff]/.test(line) ? Buffer.from(line, 'utf8').toString('latin1') : line
}

function compileQuery(named: NamedValue, add: boolean, env: CompileEnv, options: EditOptions): MessageEdit {
  const { name, index } = named
  const text = compileText(named.value, env, options)
  return (x, m) => {
    const value = typeof text === 'string' ? text : text(x)
    if (typeof value !== 'string') return value
    if (m.kind !== 'request') return undefined
    if (add) m.query.add(name, value)
    else if (index === null) m.query.set(name, value)
    else m.query.setNth(name, index, value)
    return undefined
  }
}

/** Form parameters are the content of a request: all of a block are written at once. */
function compileForm(
  values: readonly NamedValue[],
  edit: 'add' | 'set',
  env: CompileEnv,
  options: EditOptions,
): MessageEdit {
  if (options.target !== undefined) env.needContent(options.target)
  const texts = values.map((named) => compileText(named.value, env, options))
  const adds = values.map((_, i) => edit === 'add' || isRepeated(values, i, false))
  return (x, m) => {
    if (!mayHaveForm(m)) return undefined
    const filled: string[] = []
    for (const text of texts) {
      const value = typeof text === 'string' ? text : text(x)
      if (typeof value !== 'string') return value
      filled.push(value)
    }
    if (!m.isForm) m.headers.set('Content-Type', FORM)
    const { form } = m
    for (let i = 0; i < filled.length; i++) {
      const { name, index } = values[i]!
      if (adds[i]) form.add(name, filled[i]!)
      else if (index === null) form.set(name, filled[i]!)
      else form.setNth(name, index, filled[i]!)
    }
    m.body.set(form.text)
    return undefined
  }
}

const FORM = 'application/x-www-form-urlencoded'

/** A request whose content is a form, or that has no content yet. Others are left alone, as documented. */
export function mayHaveForm(m: Message): boolean {
  return m.kind === 'request' && (m.isForm || m.body.isEmpty)
}

function compilePayload(payload: PayloadValue, env: CompileEnv, options: EditOptions): MessageEdit {
  const { ignoreUnresolved } = options
  const delimiters = {
    ...(payload.prefix === null ? {} : { prefix: payload.prefix }),
    ...(payload.suffix === null ? {} : { suffix: payload.suffix }),
  }
  const text = compileText(payload.value, env, { ignoreUnresolved, ...delimiters })
  const type = payload.contentType === null ? null : compileText(payload.contentType, env, { ignoreUnresolved })
  return (x, m) => {
    const content = typeof text === 'string' ? text : text(x)
    if (typeof content !== 'string') return content
    if (type !== null) {
      const contentType = typeof type === 'string' ? type : type(x)
      if (typeof contentType !== 'string') return contentType
      m.headers.set('Content-Type', fieldValue(contentType))
    }
    writeContent(m, content)
    return undefined
  }
}

/** Text takes the place of what was there; a Content-Encoding told of the old bytes. */
function writeContent(m: Message, content: string): void {
  m.headers.remove('content-encoding')
  m.body.set(content)
  // Text that the declared charset cannot write would be lost.
  if (/[^\x00-\xff]/.test(content) && charsetOf(m.headers.get('content-type')) !== 'utf-8')
    m.body.set(Buffer.from(content))
}

type FieldWriter = (m: Message, text: string, x: Exchange, options: EditOptions) => Fault | undefined

/** How each single-text part is written. Parts that the kind of message does not have are left alone, as documented. */
const FIELD_WRITERS: Readonly<Record<Field, FieldWriter>> = {
  Verb: (m, text, _, options) => {
    if (m.kind !== 'request') return undefined
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text))
      return options.notSet('Verb', `${JSON.stringify(text)} is not a verb`)
    m.verb = text
    return undefined
  },
  Path: (m, text, x, options) => {
    if (m.kind !== 'request' || (m === x.request && !options.pathOfClientRequest)) return undefined
    const question = text.indexOf('?')
    m.path = question < 0 ? text : text.slice(0, question)
    if (question < 0) return undefined
    const more = text.slice(question + 1)
    m.queryText = m.queryText === '' ? more : `${m.queryText}&${more}`
    return undefined
  },
  Version: (m, text) => {
    m.version = text
    return undefined
  },
  StatusCode: (m, text, _, options) => {
    if (m.kind !== 'response') return undefined
    const status = statusOf(text)
    if (status === null) return options.notSet('StatusCode', `${JSON.stringify(text)} is no status`)
    if (m.reason === reasonOf(m.status)) m.reason = reasonOf(status)
    m.status = status
    return undefined
  },
  ReasonPhrase: (m, text) => {
    if (m.kind === 'response') m.reason = fieldValue(text)
    return undefined
  },
}

function compileField(field: Field, text: Text, options: EditOptions): MessageEdit {
  const write = FIELD_WRITERS[field]
  if (typeof text === 'string') return (x, m) => write(m, text, x, options)
  return (x, m) => {
    const value = text(x)
    if (typeof value !== 'string') return value
    // A variable that is not there leaves the part as it was.
    return value === '' ? undefined : write(m, value.trim(), x, options)
  }
}
