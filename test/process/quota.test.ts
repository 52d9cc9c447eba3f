import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, writeFiles } from '../kit/postern.ts'

const LIMIT = 37
const CALLS = 120
const TYPES = ['default', 'calendar', 'flexi', 'rollingwindow']

let folder: string
let backend: Backend

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-quota-'))
  backend = await Backend.start((_, response) => response.end('ok'))
  for (const type of TYPES) writeFiles(folder, bundle(type))
})

afterAll(async () => {
  await backend?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function bundle(type: string): Record<string, string> {
  const start = type === 'calendar' ? '<StartTime>2026-01-01 00:00:00</StartTime>' : ''
  const root = `${type}/apiproxy`
  return {
    [`${root}/${type}.xml`]: `<APIProxy name="${type}" revision="1"/>`,
    [`${root}/policies/Q.xml`]: `<Quota name="Q" type="${type}"><Allow count="${LIMIT}"/><Interval>1</Interval><TimeUnit>month</TimeUnit>${start}</Quota>`,
    [`${root}/proxies/default.xml`]: `<ProxyEndpoint name="default"><PreFlow name="PreFlow"><Request><Step><Name>Q</Name></Step></Request></PreFlow><HTTPProxyConnection><BasePath>/${type}</BasePath></HTTPProxyConnection><RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    [`${root}/targets/default.xml`]: `<TargetEndpoint name="default"><HTTPTargetConnection><URL>${backend.url}/${type}</URL></HTTPTargetConnection></TargetEndpoint>`,
  }
}

test('a quota of any type admits exactly its limit over four gateway threads', async () => {
  const postern = await Postern.start(
    TYPES.map((type) => join(folder, type)),
    { workers: 4 },
  )
  try {
    for (const type of TYPES) {
      const answers = await Promise.all(Array.from({ length: CALLS }, () => call(`${postern.gateway}/${type}`)))
      const refused = answers.filter((answer) => answer.status === 429)
      expect(
        answers.filter((answer) => answer.status === 200),
        type,
      ).toHaveLength(LIMIT)
      expect(refused, type).toHaveLength(CALLS - LIMIT)
      expect(JSON.parse(refused[0]!.text)).toEqual({
        fault: {
          faultstring: 'Rate limit quota violation. Quota limit  exceeded. Identifier : _default',
          detail: { errorcode: 'policies.ratelimit.QuotaViolation' },
        },
      })
      expect(
        backend.received.filter(({ url }) => url.startsWith(`/${type}`)),
        type,
      ).toHaveLength(LIMIT)
    }
  } finally {
    await postern.stop()
  }
})
