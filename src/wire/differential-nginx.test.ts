import net from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { answerBytes, requestBytes } from './test-damage.ts'
import { hasNginx, Nginx } from './test-nginx.ts'
import { headersOf, Pipe } from './test-pipe.ts'
import { MALFORMED, ODD } from './test-requests.ts'
import { Collector, cleanUp, LIMITS, later, rawUpstream, sendAll, serve } from './test-support.ts'
import type { Downstream, UpstreamClient } from './types.ts'

/**
 * Our reading beside that of nginx, before us and behind us: the table of malformed and odd requests, and random damage.
 * Refusing more is fine on either side; what must never happen is that we pass on what nginx reads as another message, or more.
 */

const NUM_RUNS = 400

/** What nginx took: it names each request in its answer. */
const seenIn = (text: string): string[] => [...text.matchAll(/\r\nX-Seen: ([^\r\n]*)\r\n/g)].map((match) => match[1]!)

/** nginx leaves the authority of an absolute target out. */
const named = ({ method, target }: Downstream): string => `${method} ${target.replace(/^http:\/\/[^/]*/, '')}`

const CORPUS: readonly string[] = [...MALFORMED, ...ODD].map(
  ([, bytes]) => `${bytes}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
)

describe.skipIf(!hasNginx)('beside nginx (skipped where it is not installed)', () => {
  let nginx: Nginx

  beforeAll(async () => {
    nginx = await Nginx.start(
      'keepalive_requests 1000000; client_header_timeout 5s; client_body_timeout 5s;',
      'location / { add_header X-Seen "$request_method $request_uri"; return 200 "ok"; }',
    )
  })

  afterAll(() => nginx?.stop())
  afterEach(cleanUp)

  /** The corpus, then damage; each is given to `check`, which says how many requests came through. */
  async function forAll(check: (bytes: string) => Promise<number>): Promise<void> {
    let through = 0
    for (const bytes of CORPUS) through += await check(bytes)
    await fc.assert(
      fc.asyncProperty(requestBytes, async (bytes) => {
        through += await check(bytes)
      }),
      { numRuns: NUM_RUNS },
    )
    expect(through).toBeGreaterThan(NUM_RUNS / 2)
  }

  test('requests: as far as both take them, they are the same', async () => {
    let ours: string[] = []
    const server = await serve((exchange) => {
      const done = (): void => exchange.send(200, 'OK', ['X-Seen', named(exchange)], 'ok')
      ours.push(named(exchange))
      if (exchange.body === null) return done()
      const body = new Collector()
      exchange.body.start(body)
      void body.done.then(() => body.error === null && done())
    })
    await forAll(async (bytes) => {
      ours = []
      const answered = seenIn(await sendAll({ port: server.port }, bytes))
      const theirs = seenIn(await sendAll({ path: nginx.path }, bytes))
      const both = Math.min(answered.length, theirs.length)
      expect(theirs.slice(0, both)).toEqual(answered.slice(0, both))
      return both
    })
  })

  test('requests: what we pass on is one request each for nginx behind us', async () => {
    // Between us and nginx: hears all that nginx answers, also what nobody waits for.
    let heard: string[] = []
    let ends: Promise<void>[] = []
    const { origin } = await rawUpstream((socket) => {
      const index = heard.push('') - 1
      const behind = net.connect({ path: nginx.path, allowHalfOpen: true })
      behind.on('data', (chunk: Buffer) => {
        heard[index] += chunk.toString('latin1')
        if (!socket.destroyed) socket.write(chunk)
      })
      behind.on('end', () => socket.end())
      behind.on('error', () => socket.destroy())
      socket.on('data', (chunk: Buffer) => behind.write(chunk))
      socket.on('end', () => behind.end())
      socket.on('error', () => behind.end())
      ends.push(new Promise((resolve) => behind.on('close', () => resolve())))
    })
    let client: UpstreamClient
    let taken: string[] = []
    const proxy = await serve((down) => {
      taken.push(named(down))
      new Pipe(client, origin, down, { headers: headersOf(down) })
    })
    await forAll(async (bytes) => {
      heard = []
      ends = []
      taken = []
      client = createUpstreamClient({ limits: LIMITS })
      await sendAll({ port: proxy.port }, bytes)
      client.close()
      await Promise.all(ends)
      // Each that nginx took was one that we took; those that broke off on the way may be missing.
      const theirs = heard.flatMap(seenIn)
      const left = [...taken]
      for (const one of theirs) {
        const at = left.indexOf(one)
        expect(at, `${one} was made up of ${JSON.stringify(bytes)}`).toBeGreaterThanOrEqual(0)
        left.splice(at, 1)
      }
      return theirs.length
    })
  })

  test('answers: what we pass on is one answer each for nginx before us', async () => {
    let bytes = ''
    const { origin } = await rawUpstream((socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (!text.endsWith('\r\n\r\n')) return
        if (text.includes('/probe')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe')
        else socket.write(bytes, 'latin1', () => socket.end())
        text = ''
      })
      socket.on('end', () => socket.end())
    })
    const client = createUpstreamClient({ limits: LIMITS })
    later(() => client.close())
    const proxy = await serve((down) => new Pipe(client, origin, down, { headers: headersOf(down) }))
    const before = await Nginx.start(
      `upstream us { server 127.0.0.1:${proxy.port}; keepalive 1; keepalive_requests 1000000; } keepalive_requests 1000000;`,
      'location / { proxy_pass http://us; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host h; proxy_next_upstream off; proxy_ignore_client_abort on; proxy_buffering off; }',
    )
    later(() => before.stop())
    const ask = (target: string): Promise<string> =>
      sendAll({ path: before.path }, `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    let good = 0
    await fc.assert(
      fc.asyncProperty(answerBytes, async (text) => {
        bytes = text
        const answer = await ask('/damaged')
        expect(answer).toMatch(/^(?:HTTP\/1\.1 \d{3} .*)?$/s)
        if (answer.startsWith('HTTP/1.1 200 ')) good++
        expect(await ask('/probe')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nprobe$/s)
      }),
      { numRuns: NUM_RUNS },
    )
    expect(good).toBeGreaterThan(NUM_RUNS / 4)
    // "upstream prematurely closed connection" is how it sees an answer that broke off; anything else would be our fault.
    const complaints = before.complaints
      .split('\n')
      .filter((line) => line !== '' && !/prematurely closed|reset by/.test(line))
    expect(complaints).toEqual([])
  })
})
