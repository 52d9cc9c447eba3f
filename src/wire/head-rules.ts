import type { Refusal } from './llhttp.ts'

/**
 * What RFC 9112 demands of a head and llhttp lets pass, and how the body is framed. One pass over the names; the length of a
 * name decides whether it can matter, so nearly all of them are never lower-cased.
 */

/** What the last scan found. One object, overwritten by each scan: read it at once. */
export interface HeadFacts {
  /** -1: no Content-Length. */
  contentLengthBytes: number
  chunked: boolean
  expectsContinue: boolean
  /** The connection may carry another message (answers only). */
  keepAlive: boolean
  /** Seconds of the peer's `Keep-Alive: timeout=`, -1: not said (answers only). */
  keepAliveTimeoutSeconds: number
}

export const facts: HeadFacts = {
  contentLengthBytes: -1,
  chunked: false,
  expectsContinue: false,
  keepAlive: true,
  keepAliveTimeoutSeconds: -1,
}

const SEVERAL_HOSTS: Refusal = { status: 400, detail: 'there are several Host headers' }
const NO_HOST: Refusal = { status: 400, detail: 'the Host header is missing' }
const BAD_HOST: Refusal = { status: 400, detail: 'the Host header is not a host' }
const BAD_LENGTH: Refusal = { status: 400, detail: 'Content-Length is not one decimal number' }
const BAD_CODING: Refusal = { status: 400, detail: 'Transfer-Encoding is not exactly "chunked"' }
const CODING_IN_1_0: Refusal = { status: 400, detail: 'Transfer-Encoding is not known in HTTP/1.0' }
const LENGTH_AND_CODING: Refusal = { status: 400, detail: 'both Content-Length and Transfer-Encoding are set' }
const BAD_EXPECTATION: Refusal = { status: 417, detail: 'the only expectation met here is "100-continue"' }
const BAD_VERSION: Refusal = { status: 505, detail: 'the version is neither HTTP/1.0 nor HTTP/1.1' }
const BAD_REASON: Refusal = { status: 502, detail: 'the reason phrase holds a control character' }
const BAD_STATUS: Refusal = { status: 502, detail: 'the status is below 100' }

// RFC 3986 reg-name, IP literal and port, without what needs no place in a Host header: user information.
const HOST = /^[\w.\-~!$&'()*+,;=%:[\]]*$/
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/

/** Checks the head of a request, trims the values in place and sets `facts`. Null: fine. */
export function scanRequestHead(headers: string[], version: number): Refusal | null {
  startScan()
  if (version !== 11 && version !== 10) return BAD_VERSION
  let hosts = 0
  let refusal: Refusal | null = null
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = trimmed(headers, i + 1)
    switch (name.length) {
      case 4:
        if (name === 'Host' || name.toLowerCase() === 'host') {
          hosts++
          if (!HOST.test(value)) refusal ??= BAD_HOST
        }
        break
      case 6:
        if ((name.charCodeAt(0) | 0x20) === 0x65 && name.toLowerCase() === 'expect') {
          if (value.toLowerCase() !== '100-continue') refusal ??= BAD_EXPECTATION
          // An HTTP/1.0 client cannot take an interim answer: its expectation is ignored (RFC 9110 section 10.1.1).
          else facts.expectsContinue = version === 11
        }
        break
      case 14:
        refusal = scanLength(name, value) ?? refusal
        break
      case 17:
        refusal = scanCoding(name, value, version) ?? refusal
        break
    }
  }
  if (hosts > 1) return SEVERAL_HOSTS
  if (hosts === 0 && version === 11) return NO_HOST
  if (facts.chunked && facts.contentLengthBytes >= 0) return LENGTH_AND_CODING
  return refusal
}

/** Checks the head of an answer, trims the values, takes out hop-by-hop headers in place and sets `facts`. Null: fine. */
export function scanResponseHead(headers: string[], version: number, status: number, reason: string): Refusal | null {
  startScan()
  if (version !== 11 && version !== 10) return BAD_VERSION
  if (status < 100) return BAD_STATUS
  if (reason !== 'OK' && CONTROL.test(reason)) return BAD_REASON
  let refusal: Refusal | null = null
  let kept = 0
  let nominated = ''
  facts.keepAlive = version === 11
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = trimmed(headers, i + 1)
    if (isHopByHop(name)) {
      if (name.length === 17) refusal = scanCoding(name, value, version) ?? refusal
      else if (name.length === 10) nominated = scanConnection(name, value) ?? nominated
      continue
    }
    if (name.length === 14) refusal = scanLength(name, value) ?? refusal
    if (kept !== i) {
      headers[kept] = name
      headers[kept + 1] = value
    }
    kept += 2
  }
  while (headers.length > kept) headers.pop() // cheaper than a new length
  if (nominated !== '') dropNominated(headers, nominated)
  if (facts.chunked && facts.contentLengthBytes >= 0) return LENGTH_AND_CODING
  return refusal
}

/** Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade: RFC 9110 section 7.6.1. */
function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return name.toLowerCase() === 'te'
    case 7: {
      const first = name.charCodeAt(0) | 0x20
      if (first !== 0x74 && first !== 0x75) return false
      const lower = name.toLowerCase()
      return lower === 'upgrade' || lower === 'trailer'
    }
    case 10: {
      const first = name.charCodeAt(0) | 0x20
      if (first !== 0x63 && first !== 0x6b) return false
      if (name === 'Connection') return true
      const lower = name.toLowerCase()
      return lower === 'connection' || lower === 'keep-alive'
    }
    case 16:
      return (name.charCodeAt(0) | 0x20) === 0x70 && name.toLowerCase() === 'proxy-connection'
    case 17:
      return (name.charCodeAt(0) | 0x20) === 0x74 && name.toLowerCase() === 'transfer-encoding'
    default:
      return false
  }
}

/** One of the protocols in `Upgrade` is "websocket" (RFC 6455 section 4.1). */
export function namesWebSocket(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length !== 7 || headers[i]!.toLowerCase() !== 'upgrade') continue
    if (headers[i + 1]!.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket')) return true
  }
  return false
}

function startScan(): void {
  facts.contentLengthBytes = -1
  facts.chunked = false
  facts.expectsContinue = false
  facts.keepAlive = true
  facts.keepAliveTimeoutSeconds = -1
}

function scanLength(name: string, value: string): Refusal | null {
  if (name !== 'Content-Length' && name.toLowerCase() !== 'content-length') return null
  const bytes = decimal(value)
  if (facts.contentLengthBytes >= 0 || bytes < 0) return BAD_LENGTH
  facts.contentLengthBytes = bytes
  return null
}

/** -1: not 1 to 15 digits and nothing else. */
function decimal(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let number = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

function scanCoding(name: string, value: string, version: number): Refusal | null {
  if (name.toLowerCase() !== 'transfer-encoding') return null
  if (version === 10) return CODING_IN_1_0
  if (facts.chunked || value.toLowerCase() !== 'chunked') return BAD_CODING
  facts.chunked = true
  return null
}

/** Connection or Keep-Alive of an answer. Returns the value when it names further headers. */
function scanConnection(name: string, value: string): string | null {
  if (value === 'keep-alive' || value === 'close') {
    if (name.length === 10 && (name.charCodeAt(0) | 0x20) === 0x63) facts.keepAlive = value === 'keep-alive'
    return null
  }
  if (name.toLowerCase() === 'keep-alive') {
    const seconds = /(?:^|[,\s])timeout\s*=\s*(\d{1,6})/i.exec(value)?.[1]
    if (seconds !== undefined) facts.keepAliveTimeoutSeconds = Number(seconds)
    return null
  }
  const lower = value.toLowerCase()
  if (lower === 'keep-alive') {
    facts.keepAlive = true
    return null
  }
  if (lower === 'close') {
    facts.keepAlive = false
    return null
  }
  if (/(?:^|,)\s*close\s*(?:,|$)/.test(lower)) facts.keepAlive = false
  return lower
}

function dropNominated(headers: string[], nominated: string): void {
  const names = nominated.split(',')
  for (const raw of names) {
    const name = raw.trim()
    // Content-Length cannot be made to vanish: it frames the body.
    if (name === '' || name === 'content-length') continue
    for (let i = headers.length - 2; i >= 0; i -= 2) {
      if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) headers.splice(i, 2)
    }
  }
}

function trimmed(headers: string[], index: number): string {
  const value = headers[index]!
  let end = value.length
  while (end > 0 && isBlank(value.charCodeAt(end - 1))) end--
  if (end === value.length) return value
  const shorter = value.slice(0, end)
  headers[index] = shorter
  return shorter
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
