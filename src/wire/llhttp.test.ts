import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { Parser, REQUEST, RESPONSE } from './llhttp.ts'

const LIMITS = { requestLineBytesMax: 200, headerBytesMax: 200, headersBytesMax: 600, headersCountMax: 10 }

test('the pinned undici carries the WASM build of llhttp where it is looked for', () => {
  const pinned = packageJson.dependencies.undici
  expect(pinned, 'undici must be pinned exactly: its llhttp is not a public interface').toMatch(/^\d+\.\d+\.\d+$/)
  const require = createRequire(import.meta.url)
  const { version } = require('undici/package.json') as { version: string }
  expect(version, 'another undici is installed than package.json pins').toBe(pinned)
  const moved = `undici ${version} has moved lib/llhttp: adapt src/wire/llhttp.ts, then run this folder's tests`
  expect(() => require('undici/lib/llhttp/llhttp_simd-wasm.js'), moved).not.toThrow()
  expect(() => require('undici/lib/llhttp/constants.js'), moved).not.toThrow()
})

interface Read {
  method: string
  target: string
  version: number
  status: number
  reason: string
  headers: string[]
  trailers: string[] | null
  body: string
  refusal: string | null
  rest: string
}

/** Reads one message that arrives in these pieces. */
function read(type: number, pieces: readonly string[], chunked: boolean): Read {
  const parser = new Parser(type, LIMITS)
  parser.reset()
  let body = ''
  let rest = ''
  let expecting = false
  let refused = false
  for (const piece of pieces) {
    const input = Buffer.from(piece, 'latin1')
    let at = 0
    while (at < input.length && !refused) {
      if (!parser.headComplete) {
        at = parser.readHead(input, at, input.length)
      } else if (chunked && !parser.messageComplete) {
        if (!expecting) parser.expectChunks()
        expecting = true
        at = parser.readChunks(input, at, input.length)
        if (at >= 0) body += parser.body(input)?.toString('latin1') ?? ''
      } else {
        rest += input.toString('latin1', at)
        break
      }
      if (at < 0) refused = true
    }
  }
  const { method, target, version, status, reason, headers, trailers } = parser
  const refusal = parser.refusal?.detail ?? null
  parser.free()
  return { method, target, version, status, reason, headers, trailers, body, refusal, rest }
}

const POST =
  'POST /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Wide:  some words here \r\nTransfer-Encoding: chunked\r\n\r\n' +
  '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 11\r\nX-None:\r\n\r\nGET /next'
const ANSWER = 'HTTP/1.1 404 Not Here\r\nServer: x\r\nX-E: y\xff\r\nA:\r\n\r\nrest'

test('a request in one piece', () => {
  expect(read(REQUEST, [POST], true)).toEqual({
    method: 'POST',
    target: '/a/b?c=d',
    version: 11,
    status: 0,
    reason: '',
    headers: ['Host', 'a.example', 'X-Empty', '', 'X-Wide', 'some words here ', 'Transfer-Encoding', 'chunked'],
    trailers: ['X-Sum', '11', 'X-None', ''],
    body: 'hello world',
    refusal: null,
    rest: 'GET /next',
  })
})

test('an answer in one piece', () => {
  const answer = read(RESPONSE, [ANSWER], false)
  expect(answer).toMatchObject({ status: 404, reason: 'Not Here', version: 11, rest: 'rest', refusal: null })
  expect(answer.headers).toEqual(['Server', 'x', 'X-E', 'y\xff', 'A', ''])
})

test('any split of a message reads the same', () => {
  const cases = [
    [REQUEST, POST, true],
    [RESPONSE, ANSWER, false],
  ] as const
  for (const [type, text, chunked] of cases) {
    const whole = read(type, [text], chunked)
    for (let cut = 1; cut < text.length; cut++) {
      expect(read(type, [text.slice(0, cut), text.slice(cut)], chunked)).toEqual(whole)
    }
    expect(read(type, [...text], chunked)).toEqual(whole)
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), text.length]
        const pieces = sorted.slice(1).map((end, i) => text.slice(sorted[i], end))
        expect(read(type, pieces, chunked)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  }
})

test('parsers of one thread do not disturb each other', () => {
  const parsers = Array.from({ length: 5000 }, () => new Parser(REQUEST, LIMITS))
  for (const parser of parsers) parser.reset()
  for (const half of ['GET /x HTTP/1.1\r\nHo', 'st: here\r\n\r\n']) {
    const input = Buffer.from(half)
    for (const parser of parsers) parser.readHead(input, 0, input.length)
  }
  for (const parser of parsers) {
    expect(parser.headers).toEqual(['Host', 'here'])
    parser.free()
  }
})

test('random bytes are refused or read, and never harm', () => {
  const alphabet = fc.constantFrom(
    'GET',
    ' ',
    '/',
    'HTTP/1.1',
    '\r\n',
    '\r',
    '\n',
    ':',
    'a',
    '\0',
    '5',
    ';',
    '0',
    '\xff',
    '\t',
    'Host',
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(alphabet, fc.string({ maxLength: 5 })), { maxLength: 40 }),
      fc.boolean(),
      (words, chunked) => {
        const text = words.join('')
        const whole = read(REQUEST, [text], chunked)
        const dripped = read(REQUEST, [...text], chunked)
        // What was noted of a head before it was refused differs, and nobody looks at it.
        expect(dripped.refusal === null).toBe(whole.refusal === null)
        if (whole.refusal === null) expect(dripped).toEqual(whole)
      },
    ),
    { numRuns: 2000 },
  )
})

test('limits end a head early', () => {
  const over = (text: string): string | null => read(REQUEST, [text], false).refusal
  expect(over(`GET /${'a'.repeat(201)}`)).toBe('the request line is too long')
  expect(over(`GET / HTTP/1.1\r\nA: ${'a'.repeat(201)}`)).toBe('a header is too long')
  expect(over(`GET / HTTP/1.1\r\n${'a'.repeat(201)}`)).toBe('a header is too long')
  expect(over(`GET / HTTP/1.1\r\n${`A: ${'a'.repeat(150)}\r\n`.repeat(5)}`)).toBe('the headers are too long together')
  expect(over(`GET / HTTP/1.1\r\n${'A: a\r\n'.repeat(11)}`)).toBe('there are too many headers')
  expect(over(`GET / HTTP/1.1\r\nA:${' '.repeat(100_000)}`)).toBe('the headers are too long together')
  expect(over(`GET ${' '.repeat(100_000)}`)).toBe('the headers are too long together')
})

test('chunk extensions are bounded, tiny chunks are not', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  expect(read(REQUEST, [`${head}1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`], true).refusal).toBe(
    'the chunk extensions are too long',
  )
  const drip = [head, ...Array.from({ length: 300 }, () => `1;${'a'.repeat(100)}\r\nx\r\n`)]
  expect(read(REQUEST, drip, true).refusal).toBe('the chunk extensions are too long')
  const tiny = read(REQUEST, [`${head}${'1\r\nx\r\n'.repeat(50_000)}0\r\n\r\n`], true)
  expect(tiny.refusal).toBeNull()
  expect(tiny.body.length).toBe(50_000)
})
