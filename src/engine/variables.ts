import type { Exchange } from './exchange.ts'
import type { Value } from './language/value.ts'
import { Message } from './message.ts'
import { messageProperty } from './message-properties.ts'
import { PREDEFINED } from './predefined.ts'

/** One flow variable, compiled from its name. */
export interface Variable {
  readonly name: string
  readonly get: (x: Exchange) => Value
  /** False: it cannot be written (read-only, or there is no such message). */
  readonly set: (x: Exchange, value: Value) => boolean
}

/** A message by name: the four of the flow, or one that a policy made. */
export interface MessageReference {
  readonly name: string
  /** The message; null when there is none; any other value when the variable holds no message. */
  readonly get: (x: Exchange) => Value
  readonly set: (x: Exchange, message: Message) => void
}

/** Says that a step reads the body of that message of the flow, so that it is loaded before the step runs. */
export type NeedContent = (message: FlowMessage) => void

export const FLOW_MESSAGES = ['request', 'response', 'message', 'error'] as const
export type FlowMessage = (typeof FLOW_MESSAGES)[number]

export function isFlowMessage(name: string): name is FlowMessage {
  return (FLOW_MESSAGES as readonly string[]).includes(name)
}

/** The accessor for a variable name. Never fails: an unknown name is a variable that some step may set. */
export function compileVariable(name: string, need: NeedContent): Variable {
  const predefined = Object.hasOwn(PREDEFINED, name) ? PREDEFINED[name] : undefined
  if (predefined !== undefined) {
    const { get, set } = predefined
    if (set === null) return { name, get, set: () => false }
    return {
      name,
      get,
      set: (x, value) => {
        set(x, value)
        return true
      },
    }
  }
  if (isFlowMessage(name)) {
    need(name)
    return wholeMessage(name)
  }
  const split = splitName(name)
  if (split === null) return plain(name)
  const { owner, property } = split
  if (isFlowMessage(owner)) {
    if (property.content) need(owner)
    const message = MESSAGES[owner]
    const set = property.set
    return {
      name,
      get: (x) => {
        const m = message.get(x)
        return m === null ? null : property.get(m)
      },
      set: (x, value) => {
        const m = message.writable(x)
        if (m === null || set === null) return false
        set(m, value)
        return true
      },
    }
  }
  return {
    name,
    get: (x) => {
      const m = x.get(owner)
      return m instanceof Message ? property.get(m) : x.get(name)
    },
    set: (x, value) => {
      const m = x.get(owner)
      if (!(m instanceof Message)) {
        x.set(name, value)
        return true
      }
      if (property.set === null) return false
      property.set(m, value)
      m.spent = false
      return true
    },
  }
}

/** The reference for a message name; null or empty means the message of the current segment. */
export function compileMessage(name: string | null): MessageReference {
  const known = name === null || name === '' ? 'message' : name
  if (isFlowMessage(known)) {
    const message = MESSAGES[known]
    return { name: known, get: message.get, set: message.replace }
  }
  return { name: known, get: (x) => x.get(known), set: (x, m) => x.set(known, m) }
}

function plain(name: string): Variable {
  return {
    name,
    get: (x) => x.get(name),
    set: (x, value) => {
      x.set(name, value)
      return true
    },
  }
}

function wholeMessage(name: FlowMessage): Variable {
  const message = MESSAGES[name]
  return {
    name,
    get: message.get,
    set: (x, value) => {
      if (!(value instanceof Message)) return false
      message.replace(x, value)
      return true
    },
  }
}

/** `a.b.header.X` -> message `a.b`, property `header.X`: the split with the shortest owner that gives a property. */
function splitName(name: string) {
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const property = messageProperty(name.slice(dot + 1))
    if (property !== null) return { owner: name.slice(0, dot), property }
  }
  return null
}

interface FlowMessageAccess {
  /** For reading: null where the message does not exist yet. */
  get(x: Exchange): Message | null
  /** For writing: made where it may be made. */
  writable(x: Exchange): Message | null
  replace(x: Exchange, message: Message): void
}

const MESSAGES: Readonly<Record<FlowMessage, FlowMessageAccess>> = {
  request: {
    get: (x) => x.request,
    writable: (x) => x.request,
    replace: (x, message) => become(x.request, message),
  },
  response: {
    // In a fault flow without an answer of the target, `response` is what will be sent.
    get: (x) => x.response ?? x.error,
    writable: (x) => (x.phase === 'proxy-request' && !x.inFaultFlow ? x.response : x.responseNow),
    replace: (x, message) => {
      if (x.response === null) x.response = message
      else become(x.response, message)
    },
  },
  message: {
    get: (x) => x.message,
    writable: (x) => x.message,
    replace: (x, message) => become(x.message, message),
  },
  error: {
    get: (x) => x.error,
    writable: (x) => x.error,
    replace: (x, message) => {
      if (x.error !== null) become(x.error, message)
    },
  },
}

/** Takes over all of another message, so that whoever holds the old one sees the new content. */
function become(target: Message, source: Message): void {
  if (target === source) return
  target.headers = source.headers.copy()
  target.body.set(source.body.content)
  target.version = source.version
  // A response that is put in place of a request (a callout may) has no verb or path to give.
  if (target.kind !== source.kind) return
  if (target.kind === 'request') {
    target.verb = source.verb
    target.path = source.path
    target.queryText = source.queryText
  } else {
    target.status = source.status
    target.reason = source.reason
  }
}
