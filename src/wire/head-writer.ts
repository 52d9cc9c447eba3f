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

const NOT_A_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/
/** A code above 255 would lose its upper byte in latin1, and U+010A would become a line feed. */
const NOT_FIELD_TEXT = /[^\t\x20-\x7e\x80-\xff]/
const NOT_A_TARGET = /[^\x21-\x7e\x80-\xff]/

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

// What stands where a length is expected.
export const CHUNKED = -1
/** No framing is written, and a Content-Length among the headers stays: it tells of a body that is not sent (HEAD, 304). */
export const AS_GIVEN = -2
/** No framing at all: 204, requests without a body, bodies that end with the connection. */
export const NO_FRAMING = -3

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
  if (reason !== 'OK' && NOT_FIELD_TEXT.test(reason))
    throw new UnsendableError('the reason phrase has a control character')
  if (!(status >= 100 && status <= 999)) throw new UnsendableError(`${status} is not a status`)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  let hasDate = false
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    switch (name.length) {
      case 4:
        if (!hasDate && name.toLowerCase() === 'date') hasDate = true
        break
      case 10:
      case 14:
      case 17:
        if (isOwned(name, lengthBytes)) continue
        break
    }
    head += fieldLine(name, value)
  }
  if (lengthBytes >= 0) head += `Content-Length: ${lengthBytes}\r\n`
  else if (lengthBytes === CHUNKED) head += 'Transfer-Encoding: chunked\r\n'
  if (!hasDate) head += currentDateLine()
  if (connection !== '') head += `Connection: ${connection}\r\n`
  return `${head}\r\n`
}

/**
 * The head of a request, ending in the empty line.
 * @param lengthBytes Content-Length to write, CHUNKED or NO_FRAMING
 * @throws UnsendableError
 */
export function requestHead(method: string, target: string, headers: readonly string[], lengthBytes: number): string {
  if (method === '' || NOT_A_TOKEN.test(method)) throw new UnsendableError('the method is not a token')
  if (target === '' || NOT_A_TARGET.test(target))
    throw new UnsendableError('the target has a blank or control character')
  let head = `${method} ${target} HTTP/1.1\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    switch (name.length) {
      case 6: // the body is sent without waiting
        if ((name.charCodeAt(0) | 0x20) === 0x65 && name.toLowerCase() === 'expect') continue
        break
      case 10:
      case 14:
      case 17:
        if (isOwned(name, lengthBytes)) continue
        break
    }
    head += fieldLine(name, headers[i + 1]!)
  }
  if (lengthBytes >= 0) head += `Content-Length: ${lengthBytes}\r\n`
  else if (lengthBytes === CHUNKED) head += 'Transfer-Encoding: chunked\r\n'
  return `${head}\r\n`
}

/** The end of a chunked body. Trailers that frame or route are left out (RFC 9110 section 6.5.1). */
export function lastChunk(trailers: readonly string[] | null | undefined): string {
  if (trailers === null || trailers === undefined || trailers.length === 0) return '0\r\n\r\n'
  let end = '0\r\n'
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i]!
    if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) continue
    end += fieldLine(name, trailers[i + 1]!)
  }
  return `${end}\r\n`
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

function fieldLine(name: string, value: string): string {
  if (name === '' || NOT_A_TOKEN.test(name)) throw new UnsendableError(`${JSON.stringify(name)} is not a header name`)
  if (NOT_FIELD_TEXT.test(value)) {
    throw new UnsendableError(
      `the value of header ${name} has a character that cannot be sent: ${JSON.stringify(value)}`,
    )
  }
  return `${name}: ${value}\r\n`
}

function isOwned(name: string, lengthBytes: number): boolean {
  const first = name.charCodeAt(0) | 0x20
  if (first !== 0x63 && first !== 0x6b && first !== 0x74) return false
  switch (name.toLowerCase()) {
    case 'connection':
    case 'keep-alive':
    case 'transfer-encoding':
      return true
    case 'content-length':
      return lengthBytes !== AS_GIVEN
    default:
      return false
  }
}
