/**
 * Heads as latin1 strings. The transport owns framing: Content-Length, Transfer-Encoding, Connection, Keep-Alive and Expect
 * that a caller hands in are left out, and written anew where they belong.
 */

/** A header, reason, method or target that must not go out: it would end its line early or cannot be sent in latin1. */
export class UnsendableError extends TypeError {
  constructor(message: string) {
    super(message)
    this.name = 'UnsendableError'
  }
}

// What stands where a length is expected.
export const CHUNKED = -1
/** No framing is written, and a Content-Length among the headers stays: it tells of a body that is not sent (HEAD, 304). */
export const AS_GIVEN = -2
/** No framing at all: 204, requests without a body, bodies that end with the connection. */
export const NO_FRAMING = -3

/** A request without a body that asks to go on as a WebSocket. */
export const WEB_SOCKET = -4

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
/** No control character; and a code above 255 would lose its upper byte in latin1, so that U+010A became a line feed. */
const FIELD_TEXT = '[\\t\\x20-\\x7e\\x80-\\xff]*'
const TARGET = '[\\x21-\\x7e\\x80-\\xff]+'

const ANY_TOKEN = new RegExp(`^${TOKEN}$`)
const ANY_FIELD_TEXT = new RegExp(`^${FIELD_TEXT}$`)
const ANY_TARGET = new RegExp(`^${TARGET}$`)

/**
 * The heads that may go out, by their number of header lines: one test of the whole costs half of what testing every name
 * and value does. A value that would begin a line of its own makes one line too many.
 */
class HeadPattern {
  readonly #firstLine: string
  readonly #byLineCount: RegExp[]

  constructor(firstLine: string) {
    this.#firstLine = firstLine
    this.#byLineCount = []
  }

  allows(head: string, lineCount: number): boolean {
    let pattern = this.#byLineCount[lineCount]
    if (pattern === undefined) {
      pattern = new RegExp(`^${this.#firstLine}(?:${TOKEN}: ${FIELD_TEXT}\\r\\n){${lineCount}}\\r\\n$`)
      this.#byLineCount[lineCount] = pattern
    }
    return pattern.test(head)
  }
}

const RESPONSE_HEAD = new HeadPattern(`HTTP/1\\.1 [1-9]\\d\\d ${FIELD_TEXT}\\r\\n`)
const REQUEST_HEAD = new HeadPattern(`${TOKEN} ${TARGET} HTTP/1\\.1\\r\\n`)
const TRAILER = new HeadPattern('0\\r\\n')

let dateSecond = 0
let dateLine = ''

/** `Date: ...` with its line end, made once a second. */
function currentDateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateLine = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return dateLine
}

/**
 * The head of an answer, ending in the empty line.
 * @param lengthBytes Content-Length to write, or one of the constants above
 * @param connection 'close' or 'keep-alive' where that must be said, else ''
 * @throws UnsendableError
 */
export function responseHead(
  status: number,
  reason: string,
  headers: readonly string[],
  lengthBytes: number,
  connection: string,
): string {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  let lineCount = headers.length >> 1
  let hasDate = false
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    switch (name.length) {
      case 4:
        if (!hasDate && (name === 'Date' || name.toLowerCase() === 'date')) hasDate = true
        break
      case 10:
      case 14:
      case 17:
        if (isOwned(name, lengthBytes)) {
          lineCount--
          continue
        }
        break
    }
    head += `${name}: ${headers[i + 1]}\r\n`
  }
  if (lengthBytes >= 0) {
    head += `Content-Length: ${lengthBytes}\r\n`
    lineCount++
  } else if (lengthBytes === CHUNKED) {
    head += 'Transfer-Encoding: chunked\r\n'
    lineCount++
  }
  if (!hasDate) {
    head += currentDateLine()
    lineCount++
  }
  if (connection !== '') {
    head += `Connection: ${connection}\r\n`
    lineCount++
  }
  head += '\r\n'
  if (!RESPONSE_HEAD.allows(head, lineCount)) {
    if (!(status >= 100 && status <= 999)) throw new UnsendableError(`${status} is not a status`)
    if (!ANY_FIELD_TEXT.test(reason)) throw new UnsendableError(`the reason phrase cannot be sent: ${quoted(reason)}`)
    throw unsendable(headers)
  }
  return head
}

/**
 * The head of a request, ending in the empty line.
 * @param lengthBytes Content-Length to write, CHUNKED, NO_FRAMING or WEB_SOCKET
 * @throws UnsendableError
 */
export function requestHead(method: string, target: string, headers: readonly string[], lengthBytes: number): string {
  let head = `${method} ${target} HTTP/1.1\r\n`
  let lineCount = headers.length >> 1
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    switch (name.length) {
      case 6: // Expect: the body is sent without waiting
      case 10:
      case 14:
      case 17:
        if (isOwned(name, lengthBytes)) {
          lineCount--
          continue
        }
        break
    }
    head += `${name}: ${headers[i + 1]}\r\n`
  }
  if (lengthBytes >= 0) {
    head += `Content-Length: ${lengthBytes}\r\n\r\n`
    lineCount++
  } else if (lengthBytes === CHUNKED) {
    head += 'Transfer-Encoding: chunked\r\n\r\n'
    lineCount++
  } else if (lengthBytes === WEB_SOCKET) {
    head += 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    lineCount += 2
  } else {
    head += '\r\n'
  }
  if (!REQUEST_HEAD.allows(head, lineCount)) {
    if (!ANY_TOKEN.test(method)) throw new UnsendableError(`the method is not a token: ${quoted(method)}`)
    if (!ANY_TARGET.test(target)) throw new UnsendableError(`the target cannot be sent: ${quoted(target)}`)
    throw unsendable(headers)
  }
  return head
}

/**
 * The end of a chunked body. Trailers that frame or route are left out (RFC 9110 section 6.5.1).
 * @throws UnsendableError
 */
export function lastChunk(trailers: readonly string[] | null | undefined): string {
  if (trailers === null || trailers === undefined || trailers.length === 0) return '0\r\n\r\n'
  let end = '0\r\n'
  let lineCount = 0
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i]!
    if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) continue
    end += `${name}: ${trailers[i + 1]}\r\n`
    lineCount++
  }
  end += '\r\n'
  if (!TRAILER.allows(end, lineCount)) throw unsendable(trailers)
  return end
}

const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Names of 6, 10, 14 or 17 letters. The first letter decides nearly always. */
function isOwned(name: string, lengthBytes: number): boolean {
  const first = name.charCodeAt(0) | 0x20
  switch (name.length) {
    case 6:
      return first === 0x65 && name.toLowerCase() === 'expect'
    case 10: {
      if (first !== 0x63 && first !== 0x6b) return false
      const lower = name.toLowerCase()
      return lower === 'connection' || lower === 'keep-alive'
    }
    case 14:
      if (first !== 0x63 || (name !== 'Content-Length' && name.toLowerCase() !== 'content-length')) return false
      return lengthBytes !== AS_GIVEN
    default:
      return first === 0x74 && name.toLowerCase() === 'transfer-encoding'
  }
}

/** Says which header it was. */
function unsendable(headers: readonly string[]): UnsendableError {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (!ANY_TOKEN.test(name)) return new UnsendableError(`${quoted(name)} is not a header name`)
    const value = headers[i + 1]
    if (typeof value !== 'string') return new UnsendableError(`header ${name} has no value`)
    if (!ANY_FIELD_TEXT.test(value)) return new UnsendableError(`the value of ${name} cannot be sent: ${quoted(value)}`)
  }
  return new UnsendableError('a head that cannot be sent')
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}
