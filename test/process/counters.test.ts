import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend } from '../kit/backend.ts'
import { Postern, runPostern, until } from '../kit/postern.ts'

const SLOTS = 1024

/** A call from an address of its own: all of 127.0.0.0/8 is this machine. */
function callFrom(localAddress: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { localAddress, agent: false }, (incoming) => {
      incoming.resume()
      incoming.on('end', () => resolve(incoming.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe.skipIf(process.platform !== 'linux')('a table of counters that is full', () => {
  let folder: string
  let backend: Backend
  let config: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-counters-'))
    backend = await Backend.start((_, response) => response.end('ok'))
    config = join(folder, 'postern.yaml')
    writeFileSync(
      config,
      `version: 1
apis:
  - {name: a, basePath: /a, target: "${backend.url}", throttle: each}
throttles:
  - {name: each, per: {interval: 1, unit: day}, api: 1000000, ip: 2}
`,
    )
  })

  afterAll(async () => {
    await backend?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** As many clients as there are slots and more, from two threads; how many were answered with each status. */
  async function flood(postern: Postern): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {}
    const addresses = Array.from({ length: SLOTS + 200 }, (_, i) => `127.7.${i >> 8}.${i & 255}`)
    const next = async (): Promise<void> => {
      for (let address = addresses.pop(); address !== undefined; address = addresses.pop()) {
        const status = await callFrom(address, `${postern.gateway}/a/x`)
        statuses[status] = (statuses[status] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 16 }, next))
    return statuses
  }

  async function metric(postern: Postern, name: string): Promise<number> {
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String((await postern.ask('/metrics')).body))?.[1])
  }

  test.each([
    ['admit', { 200: SLOTS + 200 }],
    ['refuse', { 200: expect.any(Number), 429: expect.any(Number) }],
  ])('%s: what has no room, and the metrics say so', async (choice, expected) => {
    const args = ['--config', config, '--counter-slots', String(SLOTS), '--counters-full', choice]
    const postern = await Postern.start(args, { workers: 2 })
    try {
      expect(await flood(postern)).toEqual(expected)
      expect(await metric(postern, 'postern_counter_slots')).toBe(SLOTS)
      await until(async () => (await metric(postern, 'postern_counter_slots_used')) > SLOTS * 0.75)
      expect(await metric(postern, 'postern_counters_no_room_total')).toBeGreaterThan(0)
      // Who was early has a counter, which is still exact: of two calls a day the first one was made above.
      const early = [1, 2, 3].map(() => callFrom('127.7.4.100', `${postern.gateway}/a/x`))
      expect((await Promise.all(early)).sort()).toEqual([200, 429, 429])
    } finally {
      await postern.stop()
    }
  })

  test.each([
    ['--counter-slots', '1000', /a power of two from 1024 to/],
    ['--counter-slots', '512', /a power of two from 1024 to/],
    ['--counter-slots', 'many', /a power of two from 1024 to/],
    ['--counters-full', 'panic', /Allowed choices are admit, refuse/],
  ])('%s %s says what would be right', async (option, value, message) => {
    const run = await runPostern(['start', option, value])
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(message)
  })
})
