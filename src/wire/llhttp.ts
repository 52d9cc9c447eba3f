import { createRequire } from 'node:module'

/**
 * llhttp, the parser of Node itself, as the WASM build that the pinned undici carries (MIT). One instance for all connections
 * of a thread, 80 bytes a parser. Nothing of ours runs inside `execute`: its callbacks only note what was read, and the owner
 * looks at it afterwards, so a handler may do what it likes and the instance need not be re-entrant.
 *
 * llhttp reads heads and chunked bodies. It is stopped behind every head; bodies of a known length are counted by the
 * connections and never copied into WASM memory.
 */

const WASM_MODULE = 'undici/lib/llhttp/llhttp_simd-wasm.js'
const CONSTANTS_MODULE = 'undici/lib/llhttp/constants.js'

// llhttp_errno_t, as far as we look at it.
const OK = 0
const PAUSED = 21
const USER = 24

const INPUT_BYTES_MAX = 65_536
/** Heads are short: this much of an input is decoded at once, since slices of a string are cheaper than many small decodes. */
const DECODED_BYTES = 4096

/** The part of WebAssembly that is used here; the types of Node leave it to the DOM's. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}

/** What `toString('latin1')` calls; without the detour. Node has it on every Buffer, its types do not. */
type Latin1Buffer = Buffer & { latin1Slice(start: number, end: number): string }

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  malloc(bytes: number): number
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_reset(parser: number): void
  llhttp_resume(parser: number): void
  llhttp_execute(parser: number, address: number, bytes: number): number
  llhttp_get_error_pos(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_get_method(parser: number): number
  llhttp_get_http_major(parser: number): number
  llhttp_get_http_minor(parser: number): number
}

function loadFromUndici(): { wasm: Uint8Array<ArrayBuffer>; methods: Record<string, number> } {
  const require = createRequire(import.meta.url)
  try {
    const wasm: unknown = require(WASM_MODULE)
    const constants = require(CONSTANTS_MODULE) as { METHODS?: Record<string, number> }
    if (!(wasm instanceof Uint8Array) || constants.METHODS === undefined)
      throw new Error('they hold something else now')
    return { wasm: wasm as Uint8Array<ArrayBuffer>, methods: constants.METHODS }
  } catch (error) {
    throw new Error(`${WASM_MODULE} and ${CONSTANTS_MODULE} of the pinned undici cannot be used`, { cause: error })
  }
}

/** How much of a head is taken before it is refused. Bytes of names and values; the request line or the reason counts apart. */
export interface HeadLimits {
  readonly requestLineBytesMax: number
  readonly headerBytesMax: number
  readonly headersBytesMax: number
  readonly headersCountMax: number
}

/** Why a message is refused: the status that a server answers with, and what is wrong in plain words. */
export interface Refusal {
  readonly status: number
  readonly detail: string
}

const LINE_TOO_LONG: Refusal = { status: 414, detail: 'the request line is too long' }
const HEADER_TOO_LONG: Refusal = { status: 431, detail: 'a header is too long' }
const HEADERS_TOO_LONG: Refusal = { status: 431, detail: 'the headers are too long together' }
const TOO_MANY_HEADERS: Refusal = { status: 431, detail: 'there are too many headers' }
const CHUNK_FRAMING_TOO_LONG: Refusal = { status: 400, detail: 'the chunk extensions are too long' }

/** Chunk size lines beyond what plain chunks need, in one body. */
const CHUNK_FRAMING_BYTES_MAX = 16_384
const PLAIN_CHUNK_FRAMING_BYTES = 24

const LETTER_H = 0x48

export const REQUEST = 1
export const RESPONSE = 2

export class Parser {
  readonly #address: number
  readonly #limits: HeadLimits

  // What was read of the current message.
  target: string
  /** Bytes in front of the target: the method and one space, unless the client sent more. */
  targetOffset: number
  /** An H was seen where it is due, one space behind the target: llhttp takes several spaces, RTSP and ICE there, too. */
  protocolSeen: boolean
  reason: string
  status: number
  /** llhttp's view of Connection and the version; right for requests only. */
  keepAlive: boolean
  /** Upgrade is there, and Connection names it (of an answer: and its status is 101). */
  upgrade: boolean
  /** Flat: name, value, ... Trailing blanks of values are still there. */
  headers: string[]
  trailers: string[] | null
  headComplete: boolean
  messageComplete: boolean
  /** Body bytes of the last `readChunks`, flat: start, end, ... in its input. */
  spans: number[]
  refusal: Refusal | null

  #fields: string[]
  #lastWasName: boolean
  #fieldBytes: number
  #fieldsBytes: number
  #takenBytes: number
  #framingBytes: number

  constructor(type: number, limits: HeadLimits) {
    this.#address = wasm.llhttp_alloc(type)
    this.#limits = limits
    this.target = ''
    this.targetOffset = -1
    this.protocolSeen = false
    this.reason = ''
    this.status = 0
    this.keepAlive = false
    this.upgrade = false
    this.headers = []
    this.trailers = null
    this.headComplete = false
    this.messageComplete = false
    this.spans = []
    this.refusal = null
    this.#fields = this.headers
    this.#lastWasName = false
    this.#fieldBytes = 0
    this.#fieldsBytes = 0
    this.#takenBytes = 0
    this.#framingBytes = 0
  }

  get method(): string {
    return methodNames[wasm.llhttp_get_method(this.#address)] ?? ''
  }

  /** 11 for HTTP/1.1. */
  get version(): number {
    return wasm.llhttp_get_http_major(this.#address) * 10 + wasm.llhttp_get_http_minor(this.#address)
  }

  /** Bytes of the head of the current message that were taken so far. */
  get headBytes(): number {
    return this.#takenBytes
  }

  /** Forgets the last message: what comes next is a head. */
  reset(): void {
    wasm.llhttp_reset(this.#address)
    this.target = ''
    this.targetOffset = -1
    this.protocolSeen = false
    this.reason = ''
    this.headers = []
    this.trailers = null
    this.headComplete = false
    this.messageComplete = false
    this.#fields = this.headers
    this.#lastWasName = false
    this.#fieldBytes = 0
    this.#fieldsBytes = 0
    this.#takenBytes = 0
    this.#framingBytes = 0
  }

  /** Reads a head or a part of it, from `at` to `inputEnd`. Returns the position behind what was taken, -1 with `refusal` when it is none. */
  readHead(input: Buffer, at: number, inputEnd: number): number {
    const limits = this.#limits
    do {
      const end = this.#execute(input, at, inputEnd, true)
      if (end < 0) return -1
      if (!this.protocolSeen && this.targetOffset >= 0) {
        const position = at + this.targetOffset + this.target.length + 1 - this.#takenBytes
        if (position < end) this.protocolSeen = input[position] === LETTER_H
      }
      this.#takenBytes += end - at
      if (this.#takenBytes > limits.requestLineBytesMax + limits.headersBytesMax) {
        this.refusal ??= HEADERS_TOO_LONG
        return -1
      }
      at = end
    } while (!this.headComplete && at < inputEnd)
    return at
  }

  /** The head was looked at, and a chunked body follows. */
  expectChunks(): void {
    wasm.llhttp_resume(this.#address)
    this.#fieldsBytes = 0
    this.#lastWasName = false
    this.#fields = []
  }

  /**
   * Reads a part of a chunked body; its bytes are then in `body(input)`, and `messageComplete` and `trailers` tell about its
   * end. Returns the position behind what was taken, -1 with `refusal` when it is none.
   */
  readChunks(input: Buffer, at: number, inputEnd: number): number {
    const spans = this.spans
    spans.length = 0
    do {
      const spanCount = spans.length
      const end = this.#execute(input, at, inputEnd, false)
      if (end < 0) return -1
      let bodyBytes = 0
      for (let i = spanCount; i < spans.length; i += 2) bodyBytes += spans[i + 1]! - spans[i]!
      const chunkCount = (spans.length - spanCount) / 2 + 1
      this.#framingBytes += Math.max(0, end - at - bodyBytes - chunkCount * PLAIN_CHUNK_FRAMING_BYTES)
      if (this.#framingBytes > CHUNK_FRAMING_BYTES_MAX + this.#limits.headersBytesMax) {
        this.refusal ??= CHUNK_FRAMING_TOO_LONG
        return -1
      }
      at = end
    } while (!this.messageComplete && at < inputEnd)
    if (this.messageComplete && this.#fields.length > 0) this.trailers = this.#fields
    return at
  }

  /** The body bytes that the last `readChunks` found, in one piece; null: none. */
  body(input: Buffer): Buffer | null {
    const spans = this.spans
    if (spans.length === 0) return null
    if (spans.length === 2) return input.subarray(spans[0]!, spans[1]!)
    let bytes = 0
    for (let i = 0; i < spans.length; i += 2) bytes += spans[i + 1]! - spans[i]!
    const whole = Buffer.allocUnsafe(bytes)
    let to = 0
    for (let i = 0; i < spans.length; i += 2) to += input.copy(whole, to, spans[i]!, spans[i + 1]!)
    return whole
  }

  free(): void {
    wasm.llhttp_free(this.#address)
  }

  #execute(input: Buffer, at: number, end: number, decode: boolean): number {
    const bytes = Math.min(end - at, INPUT_BYTES_MAX)
    // The memory's ArrayBuffer is replaced when it grows.
    if (memoryView.buffer !== wasm.memory.buffer) memoryView = viewOfInput()
    input.copy(memoryView, 0, at, at + bytes)
    current = this
    currentInput = input
    inputShift = at - inputAddress
    textStart = at
    text = decode ? (input as Latin1Buffer).latin1Slice(at, at + Math.min(bytes, DECODED_BYTES)) : ''
    const result = wasm.llhttp_execute(this.#address, inputAddress, bytes)
    if (result === OK) return at + bytes
    if (result === PAUSED) return at + wasm.llhttp_get_error_pos(this.#address) - inputAddress
    this.refusal ??= { status: 400, detail: errorReason(this.#address) }
    return -1
  }

  // Called from inside `execute`: these only note. A result other than OK ends it.

  noteTarget(part: string, position: number): number {
    if (this.target === '') {
      this.target = part
      this.targetOffset = this.#takenBytes + position
    } else {
      this.target += part
    }
    if (this.targetOffset + this.target.length <= this.#limits.requestLineBytesMax) return OK
    return this.#refuse(LINE_TOO_LONG)
  }

  noteReason(part: string): number {
    this.reason += part
    return this.reason.length <= this.#limits.requestLineBytesMax ? OK : this.#refuse(LINE_TOO_LONG)
  }

  noteName(part: string): number {
    const fields = this.#fields
    if (this.#lastWasName) {
      fields[fields.length - 1] += part
      this.#fieldBytes += part.length
    } else {
      fields.push(part)
      this.#lastWasName = true
      this.#fieldBytes = part.length
      if (fields.length > this.#limits.headersCountMax * 2) return this.#refuse(TOO_MANY_HEADERS)
    }
    return this.#countField(part.length)
  }

  noteValue(part: string): number {
    const fields = this.#fields
    if (this.#lastWasName) {
      fields.push(part)
      this.#lastWasName = false
    } else {
      fields[fields.length - 1] += part
    }
    this.#fieldBytes += part.length
    return this.#countField(part.length)
  }

  noteHead(status: number, upgrade: boolean, keepAlive: boolean): number {
    this.status = status
    this.upgrade = upgrade
    this.keepAlive = keepAlive
    this.headComplete = true
    return PAUSED
  }

  #countField(bytes: number): number {
    this.#fieldsBytes += bytes
    if (this.#fieldBytes > this.#limits.headerBytesMax) return this.#refuse(HEADER_TOO_LONG)
    return this.#fieldsBytes <= this.#limits.headersBytesMax ? OK : this.#refuse(HEADERS_TOO_LONG)
  }

  #refuse(refusal: Refusal): number {
    this.refusal = refusal
    return USER
  }
}

let current!: Parser
let currentInput!: Buffer
/** Add to an address in WASM memory to get the position in `currentInput`. */
let inputShift = 0
let text = ''
let textStart = 0

function textAt(address: number, bytes: number): string {
  const start = address + inputShift
  const end = start - textStart + bytes
  return end <= text.length
    ? text.slice(start - textStart, end)
    : (currentInput as Latin1Buffer).latin1Slice(start, start + bytes)
}

const callbacks = {
  wasm_on_message_begin: (): number => OK,
  wasm_on_url: (_parser: number, at: number, bytes: number): number =>
    current.noteTarget(textAt(at, bytes), at - inputAddress),
  wasm_on_status: (_parser: number, at: number, bytes: number): number => current.noteReason(textAt(at, bytes)),
  wasm_on_header_field: (_parser: number, at: number, bytes: number): number => current.noteName(textAt(at, bytes)),
  wasm_on_header_value: (_parser: number, at: number, bytes: number): number => current.noteValue(textAt(at, bytes)),
  wasm_on_headers_complete: (_parser: number, status: number, upgrade: number, keepAlive: number): number =>
    current.noteHead(status, upgrade === 1, keepAlive === 1),
  wasm_on_body: (_parser: number, at: number, bytes: number): number => {
    current.spans.push(at + inputShift, at + inputShift + bytes)
    return OK
  },
  wasm_on_message_complete: (): number => {
    current.messageComplete = true
    return PAUSED
  },
}

const loaded = loadFromUndici()
const { WebAssembly: wasmApi } = globalThis as unknown as { WebAssembly: WasmApi }
const wasm = new wasmApi.Instance(new wasmApi.Module(loaded.wasm), { env: callbacks }).exports as Exports
const inputAddress = wasm.malloc(INPUT_BYTES_MAX)
let memoryView = viewOfInput()

const methodNames: string[] = []
for (const name of Object.keys(loaded.methods)) methodNames[loaded.methods[name]!] = name

function viewOfInput(): Uint8Array {
  return new Uint8Array(wasm.memory.buffer, inputAddress, INPUT_BYTES_MAX)
}

function errorReason(parser: number): string {
  const bytes = new Uint8Array(wasm.memory.buffer)
  const start = wasm.llhttp_get_error_reason(parser)
  const end = bytes.indexOf(0, start)
  return Buffer.from(bytes.subarray(start, end)).toString('latin1') || 'this is not HTTP/1.1'
}
