import fc from 'fast-check'

/** Damage to valid messages, for the differential tests and the fuzz. */

export const REQUESTS: readonly string[] = [
  'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  'POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  'POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'POST /d HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc',
  'POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 38\r\n\r\nGET /inner HTTP/1.1\r\nHost: inner\r\n\r\n...',
  'PUT /f HTTP/1.1\r\nHost: h\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nGET /inner HTTP/1.1\r\nHost: i\r\n\r\n\r\n0\r\n\r\n',
]

export const ANSWERS: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil close',
]

/** What parsers are known to disagree about. */
export const POISON: readonly string[] = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  '+',
  '-',
  '\x0b',
  '\x85',
  '\xa0',
  '\xff',
  '\r\n\r\n',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding : chunked\r\n',
  ' Transfer-Encoding: chunked\r\n',
  'Content-Length: 5, 5\r\n',
  'Host: other\r\n',
  'Connection: close\r\n',
  'Connection: Content-Length\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n',
  'Expect: 100-continue\r\n',
  'chunked',
  'GET /inner HTTP/1.1\r\nHost: i\r\n\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  '\r\n ',
]

export interface Damage {
  /** Where, counted around the text. */
  readonly place: number
  /** How many characters go... */
  readonly removed: number
  /** ... and what comes in their place. */
  readonly inserted: string
}

export function damaged(text: string, places: readonly Damage[]): string {
  for (const { place, removed, inserted } of places) {
    const at = place % (text.length + 1)
    text = text.slice(0, at) + inserted + text.slice(at + removed)
  }
  return text
}

const damage = fc.array(
  fc.record({
    place: fc.nat(10_000),
    removed: fc.constantFrom(0, 0, 0, 1, 2, 5),
    inserted: fc.oneof(fc.constantFrom('', ...POISON), fc.string({ maxLength: 2 })),
  }),
  { maxLength: 3 },
)

/** One to three requests, damaged in up to three places. */
export const requestBytes: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 3 }), damage)
  .map(([parts, places]) => damaged(parts.join(''), places))

/** An answer, damaged, and perhaps a second one behind it. */
export const answerBytes: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...ANSWERS), damage, fc.constantFrom('', ...ANSWERS))
  .map(([answer, places, behind]) => damaged(answer, places) + behind)
