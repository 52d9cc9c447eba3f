import type { BodySink, BodySource } from '../core/body.ts'
import { sendable } from '../engine/headers.ts'
import type { Message } from '../engine/message.ts'
import type { Downstream, DrainListener } from '../wire/types.ts'
import type { Call } from './call.ts'
import { diagnosticHeaders } from './diagnostics.ts'
import { connectionTokens, DROP, headerRule } from './header-rules.ts'

/** Sends a message to the client: at once when its content is there, else chunk by chunk as it comes. */
export function sendAnswer(call: Call, message: Message): void {
  const { down } = call
  const streamed = message.body.takeSource()
  const source = streamed === null || call.bodies === null ? streamed : call.bodies.response(streamed)
  const status = message.status
  call.status = status
  if (source !== null && allowsBody(status)) {
    const length = source.lengthBytes
    down.head(status, reasonOf(message), answerHeaders(call, message), length)
    source.start(new AnswerStream(call, source))
    return
  }
  source?.cancel()
  const content = message.body.content
  if (content === null || content.length === 0) return sendEmpty(call, message)
  down.send(
    status,
    reasonOf(message),
    answerHeaders(call, message),
    typeof content === 'string' ? message.bytes : content,
  )
}

/** What a policy wants in the answer whatever that is (CORS). `Vary` keeps what the target varies by. */
export function setAnswerHeaders(message: Message, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    if (name !== 'Vary') message.headers.set(name, value)
    else if (!variesBy(message, value)) message.headers.add(name, value)
  }
}

function variesBy(message: Message, name: string): boolean {
  return message.headers.pieces('vary').some((piece) => piece === '*' || piece.toLowerCase() === name.toLowerCase())
}

/** No body. An answer to HEAD (or a 304) may still tell how long it would have been. */
function sendEmpty(call: Call, message: Message): void {
  const { down } = call
  const told = down.method === 'HEAD' || message.status === 304 ? message.headers.get('content-length') : undefined
  if (told !== undefined && /^\d{1,15}$/.test(told)) {
    down.head(message.status, reasonOf(message), answerHeaders(call, message), Number(told))
    down.end()
    return
  }
  down.send(message.status, reasonOf(message), answerHeaders(call, message), null)
}

/** An answer made by the gateway itself, before any proxy is known. */
export function sendOwn(call: Call, status: number, reason: string, headers: readonly string[], body: string): void {
  const all = headers.slice()
  diagnosticHeaders(call, all)
  call.status = status
  call.down.send(status, reason, all, body)
}

/** Reasons that policies write may hold anything; the usual one needs no look. */
export const reasonOf = ({ reason }: Message): string => (reason === 'OK' ? reason : sendable(reason))

const allowsBody = (status: number): boolean => status !== 204 && status !== 304 && status >= 200

/** What goes out of a message's headers: no hop-by-hop ones, and ours. */
export function answerHeaders(call: Call, message: Message): string[] {
  const raw = message.headers.raw
  const tokens = connectionTokens(raw)
  const headers: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (headerRule(name) === DROP || tokens?.has(name.toLowerCase())) continue
    headers.push(name, raw[i + 1]!)
  }
  diagnosticHeaders(call, headers)
  return headers
}

/** Passes a body on with the client's pace. */
class AnswerStream implements BodySink, DrainListener {
  readonly #call: Call
  readonly #down: Downstream
  readonly #source: BodySource

  constructor(call: Call, source: BodySource) {
    this.#call = call
    this.#down = call.down
    this.#source = source
    this.#down.drainListener = this
  }

  onDrain(): void {
    this.#source.resume()
  }

  onData(chunk: Buffer): boolean {
    return this.#down.write(chunk)
  }

  onEnd(trailers: readonly string[] | null): void {
    this.#down.end(trailers)
  }

  onError(): void {
    // Half an answer must not look whole.
    this.#call.brokeOff = true
    this.#down.abort()
  }
}
