import dgram from 'node:dgram'
import dns from 'node:dns'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../core/clock.ts'
import { candidates, parseHosts, parseSearchRule } from './hosts-file.ts'
import { AddressCache, type AddressCacheOptions, type AddressRecord, dnsQuery, type Query } from './resolve.ts'
import { cleanUp, later } from './test-support.ts'

afterEach(cleanUp)

type Reply = Parameters<Query>[2]

/** A DNS that a test answers by hand. */
class FakeDns {
  asked: string[] = []
  #replies: Reply[] = []

  readonly query: Query = (name, family, callback) => {
    this.asked.push(`${name} ${family}`)
    this.#replies.push(callback)
  }

  answer(records: AddressRecord[]): void {
    this.#replies.shift()!(null, records)
  }

  fail(code: string): void {
    this.#replies.shift()!(Object.assign(new Error(`it says ${code}`), { code }), [])
  }
}

interface Resolved {
  error: string | null
  addresses: readonly string[]
}

function setUp(options: Partial<AddressCacheOptions> = {}) {
  const fake = new FakeDns()
  const clock = new ManualClock(1_000_000)
  const search = { domains: [], ndots: 1 }
  const cache = new AddressCache({ query: fake.query, clock, hostsPath: '/nowhere/hosts', search, ...options })
  const ask = (host: string): Resolved[] => {
    const results: Resolved[] = []
    cache.resolve(host, (error, addresses) => results.push({ error: error?.message ?? null, addresses }))
    return results
  }
  return { fake, clock, ask }
}

const found = (...addresses: string[]): Resolved[] => [{ error: null, addresses }]

test('literals and localhost are never asked for', () => {
  const { fake, ask } = setUp()
  expect(ask('10.1.2.3')).toEqual(found('10.1.2.3'))
  expect(ask('::1')).toEqual(found('::1'))
  expect(ask('localhost')).toEqual(found('127.0.0.1', '::1'))
  expect(ask('a.LOCALHOST')).toEqual(found('127.0.0.1', '::1'))
  expect(fake.asked).toEqual([])
})

test('an answer is kept for its TTL, and one question serves all who ask meanwhile', () => {
  const { fake, clock, ask } = setUp()
  const [first, second] = [ask('A.example'), ask('a.example')]
  expect(fake.asked).toEqual(['a.example 4'])
  expect(first).toEqual([])
  fake.answer([
    { address: '10.0.0.1', ttl: 60 },
    { address: '10.0.0.2', ttl: 30 },
  ])
  expect(first).toEqual(found('10.0.0.1', '10.0.0.2'))
  expect(second).toEqual(first)
  clock.advance(29_999)
  expect(ask('a.example')).toEqual(first)
  expect(fake.asked).toHaveLength(1)
  clock.advance(1)
  const third = ask('a.example')
  expect(third).toEqual([])
  fake.answer([{ address: '10.0.0.3', ttl: 0 }])
  expect(third).toEqual(found('10.0.0.3'))
  clock.advance(999) // a TTL of 0 counts as a second
  expect(ask('a.example')).toEqual(found('10.0.0.3'))
})

test('IPv6 is asked for when there is no IPv4', () => {
  const { fake, ask } = setUp()
  const result = ask('six.example')
  fake.fail(dns.NODATA)
  expect(fake.asked).toEqual(['six.example 4', 'six.example 6'])
  fake.answer([{ address: 'fd00::1', ttl: 5 }])
  expect(result).toEqual(found('fd00::1'))
})

test('while no server answers, old addresses serve on for an hour', () => {
  const { fake, clock, ask } = setUp()
  ask('a.example')
  fake.answer([{ address: '10.0.0.1', ttl: 10 }])
  clock.advance(10_000)
  const stale = ask('a.example')
  fake.fail(dns.TIMEOUT)
  expect(stale).toEqual(found('10.0.0.1'))
  expect(ask('a.example')).toEqual(found('10.0.0.1')) // asked again only after a second
  expect(fake.asked).toHaveLength(2)
  clock.advance(3_600_001)
  const tooOld = ask('a.example')
  fake.fail(dns.SERVFAIL)
  expect(tooOld).toEqual([{ error: 'a.example has no address: it says ESERVFAIL', addresses: [] }])
})

test('a name that is gone is gone, and asked for again after a second', () => {
  const { fake, clock, ask } = setUp()
  ask('a.example')
  fake.answer([{ address: '10.0.0.1', ttl: 10 }])
  clock.advance(10_000)
  const gone = ask('a.example')
  fake.fail(dns.NOTFOUND)
  fake.fail(dns.NOTFOUND)
  const expected = [{ error: 'a.example has no address: it says ENOTFOUND', addresses: [] }]
  expect(gone).toEqual(expected)
  expect(ask('a.example')).toEqual(expected)
  clock.advance(1000)
  const back = ask('a.example')
  fake.answer([{ address: '10.0.0.2', ttl: 10 }])
  expect(back).toEqual(found('10.0.0.2'))
})

test('search domains', () => {
  const rule = parseSearchRule(
    'nameserver 1.2.3.4\nsearch ns.svc.cluster.local svc.cluster.local . # x\noptions ndots:5 timeout:1\n',
  )
  expect(rule).toEqual({ domains: ['ns.svc.cluster.local', 'svc.cluster.local'], ndots: 5 })
  expect(parseSearchRule('')).toEqual({ domains: [], ndots: 1 })
  expect(candidates('db', rule)).toEqual(['db.ns.svc.cluster.local', 'db.svc.cluster.local', 'db'])
  expect(candidates('a.b.c.d.e.f', rule)[0]).toBe('a.b.c.d.e.f')
  expect(candidates('db.', rule)).toEqual(['db'])
  const { fake, ask } = setUp({ search: { domains: ['one', 'two'], ndots: 2 } })
  const result = ask('db.x')
  for (let i = 0; i < 2; i++) fake.fail(dns.NOTFOUND)
  fake.answer([{ address: '10.0.0.9', ttl: 5 }])
  expect(fake.asked).toEqual(['db.x.one 4', 'db.x.one 6', 'db.x.two 4'])
  expect(result).toEqual(found('10.0.0.9'))
})

test('the hosts file comes first, and a change of it is seen', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hosts-'))
  later(() => rmSync(folder, { recursive: true }))
  const hostsPath = path.join(folder, 'hosts')
  const { fake, clock, ask } = setUp({ hostsPath })
  writeFileSync(hostsPath, '10.0.0.7 db Db.Example # comment\n::1 db\nnonsense\n')
  expect(ask('DB')).toEqual(found('10.0.0.7', '::1'))
  expect(ask('db.example')).toEqual(found('10.0.0.7'))
  writeFileSync(hostsPath, '10.0.0.8 db\n')
  utimesSync(hostsPath, 1, 1)
  expect(ask('db')).toEqual(found('10.0.0.7', '::1'))
  clock.advance(5000)
  expect(ask('db')).toEqual(found('10.0.0.8'))
  expect(fake.asked).toEqual([])
  rmSync(hostsPath)
  clock.advance(5000)
  ask('db')
  expect(fake.asked).toEqual(['db 4'])
})

test('any text is a hosts file or a resolv.conf', () => {
  const word = fc.constantFrom(
    '127.0.0.1',
    '::1',
    'a',
    '#',
    ' ',
    '\t',
    '\n',
    '\0',
    'search',
    'options',
    'ndots:',
    '9',
    '__proto__',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 30 }), (words) => {
      parseHosts(words.join(''))
      const rule = parseSearchRule(words.join(''))
      expect(candidates('x', rule).length).toBe(rule.domains.length + 1)
    }),
  )
})

test('c-ares asks a real server and tells the TTL', async () => {
  const socket = dgram.createSocket('udp4')
  later(() => socket.close())
  socket.on('message', (question, peer) => {
    const answer = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 42, 0, 4, 10, 9, 8, 7])
    const head = Buffer.from([question[0]!, question[1]!, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
    // The question as it came, up to its type and class; what follows (EDNS) is left out.
    const end = question.indexOf(0, 12) + 5
    socket.send(Buffer.concat([head, question.subarray(12, end), answer]), peer.port, peer.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const resolver = new dns.Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  const records = await new Promise<readonly AddressRecord[]>((resolve, reject) => {
    dnsQuery(resolver)('a.example', 4, (error, found) => (error === null ? resolve(found) : reject(error)))
  })
  expect(records).toEqual([{ address: '10.9.8.7', ttl: 42 }])
})
