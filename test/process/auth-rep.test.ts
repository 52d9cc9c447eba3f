import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// AuthRep in an Apigee bundle, a service's own proxy beside it, and services that are found by their rules.

let upstream: Backend
let postern: Postern
let data: string

const service = (id: number, host: string, pattern: string): object => ({
  id,
  system_name: `by-path-${id}`,
  backend_version: '1',
  proxy: {
    hosts: [host],
    api_backend: `${upstream.url}/${id}`,
    proxy_rules: [{ http_method: 'GET', pattern, metric_system_name: 'hits', delta: 1 }],
  },
})

beforeAll(async () => {
  upstream = await Backend.start(({ url }, response) => response.end(url))
  data = mkdtempSync(join(tmpdir(), 'postern-auth-rep-'))
  writeFiles(data, {
    'bundle/apiproxy/weather.xml': '<APIProxy name="weather"/>',
    'bundle/apiproxy/policies/AR.xml': `<AuthRep name="AR"><Service>weather</Service><UserKey ref="request.queryparam.user_key"/>
      <MappingRules><MappingRule method="GET" pattern="/weather/forecast" metric="forecast"/></MappingRules></AuthRep>`,
    'bundle/apiproxy/policies/RF.xml': `<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode>
      <Payload>{authrep.AR.reason}</Payload></Set></FaultResponse></RaiseFault>`,
    'bundle/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <FaultRules><FaultRule name="denied"><Condition>fault.name = "AuthFailed"</Condition><Step><Name>RF</Name></Step></FaultRule></FaultRules>
      <PreFlow><Request><Step><Name>AR</Name></Step></Request></PreFlow>
      <HTTPProxyConnection><BasePath>/weather</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    'config.json': JSON.stringify({
      services: [service(1, 'shared.example', '/a'), service(2, 'shared.example', '/b')],
    }),
    'postern.yaml': stringify({
      version: 1,
      responseCodes: true,
      apis: [{ bundle: './bundle' }],
      services: [
        {
          id: '42',
          systemName: 'weather',
          metrics: [{ systemName: 'hits', methods: [{ systemName: 'forecast' }] }],
          plans: [{ id: 7, name: 'Basic', limits: [{ metric: 'forecast', period: 'day', value: 2 }] }],
          proxy: { hosts: ['weather.example'], apiBackend: upstream.url, mappingRules: [{ pattern: '/', delta: 3 }] },
        },
        { id: '1', systemName: 'by-path-1', plans: [{ id: 8, name: 'Free' }] },
        { id: '2', systemName: 'by-path-2', plans: [{ id: 9, name: 'Free' }] },
      ],
      accounts: [
        {
          id: 'a',
          applications: [
            { id: '77', service: 42, plan: 7, userKey: 'uk' },
            { service: 1, plan: 8, userKey: 'uk' },
            { service: 2, plan: 9, userKey: 'uk' },
          ],
        },
      ],
    }),
  })
  const args = [join(data, 'config.json'), '--config', join(data, 'postern.yaml')]
  postern = await Postern.start(args, { data, workers: 2, env: { APICAST_PATH_ROUTING: '1' } })
})
afterAll(async () => {
  await postern.stop()
  await upstream.stop()
  rmSync(data, { recursive: true, force: true })
})

const get = (path: string, host = '127.0.0.1') => call(`${postern.gateway}${path}`, { headers: { host } })

test('an Apigee bundle asks the accounts in its flow; its fault rules see the refusal', async () => {
  expect((await get('/weather/forecast?user_key=uk')).status).toBe(200)
  expect((await get('/weather/forecast?user_key=uk')).status).toBe(200)
  const limited = await get('/weather/forecast?user_key=uk')
  expect([limited.status, JSON.parse(limited.text).fault.detail.errorcode]).toEqual([
    429,
    'steps.authrep.LimitsExceeded',
  ])
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
  const denied = await get('/weather/forecast?user_key=nobody')
  expect([denied.status, denied.text]).toEqual([418, 'user_key_invalid'])
  expect((await get('/weather/other?user_key=uk')).status).toBe(404)
  expect((await get('/weather/forecast')).status).toBe(401)
  const total = async (query: string): Promise<number> => {
    const { body } = await postern.ask(`/stats/applications/77/${query}&period=day`)
    return (body as { total: number }).total
  }
  await until(async () => (await total('usage.json?metric_name=hits')) === 2)
  await until(async () => (await total('usage_response_code.json?response_code=200')) === 2)
  expect(await total('usage_response_code.json?response_code=4XX')).toBe(0)
})

test('a service of the file has a proxy of its own', async () => {
  const answer = await get('/x?user_key=uk', 'weather.example')
  expect([answer.status, answer.text]).toEqual([200, '/x?user_key=uk'])
})

test('path routing: among the services of a host the first whose rules fit', async () => {
  expect((await get('/a?user_key=uk', 'shared.example')).text).toBe('/1/a?user_key=uk')
  expect((await get('/b?user_key=uk', 'shared.example')).text).toBe('/2/b?user_key=uk')
  // None fits: the first of the host says so.
  const none = await get('/c?user_key=uk', 'shared.example')
  expect([none.status, none.text]).toEqual([404, 'No Mapping Rule matched'])
})
