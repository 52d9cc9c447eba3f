import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Backend, type Received } from '../../../test/kit/backend.ts'
import { until } from '../../../test/kit/postern.ts'
import { silentLog } from '../../core/log.ts'
import { Tally } from '../../core/tally.ts'
import { type AccessQuestion, type Admission, Refusal } from '../../engine/access.ts'
import type { AccessConfig, CachingMode } from '../../model/auth-rep.ts'
import { MemoryCounters } from '../../stores/memory/counters.ts'
import { createUpstreamClient } from '../../wire/client.ts'
import type { UpstreamClient } from '../../wire/types.ts'
import { Destinations } from '../url.ts'
import { RemoteBackendAccess } from './remote.ts'

let backend: Backend
let client: UpstreamClient
let calls: Tally
let reply: (request: Received, response: ServerResponse) => void

beforeEach(async () => {
  reply = (_request, response) => response.end()
  backend = await Backend.start((request, response) => reply(request, response))
  client = createUpstreamClient()
  calls = new Tally()
})
afterEach(async () => {
  client.close()
  await backend.stop()
})

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_request: Received, response: ServerResponse): void => {
    response.writeHead(code, headers).end()
  }

function access(
  caching: CachingMode,
  responseCodes: () => boolean = () => true,
  batch: AccessConfig['batch'] = null,
): RemoteBackendAccess {
  const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1_024, shards: 16 }), 1)
  const config = { service: '42', backend: null, caching, batch }
  const remote = { endpoint: backend.url, host: 'b.example', authentication: 'service_token', secret: 't k' } as const
  return new RemoteBackendAccess(config, remote, {
    responseCodes,
    client,
    destinations: () => new Destinations({}, true),
    backendCalls: calls,
    version: '1',
    counters,
    log: silentLog,
    now: Date.now,
  })
}

const question: AccessQuestion = {
  userKey: 'k',
  appId: null,
  appKey: null,
  referrer: null,
  deltas: new Map([['hits', 2]]),
}

async function call(remote: RemoteBackendAccess, code = 200): Promise<'admitted' | Refusal> {
  const answer = await remote.ask(question, Date.now())
  if (answer instanceof Refusal) return answer
  ;(answer as Admission).ended(code)
  return 'admitted'
}

const seen = (): string[] => backend.received.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`)
const path = (name: string, rest = ''): string =>
  `GET /transactions/${name}.xml?service_id=42&service_token=t k&usage[hits]=2&user_key=k${rest}`

describe('accounts elsewhere', () => {
  test('asks for a key that is not known, then reports; a known key is only reported', async () => {
    const remote = access('strict')
    expect(await call(remote, 201)).toBe('admitted')
    expect(await call(remote, 404)).toBe('admitted')
    await until(() => backend.received.length === 3)
    expect(seen()).toEqual([path('authorize'), path('authrep', '&log[code]=201'), path('authrep', '&log[code]=404')])
    expect(backend.received[0]!.headers).toMatchObject({
      host: 'b.example',
      'user-agent': 'Postern/1',
      '3scale-options': 'rejection_reason_header=1&limit_headers=1&no_body=1',
    })
  })

  test('without response codes no code is sent, from the publication on that says so', async () => {
    let responseCodes = false
    const remote = access('strict', () => responseCodes)
    await call(remote, 200)
    await until(() => backend.received.length === 2)
    expect(seen()[1]).toBe(path('authrep'))
    responseCodes = true
    await call(remote, 200)
    await until(() => backend.received.length === 3)
    expect(seen()[2]).toBe(path('authrep', '&log[code]=200'))
  })

  test('strict: the next call of the key waits for the report under way, and hears of its denial', async () => {
    const remote = access('strict')
    await call(remote)
    await until(() => backend.received.length === 2)
    const held: ServerResponse[] = []
    reply = ({ url }, response) => {
      if (url.includes('authrep')) held.push(response)
      else if (url.includes('authorize'))
        response.writeHead(409, { '3scale-rejection-reason': 'limits_exceeded', '3scale-limit-reset': '9' }).end()
      else response.writeHead(202).end()
    }
    await call(remote)
    const next = call(remote)
    await until(() => held.length === 1)
    expect(backend.received.length).toBe(3)
    held[0]!.writeHead(409, { '3scale-rejection-reason': 'limits_exceeded' }).end()
    expect(await next).toMatchObject({ kind: 'limitsExceeded', retryAfterSeconds: 9 })
    // The call whose report was denied is over, so it counts all the same.
    const posts = await until(() => backend.received.filter(({ method }) => method === 'POST').at(0))
    expect(decodeURIComponent(posts.body)).toMatch(
      /^transactions\[0\]\[user_key\]=k&transactions\[0\]\[usage\]\[hits\]=2&transactions\[0\]\[timestamp\]=\d+&transactions\[0\]\[log\]\[code\]=200$/,
    )
  })

  test.each<[CachingMode, string[]]>([
    // Known before, then unknown, while the back end answers 502.
    ['strict', ['admitted', 'backend_away']],
    ['resilient', ['admitted', 'admitted']],
    ['allow', ['admitted', 'admitted']],
  ])('%s: while the back end is away', async (mode, expected) => {
    const remote = access(mode)
    await call(remote)
    await until(() => backend.received.length === 2)
    reply = status(502)
    const answers: string[] = []
    for (let i = 0; i < 2; i++) {
      const answer = await call(remote)
      answers.push(answer instanceof Refusal ? answer.reason : answer)
      await until(() => backend.received.length >= 3 + i)
    }
    expect(answers).toEqual(expected)
    const { length: waits } = answers.filter((answer) => answer === 'admitted')
    await until(() => remote.waiting === waits)
    expect(calls.rows()).toContainEqual(['authrep', '5xx', waits])
    // It is back: what was admitted meanwhile is told.
    reply = status(202)
    const admitted = answers.filter((answer) => answer === 'admitted').length
    await until(() => {
      const told = backend.received.filter(({ method }) => method === 'POST').at(-1)?.body ?? ''
      return (decodeURIComponent(told).match(/\[usage\]\[hits\]/g) ?? []).length === admitted
    })
  })

  test('allow: who is not known may call while the back end is away; who was refused may not', async () => {
    reply = status(403)
    const remote = access('allow')
    expect(await call(remote)).toMatchObject({ reason: 'backend_403' })
    reply = status(502)
    expect(await call(remote)).toMatchObject({ reason: 'backend_away' })
    const other = access('allow')
    expect(await call(other)).toBe('admitted')
  })

  test('none: every call asks and counts at once, and is not reported again', async () => {
    const remote = access('none', () => false)
    expect([await call(remote), await call(remote)]).toEqual(['admitted', 'admitted'])
    reply = status(502)
    expect(await call(remote)).toMatchObject({ reason: 'backend_away' })
    expect(seen()).toEqual([path('authrep'), path('authrep'), path('authrep')])
  })

  test('a limit of 0 is a metric that is switched off', async () => {
    reply = status(409, {
      '3scale-rejection-reason': 'limits_exceeded',
      '3scale-limit-max-value': '0',
      '3scale-limit-reset': '5',
    })
    expect(await call(access('strict'))).toMatchObject({ kind: 'authFailed' })
  })

  test('batched: a verdict holds for its time, reports go together with their codes', async () => {
    const remote = access('strict', () => true, { authsTtlSeconds: 60, reportSeconds: 3_600 })
    for (const code of [200, 500, 200]) expect(await call(remote, code)).toBe('admitted')
    reply = status(202)
    await remote.close()
    expect(seen().length).toBe(2)
    const { body } = backend.received[1]!
    expect(decodeURIComponent(body).match(/\[log\]\[code\]=\d+/g)).toEqual([
      '[log][code]=200',
      '[log][code]=500',
      '[log][code]=200',
    ])
  })

  test('nobody is there: refused', async () => {
    const remote = access('strict')
    await backend.stop()
    expect(await call(remote)).toMatchObject({ kind: 'authFailed', reason: 'backend_away' })
    backend = await Backend.start((_request, response) => response.end())
  })
})
