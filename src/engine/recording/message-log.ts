import { MESSAGES_MAX, type MessagesAt } from '../../model/traced-call.ts'
import { Body, charsetOf } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import type { Message, MessageKind } from '../message.ts'
import { BodyTap } from './body-tap.ts'

/** A message as it was, before masks: lives only as long as its call. */
export interface MessageCopy {
  readonly name: string
  readonly kind: MessageKind
  readonly verb: string
  readonly uri: string
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Flat: name, value, ... */
  readonly headers: readonly string[]
  /** What is there; the beginning of it when it is large. */
  readonly content: Buffer | string | null
  readonly bytes: number
  /** Streams through: what went by is known at the end. */
  readonly tap: BodyTap | null
  readonly charset: string
}

const FLOW = ['request', 'response', 'error'] as const
type FlowName = (typeof FLOW)[number]

/** Of all copies of one call, in bytes or characters; beyond it the beginning alone is kept. */
const CONTENTS_MAX = 8 * 1024 * 1024
const SHORT = 1024

interface Seen {
  readonly at: number
  readonly message: Message
  readonly content: Buffer | string | null
}

/** The table of the messages of one call: a new row whenever one of them has changed. */
export class MessageLog {
  readonly copies: MessageCopy[] = []
  readonly #keptMax: number
  #room = CONTENTS_MAX
  readonly #seen: Record<FlowName, Seen | null> = { request: null, response: null, error: null }
  readonly #taps = new Map<unknown, BodyTap>()

  /** Of a body, `keptMax` bytes are kept. */
  constructor(keptMax: number) {
    this.#keptMax = keptMax
  }

  /** From here on what streams through this message is seen. */
  watch(message: Message): void {
    const { source } = message.body
    if (source === null || source instanceof BodyTap) return
    message.body = new Body(null, new BodyTap(message.body.takeSource()!, this.#keptMax))
  }

  /** Where the messages of the flow stand now. */
  at(x: Exchange): MessagesAt {
    return { request: this.of('request', x), response: this.of('response', x), error: this.of('error', x) }
  }

  of(name: FlowName, x: Exchange): number | null {
    const message = x[name]
    if (message === null) return null
    const seen = this.#seen[name]
    if (seen !== null && seen.message === message && this.#isSame(seen, message)) return seen.at
    const at = this.add(name, message)
    if (at !== null) this.#seen[name] = { at, message, content: message.body.content }
    return at ?? seen?.at ?? null
  }

  /** Null: there is no room for more. */
  add(name: string, message: Message): number | null {
    const { body } = message
    const { source } = body
    if (source instanceof BodyTap) this.#taps.set(message, source)
    const content = body.content
    // Taken to be sent on: what it was when it went.
    const tap = source instanceof BodyTap ? source : content === null ? (this.#taps.get(message) ?? null) : null
    return this.#push({
      name,
      kind: message.kind,
      verb: message.verb,
      uri: message.kind === 'request' ? message.uri : '',
      version: message.version,
      status: message.status,
      reason: message.reason,
      headers: message.headers.raw.slice(),
      content: this.#kept(content),
      bytes: content === null ? 0 : Buffer.byteLength(content),
      tap,
      charset: charsetOf(message.headers.get('content-type')),
    })
  }

  /** The request of a callout, as it is sent. */
  addSent(
    name: string,
    verb: string,
    uri: string,
    headers: readonly string[],
    content: Buffer | string | null,
  ): number | null {
    return this.#push({ ...this.#sent(name, headers, content), kind: 'request', verb, uri, status: 0, reason: '' })
  }

  /** Its answer. */
  addAnswer(name: string, status: number, reason: string, headers: readonly string[], content: Buffer): number | null {
    return this.#push({ ...this.#sent(name, headers, content), kind: 'response', verb: '', uri: '', status, reason })
  }

  #sent(name: string, headers: readonly string[], content: Buffer | string | null) {
    const bytes = content === null ? 0 : Buffer.byteLength(content)
    return {
      name,
      version: '1.1',
      headers: headers.slice(),
      content: this.#kept(content),
      bytes,
      tap: null,
      charset: 'utf-8',
    }
  }

  #push(copy: MessageCopy): number | null {
    return this.copies.length >= MESSAGES_MAX ? null : this.copies.push(copy) - 1
  }

  /** The beginning alone, in memory of its own, of what is large. */
  #kept(content: Buffer | string | null): Buffer | string | null {
    if (content === null) return null
    const max = Math.min(this.#keptMax, Math.max(SHORT, this.#room))
    this.#room -= Math.min(content.length, max)
    if (content.length <= max) return content
    return typeof content === 'string' ? content.slice(0, max) : Buffer.from(content.subarray(0, max))
  }

  #isSame(seen: Seen, message: Message): boolean {
    const copy = this.copies[seen.at]!
    const { source } = message.body
    if (seen.content !== message.body.content || (source instanceof BodyTap && copy.tap !== source)) return false
    if (copy.verb !== message.verb || copy.status !== message.status || copy.reason !== message.reason) return false
    if (message.kind === 'request' && copy.uri !== message.uri) return false
    return sameList(copy.headers, message.headers.raw)
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
