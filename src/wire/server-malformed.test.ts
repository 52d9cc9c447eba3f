import { afterEach, expect, test } from 'vitest'
import { cleanUp, exchangeRaw, LIMITS, serve } from './test-support.ts'

afterEach(cleanUp)

const GET = 'GET / HTTP/1.1\r\n'
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n'
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`

// What is wrong, the bytes, the status that closes the connection.
const MALFORMED: readonly (readonly [string, string, number])[] = [
  [
    'Content-Length and Transfer-Encoding',
    `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'Transfer-Encoding and Content-Length',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two Content-Lengths', `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400],
  ['two equal Content-Lengths', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 400],
  ['a list as Content-Length', `${POST}Content-Length: 5, 5\r\n\r\nhello`, 400],
  ['Content-Length with a plus', `${POST}Content-Length: +5\r\n\r\nhello`, 400],
  ['negative Content-Length', `${POST}Content-Length: -5\r\n\r\nhello`, 400],
  ['hexadecimal Content-Length', `${POST}Content-Length: 0x5\r\n\r\nhello`, 400],
  ['empty Content-Length', `${POST}Content-Length:\r\n\r\n`, 400],
  ['Content-Length of 2^64 - 1', `${POST}Content-Length: 18446744073709551615\r\n\r\n`, 400],
  ['Content-Length above 2^53', `${POST}Content-Length: 9007199254740993\r\n\r\n`, 400],
  ['Content-Length that overflows', `${POST}Content-Length: 99999999999999999999999\r\n\r\n`, 400],
  ['gzip, chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunked, gzip', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, 400],
  ['chunked, chunked', `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
  ['gzip alone', `${POST}Transfer-Encoding: gzip\r\n\r\n`, 400],
  ['identity', `${POST}Transfer-Encoding: identity\r\n\r\n`, 400],
  ['empty Transfer-Encoding', `${POST}Transfer-Encoding:\r\n\r\n`, 400],
  ['xchunked', `${POST}Transfer-Encoding: xchunked\r\n\r\n`, 400],
  ['chunked with a parameter', `${POST}Transfer-Encoding: chunked;a=b\r\n\r\n`, 400],
  ['quoted chunked', `${POST}Transfer-Encoding: "chunked"\r\n\r\n`, 400],
  ['two Transfer-Encodings', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['Transfer-Encoding twice, the second odd', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n`, 400],
  ['vertical tab before chunked', `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n`, 400],
  ['Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['folded header', `${GET}Host: a\r\nX: a\r\n b\r\n\r\n`, 400],
  ['folded first header', `${GET} Host: a\r\n\r\n`, 400],
  ['bare LF after the request line', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['bare LF after a header', `${GET}Host: a\nX: y\r\n\r\n`, 400],
  ['bare LF as the empty line', `${GET}Host: a\r\n\n`, 400],
  ['bare CR in a value', `${GET}Host: a\r\nX: a\rb\r\n\r\n`, 400],
  ['bare CR before the name', `${GET}Host: a\r\n\rX: b\r\n\r\n`, 400],
  ['space before the colon', `${GET}Host: a\r\nX : a\r\n\r\n`, 400],
  ['tab before the colon', `${GET}Host: a\r\nX\t: a\r\n\r\n`, 400],
  ['space before the colon of Content-Length', `${POST}Content-Length : 5\r\n\r\nhello`, 400],
  ['empty name', `${GET}Host: a\r\n: a\r\n\r\n`, 400],
  ['no colon', `${GET}Host: a\r\nX\r\n\r\n`, 400],
  ['bracket in a name', `${GET}Host: a\r\nX[: a\r\n\r\n`, 400],
  ['letter above ASCII in a name', `${GET}Host: a\r\nX\xe9: a\r\n\r\n`, 400],
  ['NUL in a name', `${GET}Host: a\r\nX\0: a\r\n\r\n`, 400],
  ['NUL in a value', `${GET}Host: a\r\nX: a\0b\r\n\r\n`, 400],
  ['control character in a value', `${GET}Host: a\r\nX: a\x01b\r\n\r\n`, 400],
  ['DEL in a value', `${GET}Host: a\r\nX: a\x7fb\r\n\r\n`, 400],
  ['NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['byte above ASCII in the target', 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['two spaces before the target', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['two spaces before the version', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['tab instead of space', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['space after the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
  ['space before the method', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['relative target', 'GET foo HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['asterisk for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['unknown method', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
  ['RTSP', 'DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n', 400],
  ['RTSP with a method of HTTP', 'GET / RTSP/1.0\r\nHost: a\r\n\r\n', 400],
  ['ICE', 'SOURCE / ICE/1.0\r\nHost: a\r\n\r\n', 400],
  ['preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 400],
  ['HTTP/0.9 with a version', 'GET / HTTP/0.9\r\n\r\n', 505],
  ['HTTP/0.9', 'GET /\r\n\r\n', 505],
  ['version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
  ['TLS at a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['no Host', `${GET}\r\n`, 400],
  ['two Hosts', `${GET}Host: a\r\nHost: b\r\n\r\n`, 400],
  ['the same Host twice', `${GET}Host: a\r\nhost: a\r\n\r\n`, 400],
  ['two Hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['Host with a path', `${GET}Host: a/b\r\n\r\n`, 400],
  ['Host with a space', `${GET}Host: a b\r\n\r\n`, 400],
  ['Host with user information', `${GET}Host: u@a\r\n\r\n`, 400],
  ['another expectation', `${POST}Expect: 200-ok\r\nContent-Length: 5\r\n\r\n`, 417],
  ['bare LF before the request', `\n${GET}Host: a\r\n\r\n`, 400],
  ['endless empty lines', '\r\n'.repeat(100), 400],
  ['chunk size with a blank', `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`, 400],
  ['chunk size with 0x', `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`, 400],
  ['chunk size with a sign', `${CHUNKED}+5\r\nhello\r\n0\r\n\r\n`, 400],
  ['chunk size that overflows', `${CHUNKED}ffffffffffffffffff\r\n`, 400],
  ['empty chunk size', `${CHUNKED}\r\nhello\r\n0\r\n\r\n`, 400],
  ['bare LF after a chunk size', `${CHUNKED}5\nhello\r\n0\r\n\r\n`, 400],
  ['bare LF in a chunk extension', `${CHUNKED}5;a\nb\r\nhello\r\n0\r\n\r\n`, 400],
  ['bare CR in a chunk extension', `${CHUNKED}5;a\rb\r\nhello\r\n0\r\n\r\n`, 400],
  ['chunk longer than its size', `${CHUNKED}5\r\nhelloX\r\n0\r\n\r\n`, 400],
  ['bare LF after a chunk', `${CHUNKED}5\r\nhello\n0\r\n\r\n`, 400],
  ['Content-Length as a trailer', `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`, 400],
  ['huge chunk extension', `${CHUNKED}5;${'a'.repeat(40_000)}\r\nhello\r\n0\r\n\r\n`, 400],
  ['too long a line', `GET /${'a'.repeat(LIMITS.requestLineBytesMax)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['too long a header', `${GET}Host: a\r\nX: ${'a'.repeat(LIMITS.headerBytesMax)}\r\n\r\n`, 431],
  ['too long headers', `${GET}Host: a\r\n${`X: ${'a'.repeat(900)}\r\n`.repeat(5)}\r\n`, 431],
  ['too many headers', `${GET}Host: a\r\n${'X: a\r\n'.repeat(LIMITS.headersCountMax)}\r\n`, 431],
  ['too many trailers', `${CHUNKED}0\r\n${'X: a\r\n'.repeat(LIMITS.headersCountMax + 1)}\r\n`, 431],
]

test.each(MALFORMED)('%s', async (_name, bytes, status) => {
  const targets: string[] = []
  const server = await serve((exchange) => {
    targets.push(exchange.target)
    exchange.body?.start({ onData: () => true, onEnd: () => exchange.send(200, 'OK', [], 'read'), onError: () => {} })
    if (exchange.body === null) exchange.send(200, 'OK', [], 'none')
  })
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const rest of ['', smuggled]) {
    const text = await exchangeRaw(server.port, bytes + rest)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(text).toMatch(new RegExp(`\r\n\r\n${status} [^\r\n]+$`))
  }
  expect(targets).not.toContain('/smuggled')
  expect(targets.length === 0 || bytes.startsWith(CHUNKED)).toBe(true)
})

// Odd, but with one meaning: each is answered, and so is the request behind it.
const ODD: readonly (readonly [string, string, string])[] = [
  ['an empty line before the request', `\r\n${GET}Host: a\r\n\r\n`, ''],
  ['an empty Host', `${GET}Host:\r\n\r\n`, ''],
  ['IPv6 and a port as Host', `${GET}Host: [::1]:8080\r\n\r\n`, ''],
  ['absolute target', 'GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n', ''],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', ''],
  ['blanks around a value', `${GET}Host: \t a \t\r\n\r\n`, ''],
  ['Content-Length with blanks', `${POST}Content-Length:  5 \r\n\r\nhello`, 'hello'],
  ['leading zeros of Content-Length', `${POST}Content-Length: 005\r\n\r\nhello`, 'hello'],
  ['Content-Length of 0', `${POST}Content-Length: 0\r\n\r\n`, ''],
  ['chunked in capitals', `${POST}TRANSFER-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello'],
  ['leading zeros of a chunk size', `${CHUNKED}0005\r\nhello\r\n000\r\n\r\n`, 'hello'],
  ['chunk extensions', `${CHUNKED}5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`, 'hello'],
  ['trailers', `${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n`, 'hello'],
  ['an upgrade that is not taken', `${GET}Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, ''],
  ['a body of GET', `${GET}Host: a\r\nContent-Length: 5\r\n\r\nhello`, 'hello'],
  ['latin1 in a value', `${GET}Host: a\r\nX: \xe9\xff\r\n\r\n`, ''],
]

test.each(ODD)('%s is fine', async (_name, bytes, body) => {
  const server = await serve((exchange) => {
    let read = ''
    const answer = (): void => exchange.send(200, 'OK', [], `<${read}>`)
    if (exchange.body === null) answer()
    const onData = (chunk: Buffer): boolean => {
      read += chunk.toString('latin1')
      return true
    }
    exchange.body?.start({ onData, onEnd: answer, onError: () => {} })
  })
  const text = await exchangeRaw(server.port, `${bytes}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  expect(text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2)
  expect(text).toContain(`\r\n\r\n<${body}>HTTP/1.1 200 OK\r\n`)
})
