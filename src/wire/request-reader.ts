import { facts, namesWebSocket, scanRequestHead } from './head-rules.ts'
import { type HeadLimits, Parser, REQUEST, type Refusal } from './llhttp.ts'

const LEADING_BLANK_BYTES_MAX = 8

const CR = 0x0d
const LF = 0x0a

const BAD_START: Refusal = { status: 400, detail: 'a request begins with its method' }
const BAD_REQUEST_LINE: Refusal = {
  status: 400,
  detail: 'a request line is method, target and HTTP/1.1, parted by one space',
}
const NO_TUNNELS: Refusal = { status: 501, detail: 'CONNECT is not offered here' }
const BAD_TARGET: Refusal = { status: 400, detail: 'the target "*" is for OPTIONS' }

/** Reads requests out of bytes, one after the other. Knows no socket: what is to be done with them is its owner's business. */
export class RequestReader {
  readonly #parser: Parser
  /** Why `takeHead` or `takeBody` returned -1. */
  refusal: Refusal | null
  /** A head has begun and is not complete. */
  inHead: boolean
  headComplete: boolean
  bodyComplete: boolean
  // Of the current request, once its head is complete.
  method: string
  version: number
  keepAlive: boolean
  expectsContinue: boolean
  /** It asks to go on as a WebSocket, in a way that may be passed on. */
  webSocket: boolean
  /** Body bytes still to come, -1: chunked. */
  bodyBytesLeft: number
  #blankBytes: number
  #bodyStart: number
  #bodyEnd: number

  constructor(limits: HeadLimits) {
    this.#parser = new Parser(REQUEST, limits)
    this.refusal = null
    this.inHead = false
    this.headComplete = false
    this.bodyComplete = false
    this.method = ''
    this.version = 11
    this.keepAlive = true
    this.expectsContinue = false
    this.webSocket = false
    this.bodyBytesLeft = 0
    this.#blankBytes = 0
    this.#bodyStart = 0
    this.#bodyEnd = 0
  }

  get target(): string {
    return this.#parser.target
  }

  /** Flat: name, value, ... */
  get headers(): string[] {
    return this.#parser.headers
  }

  /** Complete with the body only. */
  get trailers(): string[] | null {
    return this.#parser.trailers
  }

  /** Reads a head or a part of it. Returns the position behind what was taken, -1 with `refusal`. */
  takeHead(input: Buffer, at: number, inputEnd: number): number {
    const parser = this.#parser
    this.headComplete = false
    if (!this.inHead) {
      at = this.#skipBlankLines(input, at, inputEnd)
      if (at < 0 || at === inputEnd) return at
      this.inHead = true
      parser.reset()
    }
    const end = parser.readHead(input, at, inputEnd)
    if (end < 0) {
      this.refusal = parser.refusal
      return -1
    }
    if (parser.headComplete) {
      this.inHead = false
      this.#blankBytes = 0
      this.refusal = this.#checkHead()
      if (this.refusal !== null) return -1
      this.headComplete = true
    }
    return end
  }

  /** Reads a part of the body, then in `bodyPiece`. Returns the position behind what was taken, -1 with `refusal`. */
  takeBody(input: Buffer, at: number, inputEnd: number): number {
    if (this.bodyBytesLeft < 0) {
      const end = this.#parser.readChunks(input, at, inputEnd)
      if (end < 0) this.refusal = this.#parser.refusal
      this.bodyComplete = this.#parser.messageComplete
      return end
    }
    const end = Math.min(inputEnd, at + this.bodyBytesLeft)
    this.#bodyStart = at
    this.#bodyEnd = end
    this.bodyBytesLeft -= end - at
    this.bodyComplete = this.bodyBytesLeft === 0
    return end
  }

  /** What the last `takeBody` found; null: no byte of the body. */
  bodyPiece(input: Buffer): Buffer | null {
    return this.bodyBytesLeft < 0 ? this.#parser.body(input) : input.subarray(this.#bodyStart, this.#bodyEnd)
  }

  free(): void {
    this.#parser.free()
  }

  /** A client may send an empty line or two before a request (RFC 9112 section 2.2), not a bare line feed, and not forever. */
  #skipBlankLines(input: Buffer, at: number, inputEnd: number): number {
    for (; at < inputEnd; at++) {
      const byte = input[at]!
      const due = (this.#blankBytes & 1) === 0 ? CR : LF
      if (byte !== due) {
        if (due === CR && byte !== LF) return at
        break
      }
      if (++this.#blankBytes > LEADING_BLANK_BYTES_MAX) break
    }
    if (at === inputEnd) return at
    this.refusal = BAD_START
    return -1
  }

  #checkHead(): Refusal | null {
    const parser = this.#parser
    const { method, version } = parser
    const refusal = scanRequestHead(parser.headers, version) ?? requestLineRefusal(method, parser)
    if (refusal !== null) return refusal
    this.method = method
    this.version = version
    this.keepAlive = parser.keepAlive
    this.expectsContinue = facts.expectsContinue
    this.bodyBytesLeft = facts.chunked ? -1 : Math.max(0, facts.contentLengthBytes)
    this.bodyComplete = this.bodyBytesLeft === 0
    this.webSocket =
      parser.upgrade && this.bodyComplete && version === 11 && method === 'GET' && namesWebSocket(parser.headers)
    if (facts.chunked) parser.expectChunks()
    return null
  }
}

function requestLineRefusal(method: string, parser: Parser): Refusal | null {
  if (parser.targetOffset !== method.length + 1 || !parser.protocolSeen) return BAD_REQUEST_LINE
  if (method === 'CONNECT') return NO_TUNNELS
  if (parser.target === '*' && method !== 'OPTIONS') return BAD_TARGET
  return null
}
