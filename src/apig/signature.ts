import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** The signature of requests SDK-HMAC-SHA256 (the vendor's request signing guide). */
export const ALGORITHM = 'SDK-HMAC-SHA256'

/** What a signature covers of a request. */
export interface SignedRequest {
  readonly method: string
  /** As sent, without query. */
  readonly path: string
  /** As sent, without question mark. */
  readonly query: string
  /** All values of a header by its lower-case name, joined by commas; undefined: it was not sent. */
  header(lower: string): string | undefined
}

/** The parts of an Authorization header; '' where one is missing. */
export interface SignatureHeader {
  readonly access: string
  /** Lower case, in the order of the client. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

const PART = /^\s*(Access|SignedHeaders|Signature)\s*=\s*(\S+)\s*$/i
const HEADERS_MAX = 1_000

/** Reads `SDK-HMAC-SHA256 Access=..., SignedHeaders=a;b, Signature=...`; null when a part comes twice or is none of these. */
export function parseSignatureHeader(value: string): SignatureHeader | null {
  const parts = new Map<string, string>()
  const rest = value.slice(ALGORITHM.length)
  for (const piece of rest.split(',', 4)) {
    if (piece.trim() === '') continue
    const match = PART.exec(piece)
    if (match === null || parts.has(match[1]!.toLowerCase())) return null
    parts.set(match[1]!.toLowerCase(), match[2]!)
  }
  const names = (parts.get('signedheaders') ?? '').split(';', HEADERS_MAX + 1)
  if (names.length > HEADERS_MAX) return null
  return {
    access: parts.get('access') ?? '',
    signedHeaders: names.filter((name) => name !== '').map((name) => name.toLowerCase()),
    signature: parts.get('signature') ?? '',
  }
}

/**
 * How the pairs of a query are sorted: by the plain names, and the plain values of one name, as most SDKs do (Go, Node.js,
 * Python); or by both as they are encoded, as the Java SDK does. They differ where a character that is encoded meets one
 * that is not: `a`, `{`.
 */
export type QueryOrder = 'plain' | 'encoded'

/** Lines joined by \n, as the guide has them: method, path, query, headers, names of the headers, hash of the payload. */
export function canonicalRequest(
  request: SignedRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  order: QueryOrder = 'plain',
): string {
  const headers = signedHeaders.map((name) => `${name}:${(request.header(name) ?? '').trim()}\n`).join('')
  const path = canonicalPath(request.path)
  const query = canonicalQuery(request.query, order)
  return `${request.method.toUpperCase()}\n${path}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${payloadHash}`
}

const SECRET_LINES =
  /^(authorization|proxy-authorization|cookie|x-auth-token|x-security-token|x-hw-appkey|x-apig-appcode):.+$/gm

/** As an error shows it, and what keeps errors: without the values of headers that are secrets by themselves. */
export const shownCanonical = (canonical: string): string => canonical.replace(SECRET_LINES, '$1:***')

/** Hex. `date`: the value of X-Sdk-Date. */
export function signatureOf(secret: string, date: string, canonical: string): string {
  const text = `${ALGORITHM}\n${date}\n${sha256(canonical)}`
  return createHmac('sha256', secret).update(text, 'utf8').digest('hex')
}

/** In a time that tells nothing of how much is equal. */
export function sameSignature(wanted: string, given: string): boolean {
  const a = Buffer.from(wanted, 'latin1')
  const b = Buffer.alloc(a.length)
  b.write(given, 'latin1')
  return timingSafeEqual(a, b) && given.length === wanted.length
}

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')

/** Each segment decoded once and encoded by the rule of the guide; ends with a slash. */
function canonicalPath(path: string): string {
  const encoded = path.split('/').map(reencoded).join('/')
  return encoded.endsWith('/') ? encoded : `${encoded}/`
}

function canonicalQuery(query: string, order: QueryOrder): string {
  if (query === '') return ''
  const form = order === 'plain' ? decodeOnce : reencoded
  const pairs = query.split('&').flatMap((piece): { key: string; value: string; text: string }[] => {
    if (piece === '') return []
    const equals = piece.indexOf('=')
    const [name, value] = equals < 0 ? [piece, ''] : [piece.slice(0, equals), piece.slice(equals + 1)]
    return [{ key: form(name), value: form(value), text: `${reencoded(name)}=${reencoded(value)}` }]
  })
  pairs.sort((a, b) => compare(a.key, b.key) || compare(a.value, b.value))
  return pairs.map(({ text }) => text).join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const PLAIN = /^[A-Za-z0-9\-_.~]*$/

function reencoded(text: string): string {
  return PLAIN.test(text) ? text : strictEncode(decodeOnce(text))
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Everything but A-Z a-z 0-9 - _ . ~ as %XX of its UTF-8. */
function strictEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `20060102T150405Z` in ms since the epoch; NaN when it is none. */
export function sdkDateMs(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return Number.NaN
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

export const sdkDate = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
