import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { Backend, call } from '../../test/kit/backend.ts'
import { until } from '../../test/kit/postern.ts'
import type { FromStore, ToStore } from '../analytics/sender.ts'
import { KeyValueStore } from '../catalog/key-value-maps.ts'
import { silentLog } from '../core/log.ts'
import { noApig } from '../model/apig.ts'
import { type DeployedProxy, defaultSettings } from '../model/deployment.ts'
import { parseThrottle } from '../model/throttle.ts'
import { LogFolder, logFilesPort } from '../stores/log-files.ts'
import { MemoryCache } from '../stores/memory/cache.ts'
import { cachePort } from '../stores/memory/cache-port.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { keyValuePort } from '../stores/memory/key-value-port.ts'
import { MemoryServerStates } from '../stores/memory/server-states.ts'
import type { RecordedCall } from '../trace/orders.ts'
import { Fleet } from './fleet.ts'
import { type Publication, SERVER_LIMITS } from './protocol.ts'
import { apigTexts } from './serve-apis.ts'

const at = { file: 'test', line: 1, column: 1 }

/** A proxy without steps, at a base path, to one target. */
function proxy(basePath: string, target: string, limit = 0): DeployedProxy {
  const flows = { preFlow: null, flows: [], postFlow: null, faultRules: [], defaultFaultRule: null, at }
  const throttle = parseThrottle({ name: 'tight', intervalCount: 1, unit: 'day', limits: { api: limit } }).throttle
  return {
    serviceId: null,
    throttle,
    proxy: {
      dialect: 'apigee',
      name: basePath.slice(1),
      revision: 1,
      displayName: '',
      description: '',
      proxyEndpoints: [
        {
          ...flows,
          name: 'default',
          basePath,
          virtualHosts: [],
          properties: {},
          routeRules: [{ name: 'r', condition: null, target: 't', url: null, at }],
          postClientFlow: null,
        },
      ],
      targetEndpoints: [
        { ...flows, name: 't', connection: { url: { text: target, at }, balancer: null, properties: {}, at } },
      ],
      policies: [],
      resources: [],
    },
  }
}

let generation = 0
let lastId = 0
const publication = (...proxies: DeployedProxy[]): Publication => ({
  generation: ++generation,
  environments: [{ id: 0, text: JSON.stringify(defaultSettings) }],
  responseCodes: false,
  proxies: proxies.map((one) => ({ id: ++lastId, text: JSON.stringify(one) })),
  apig: apigTexts(noApig),
})

/** Stands in for the store thread: says that everything is written, and counts it. */
class Sink {
  calls = 0

  readonly newPort = (): MessagePort => {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', (message: ToStore) => {
      if (message.kind === 'flush')
        port1.postMessage({ kind: 'flushed', id: message.id, problem: null } satisfies FromStore)
      else {
        const calls = message.batch.rows.reduce((sum, row) => sum + row.calls, 0)
        this.calls += calls
        port1.postMessage({ kind: 'written', sequence: message.sequence, calls } satisfies FromStore)
      }
    })
    port1.unref()
    return port2
  }
}

describe('the fleet of gateway threads', () => {
  const ends: (() => Promise<unknown>)[] = []
  const recorded: RecordedCall[] = []

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function backendSaying(text: string): Promise<Backend> {
    const backend = await Backend.start((_, response) => response.end(text))
    ends.push(() => backend.stop())
    return backend
  }

  async function fleetOf(workers: number, first: Publication): Promise<{ fleet: Fleet; url: string; sink: Sink }> {
    const table = MemoryCounters.allocate({ slots: 4096, shards: 16 })
    const fleet = new Fleet(
      {
        entry: new URL('../cli/worker.ts', import.meta.url),
        workers,
        counters: table,
        servers: MemoryServerStates.allocate(64),
        cachePort: () => cachePort(new MemoryCache({ now: Date.now })),
        logFilesPort: () =>
          logFilesPort(new LogFolder({ folder: tmpdir(), now: Date.now, onTrouble: () => undefined })),
        mapsPort: () => keyValuePort(new KeyValueStore({ documents: new MemoryDocuments(), now: Date.now })),
        hostMap: {},
        gatewayId: 'g',
        debugSecret: '',
        telemetry: null,
        log: silentLog,
        logLevel: 'silent',
        dataFolder: '/nonexistent',
        sealKey: new Uint8Array(32),
        listen: {
          host: '127.0.0.1',
          port: 0,
          reusePort: true,
          limits: SERVER_LIMITS,
          backend: { host: '127.0.0.1', port: 0 },
        },
        onExit: (number) => void MemoryCounters.recover(table, number),
        onRecorded: (call) => void recorded.push(call),
      },
      first,
    )
    ends.push(() => fleet.close(1_000))
    const sink = new Sink()
    fleet.attachStore(sink.newPort)
    await fleet.start()
    return { fleet, url: `http://127.0.0.1:${fleet.port}`, sink }
  }

  test('a publication is swapped under load without a lost call, and in force when it is acknowledged', async () => {
    const [one, two] = [await backendSaying('one'), await backendSaying('two')]
    const { fleet, url } = await fleetOf(2, publication(proxy('/p', one.url)))
    let stop = false
    const seen = new Map<string, number>()
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    ends.push(async () => agent.destroy())
    const load = Array.from({ length: 16 }, async () => {
      while (!stop) {
        const text = await overAgent(agent, `${url}/p/x`)
        seen.set(text, (seen.get(text) ?? 0) + 1)
      }
    })
    for (let round = 0; round < 10; round++) {
      const target = round % 2 === 0 ? two : one
      await fleet.publish(publication(proxy('/p', target.url)))
      expect((await call(`${url}/p/x`)).text).toBe(round % 2 === 0 ? 'two' : 'one')
    }
    stop = true
    await Promise.all(load)
    expect([...seen.keys()].sort()).toEqual(['one', 'two'])
  })

  test('a thread that dies takes its own connections with it and is replaced; counts stay exact', async () => {
    const limit = 40
    const backend = await backendSaying('ok')
    const { fleet, url, sink } = await fleetOf(
      2,
      publication(proxy('/limited', backend.url, limit), proxy('/free', backend.url)),
    )
    let admitted = 0
    const spend = async (times: number): Promise<void> => {
      const answers = await Promise.all(Array.from({ length: times }, () => call(`${url}/limited/x`)))
      admitted += answers.filter((answer) => answer.status === 200).length
    }
    await spend(25)
    const [victim] = fleet.numbers
    fleet.kill(victim!)
    const died = performance.now()
    await until(() => fleet.restarts === 1 && fleet.size === 2 && !fleet.numbers.includes(victim!))
    await until(async () => {
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => call(`${url}/free/x`)))
      return answers.every((answer) => answer.status === 'fulfilled' && answer.value.status === 200)
    })
    expect(performance.now() - died).toBeLessThan(5_000)
    await spend(60)
    expect(admitted).toBe(limit)
    await until(() => sink.calls > 0)
  })

  test('calls of a debug session are recorded, by a thread that took the place of another too, until it ends', async () => {
    const backend = await backendSaying('ok')
    const { fleet, url } = await fleetOf(1, publication(proxy('/p', backend.url)))
    const { name, revision } = proxy('/p', backend.url).proxy
    const filter = { headers: [], query: [['traced', '1']] } as const
    const about = { session: 's', environment: defaultSettings.environment, proxy: name, revision, filter, left: null }
    recorded.length = 0
    await fleet.trace([about])
    await call(`${url}/p/x?traced=1`)
    await call(`${url}/p/x`)
    await until(() => recorded.length === 1)
    expect(recorded[0]).toMatchObject({ sessions: ['s'], skipped: 0, summary: { uri: '/p/x?traced=1', status: 200 } })
    fleet.kill(fleet.numbers[0]!)
    await until(async () => (await call(`${url}/p/x?traced=1`).catch(() => null))?.status === 200)
    await until(() => recorded.length === 2)
    await fleet.trace([])
    await call(`${url}/p/x?traced=1`)
    // The answer to a question comes behind what the thread has sent before.
    await fleet.ask('load', null)
    expect(recorded).toHaveLength(2)
  })

  test('every thread answers a question; one that is killed meanwhile is only counted', async () => {
    const backend = await backendSaying('ok')
    const { fleet } = await fleetOf(3, publication(proxy('/p', backend.url)))
    const { answers, silent } = await fleet.ask('load', null)
    expect(answers).toMatchObject(Array.from({ length: 3 }, () => ({ generation, connections: 0 })))
    expect(silent).toBe(0)
    fleet.kill(fleet.numbers[0]!)
    const after = await fleet.ask('load', null)
    expect(after.answers.length).toBe(2)
    expect(after.silent).toBe(1)
  })

  test('what a thread has is neither sent nor compiled again', async () => {
    const backend = await backendSaying('ok')
    const first = publication(proxy('/p', backend.url))
    const { fleet, url } = await fleetOf(2, first)
    // Who reads the text of the first proxy again fails.
    const unread = first.proxies.map(({ id }) => ({ id, text: 'never read' }))
    const second = publication(proxy('/q', backend.url))
    await fleet.publish({ ...second, environments: first.environments, proxies: [...unread, ...second.proxies] })
    for (const path of ['/p/x', '/q/x']) expect((await call(`${url}${path}`)).text).toBe('ok')
    await fleet.publish({ ...second, generation: ++generation })
    expect((await call(`${url}/p/x`)).status).toBe(404)
    // A proxy that went is not held any more.
    await fleet.publish({ ...first, generation: ++generation })
    expect((await call(`${url}/p/x`)).text).toBe('ok')
  })

  test('what cannot be compiled is refused, and all go on as before', async () => {
    const backend = await backendSaying('ok')
    const { fleet, url } = await fleetOf(2, publication(proxy('/p', backend.url)))
    const broken = { ...publication(proxy('/q', backend.url)), proxies: [{ id: ++lastId, text: '{"not": "a proxy"}' }] }
    await expect(fleet.publish(broken)).rejects.toThrow()
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(`${url}/p/x`)))
    expect(new Set(answers.map((answer) => answer.text))).toEqual(new Set(['ok']))
    expect(fleet.restarts).toBe(0)
  })
})

function overAgent(agent: Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      incoming.on('end', () => resolve(text))
      incoming.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}
