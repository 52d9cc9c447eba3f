import { reasonOf } from './fault.ts'
import { isHeaderName } from './headers.ts'
import { toText, type Value } from './language/value.ts'
import type { Message } from './message.ts'
import type { Parameters } from './parameters.ts'

/** One property of any message, compiled from what follows the message's name: `header.X`, `status.code`, ... */
export interface MessageProperty {
  readonly get: (m: Message) => Value
  /** Null: read-only. */
  readonly set: ((m: Message, value: Value) => void) | null
  /** Reads the body, so it must be there. */
  readonly content: boolean
}

const property = (
  get: MessageProperty['get'],
  set: MessageProperty['set'] = null,
  content = false,
): MessageProperty => ({ get, set, content })

const FIXED: Readonly<Record<string, MessageProperty>> = {
  content: property(
    (m) => (m.body.isEmpty ? '' : m.content),
    (m, value) => m.body.set(value === null ? null : toText(value)),
    true,
  ),
  'content.as.base64': property((m) => m.bytes.toString('base64'), null, true),
  'content.as.url.safe.base64': property((m) => m.bytes.toString('base64url'), null, true),
  verb: property(
    (m) => (m.kind === 'request' ? m.verb : null),
    (m, value) => {
      m.verb = toText(value)
    },
  ),
  version: property(
    (m) => m.version,
    (m, value) => {
      m.version = toText(value)
    },
  ),
  uri: property(
    (m) => (m.kind === 'request' ? m.uri : null),
    (m, value) => {
      m.uri = toText(value)
    },
  ),
  path: property(
    (m) => (m.kind === 'request' ? m.path : null),
    (m, value) => {
      m.path = toText(value)
    },
  ),
  querystring: property(
    (m) => (m.kind === 'request' ? m.queryText : null),
    (m, value) => {
      m.queryText = toText(value)
    },
  ),
  'status.code': property(
    (m) => (m.kind === 'response' ? m.status : null),
    (m, value) => {
      const status = Number(toText(value))
      if (!Number.isInteger(status) || status < 100 || status > 999) return
      if (m.reason === reasonOf(m.status)) m.reason = reasonOf(status)
      m.status = status
    },
  ),
  'reason.phrase': property(
    (m) => (m.kind === 'response' ? m.reason : null),
    (m, value) => {
      m.reason = toText(value)
    },
  ),
  'headers.count': property((m) => m.headers.names().length),
  'headers.names': property((m) => m.headers.names()),
  'headers.names.string': property((m) => m.headers.names().join(',')),
  'queryparams.count': property((m) => m.query.count),
  'queryparams.names': property((m) => m.query.names()),
  'queryparams.names.string': property((m) => m.query.names().join(',')),
  formstring: property((m) => (m.isForm ? m.content : ''), null, true),
  'formparams.count': property((m) => m.form.count, null, true),
  'formparams.names': property((m) => m.form.names(), null, true),
  'formparams.names.string': property((m) => m.form.names().join(','), null, true),
  'transport.message': property((m) => m),
}

/** The accessor for what follows a message's name, or null when no message has such a property. */
export function messageProperty(path: string): MessageProperty | null {
  const fixed = Object.hasOwn(FIXED, path) ? FIXED[path] : undefined
  if (fixed !== undefined) return fixed
  const dot = path.indexOf('.')
  if (dot < 0 || dot === path.length - 1) return null
  const rest = path.slice(dot + 1)
  switch (path.slice(0, dot)) {
    case 'header':
      return headerProperty(rest)
    case 'queryparam':
      return parameterProperty(rest, false)
    case 'formparam':
      return parameterProperty(rest, true)
    default:
      return null
  }
}

const SELECTOR = /^(.+?)\.(values(?:\.count|\.string)?|[1-9]\d{0,3})$/

function headerProperty(path: string): MessageProperty {
  const [name, selector] = selected(path)
  // No message has such a header, and none could be sent with it.
  if (!isHeaderName(name)) return property(() => null)
  const lower = name.toLowerCase()
  switch (selector) {
    case null:
      return property(
        (m) => {
          const value = m.headers.get(lower)
          if (value === undefined) return null
          const comma = value.indexOf(',')
          return comma < 0 ? value : value.slice(0, comma).trim()
        },
        (m, value) => {
          if (value === null) m.headers.remove(lower)
          else m.headers.set(name, toText(value))
        },
      )
    case 'values':
      return property((m) => m.headers.pieces(lower))
    case 'values.count':
      return property((m) => m.headers.pieces(lower).length)
    case 'values.string':
      return property((m) => {
        const values = m.headers.all(lower)
        return values.length === 0 ? null : values.join(',')
      })
    default:
      return property(
        (m) => m.headers.pieces(lower)[Number(selector) - 1] ?? null,
        (m, value) => m.headers.setPiece(name, Number(selector), value === null ? null : toText(value)),
      )
  }
}

function parameterProperty(path: string, form: boolean): MessageProperty {
  const [name, selector] = selected(path)
  const of = (m: Message): Parameters => (form ? m.form : m.query)
  const edit = (m: Message, change: (parameters: Parameters) => void): void => {
    if (form) m.editForm(change)
    else change(m.query)
  }
  switch (selector) {
    case null:
      return property(
        (m) => of(m).get(name) ?? null,
        (m, value) => edit(m, (p) => (value === null ? p.remove(name) : p.set(name, toText(value)))),
        form,
      )
    case 'values':
      return property((m) => of(m).all(name), null, form)
    case 'values.count':
      return property((m) => of(m).all(name).length, null, form)
    case 'values.string':
      return property((m) => of(m).all(name).join(','), null, form)
    default:
      return property(
        (m) => of(m).all(name)[Number(selector) - 1] ?? null,
        (m, value) => edit(m, (p) => p.setNth(name, Number(selector), value === null ? null : toText(value))),
        form,
      )
  }
}

function selected(path: string): [name: string, selector: string | null] {
  const match = SELECTOR.exec(path)
  return match === null ? [path, null] : [match[1]!, match[2]!]
}
