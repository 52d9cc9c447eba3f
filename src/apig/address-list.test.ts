import { describe, expect, test } from 'vitest'
import type { Exchange } from '../engine/exchange.ts'
import { Message } from '../engine/message.ts'
import { type ApigFeatures, defaultFeatures } from '../model/apig.ts'
import { clientAddress } from './access.ts'
import { compileAddresses, parseAddresses, plainAddress } from './address-list.ts'
import type { ApigServices } from './services.ts'

describe('lists of addresses', () => {
  const test4 = compileAddresses(['192.168.1.5', '10.0.0.1-10.0.0.9', '172.16.0.0/12', '2001:db8::/32'])
  test.each([
    ['192.168.1.5', true],
    ['::ffff:192.168.1.5', true],
    ['192.168.1.6', false],
    ['10.0.0.9', true],
    ['10.0.0.10', false],
    ['172.31.255.255', true],
    ['172.32.0.0', false],
    ['2001:db8::1', true],
    ['2001:db9::1', false],
    ['', false],
    ['nonsense', false],
  ])('%s: %s', (address, listed) => expect(test4(address)).toBe(listed))

  test.each(['1.2.3', '10.0.0.0/33', '::1/129', '10.0.0.9-10.0.0.1', '10.0.0.1-::1', 'a-b', '/8', ''])(
    '%s is none',
    (text) => expect(parseAddresses(text)).toBeNull(),
  )
})

describe("the client's address", () => {
  const of = (headers: string[], realIp: ApigFeatures['realIp'], address = '::ffff:127.0.0.1'): string => {
    const x = { client: { address }, request: Message.streaming('request', headers, null) } as unknown as Exchange
    return clientAddress(x, { features: { ...defaultFeatures, realIp } } as unknown as ApigServices)
  }
  const forwarded = ['X-Forwarded-For', '10.0.0.1, 10.0.0.2', 'x-forwarded-for', '10.0.0.3']

  test.each([
    [null, '127.0.0.1'],
    [{ header: 'x-forwarded-for', index: 0 }, '10.0.0.1'],
    [{ header: 'x-forwarded-for', index: 2 }, '10.0.0.3'],
    [{ header: 'x-forwarded-for', index: -1 }, '10.0.0.3'],
    [{ header: 'x-forwarded-for', index: -3 }, '10.0.0.1'],
    [{ header: 'x-forwarded-for', index: 3 }, ''],
    [{ header: 'x-real-ip', index: 0 }, '127.0.0.1'],
  ])('%j', (realIp, address) => expect(of(forwarded, realIp)).toBe(address))

  test('IPv4 over IPv6 is IPv4', () =>
    expect([plainAddress('::ffff:1.2.3.4'), plainAddress('::1')]).toEqual(['1.2.3.4', '::1']))
})
