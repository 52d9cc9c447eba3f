import type { AnsweredBy } from '../core/answered-by.ts'
import type { BreachedLimit, KeptFields, RecentCall } from './recent-call.ts'

/** Bytes of a slot for the texts of its call, and the most that each takes. */
export const SLOT_BYTES = 1_024
const HOST_MAX = 128
const PATH_MAX = 384
const QUERY_MAX = 192

/**
 * One place of the ring, filled again and again. What a client wrote is copied into bytes of the slot's own: a text that is only
 * referred to would outlive its call, be moved by every collection meanwhile, and keep the whole head of the request. Numbers
 * begin as NaN, so that V8 keeps them in place; so keeping a call allocates nothing.
 */
export class RecentSlot implements KeptFields {
  timeMs: number = Number.NaN
  method = ''
  httpVersion = ''
  clientAddress = ''
  environment = ''
  proxy = ''
  revision = 0
  service = ''
  application = ''
  account = ''
  status = 0
  targetStatus = 0
  answeredBy: AnsweredBy = 'gateway'
  errorCode = ''
  totalMs: number = Number.NaN
  targetMs: number = Number.NaN
  policyMs: number = Number.NaN
  bytesIn = 0
  bytesOut = 0
  forwards = 0
  basePath = ''
  suffixLength = 0
  flow = ''
  route = ''
  targetName = ''
  targetUrl = ''
  targetSentMs: number = Number.NaN
  targetReceivedMs: number = Number.NaN
  answerStartedMs: number = Number.NaN
  answerSentMs: number = Number.NaN
  message = ''
  step = ''
  policyType = ''
  faultRule = ''
  breach: BreachedLimit | null = null
  requestBody: string | null = null
  responseBody: string | null = null
  // Where each text ends in the bytes, in this order; the next one begins there.
  #idEnd = 0
  #hostEnd = 0
  #pathEnd = 0
  #queryEnd = 0
  #targetPathEnd = 0
  #targetQueryEnd = 0
  #cut = 0
  readonly #bytes: Buffer

  /** `bytes`: `SLOT_BYTES` that nobody else uses. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isEmpty(): boolean {
    return this.#idEnd === 0
  }

  is(requestId: string): boolean {
    return this.#idEnd === requestId.length && this.#bytes.toString('latin1', 0, this.#idEnd) === requestId
  }

  /** Texts of the wire, of which each is latin1. Masked where that is needed. */
  texts(requestId: string, host: string, path: string, query: string): void {
    this.#cut = 0
    this.#idEnd = this.#write(0, requestId, 32, 0)
    this.#hostEnd = this.#write(this.#idEnd, host, HOST_MAX, 1)
    this.#pathEnd = this.#write(this.#hostEnd, path, PATH_MAX, 2)
    this.#queryEnd = query === '' ? this.#pathEnd : this.#write(this.#pathEnd, query, QUERY_MAX, 4)
    this.#targetPathEnd = this.#queryEnd
    this.#targetQueryEnd = this.#queryEnd
  }

  /** After `texts`: what was sent to the target. */
  targetTexts(path: string, query: string): void {
    const room = SLOT_BYTES - this.#queryEnd
    this.#targetPathEnd = this.#write(this.#queryEnd, path, Math.min(PATH_MAX, room), 8)
    const rest = SLOT_BYTES - this.#targetPathEnd
    this.#targetQueryEnd = query === '' ? this.#targetPathEnd : this.#write(this.#targetPathEnd, query, rest, 16)
  }

  #write(at: number, text: string, max: number, cutBit: number): number {
    const length = text.length > max ? max : text.length
    if (length < text.length) this.#cut |= cutBit
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
    return at + length
  }

  /** The call, to be kept by others. */
  call(): RecentCall {
    const text = (from: number, to: number, cutBit: number): string =>
      this.#bytes.toString('latin1', from, to) + (this.#cut & cutBit ? '...' : '')
    return {
      ...(this as KeptFields),
      requestId: text(0, this.#idEnd, 0),
      host: text(this.#idEnd, this.#hostEnd, 1),
      path: text(this.#hostEnd, this.#pathEnd, 2),
      query: text(this.#pathEnd, this.#queryEnd, 4),
      targetPath: text(this.#queryEnd, this.#targetPathEnd, 8),
      targetQuery: text(this.#targetPathEnd, this.#targetQueryEnd, 16),
    }
  }
}
