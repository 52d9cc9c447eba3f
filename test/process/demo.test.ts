import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backends, startBackends } from '../../examples/weather/backends.ts'
import { call } from '../kit/backend.ts'
import { Postern, until } from '../kit/postern.ts'

const CONFIG = fileURLToPath(new URL('../../examples/weather/postern.yaml', import.meta.url))
const BERLIN = '/weather/forecast?postalcode=10115&country=DE'

interface Usage {
  readonly total: number
  readonly values: readonly number[]
}

describe('the demo', () => {
  let data: string
  let backends: Backends
  let postern: Postern
  let env: NodeJS.ProcessEnv
  let answered = 0

  const get = async (path: string, headers: Record<string, string> = {}) => {
    answered++
    return call(postern.gateway + path, { headers })
  }
  const codes = async (code: string): Promise<Usage> => {
    const { status, body } = await postern.ask(
      `/stats/services/42/usage_response_code.json?response_code=${code}&period=day`,
    )
    expect(status).toBe(200)
    return body as Usage
  }

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'postern-demo-'))
    backends = await startBackends(0, 0)
    env = { WEATHER_GEOCODER_PORT: String(backends.geocoder), WEATHER_FORECAST_PORT: String(backends.forecast) }
    postern = await Postern.start(['--config', CONFIG], { data, env, workers: 2 })
  })

  afterAll(async () => {
    await postern?.stop()
    backends?.close()
    rmSync(data, { recursive: true, force: true })
  })

  test('answers with an enriched body, a request id and a count', async () => {
    const answer = await get(BERLIN)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({
      place: { name: 'Berlin', latitude: 52.53, longitude: 13.38 },
      forecast: { days: [{ day: 'today' }, { day: 'tomorrow' }] },
    })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
    expect(answer.headers['x-apig-count']).toBe('1')
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-apig-'))).toEqual(['x-apig-count'])
  })

  test('debug shows the whole set in the documented spelling and format', async () => {
    const answer = await get(BERLIN, { 'X-Apig-Mode': 'debug' })
    const { rawHeaders } = answer
    const shown = Object.fromEntries(
      rawHeaders.flatMap((name, i) => (i % 2 === 0 && /^x-/i.test(name) ? [[name, rawHeaders[i + 1]]] : [])),
    )
    expect(shown).toEqual({
      'X-Request-Id': expect.stringMatching(/^[0-9a-f]{32}$/),
      'X-Apig-count': '1',
      'X-Apig-Latency': expect.stringMatching(/^\d+$/),
      'X-Apig-Upstream-Latency': expect.stringMatching(/^\d+$/),
      'X-Apig-RateLimit-api': expect.stringMatching(/^remain:99\d,limit:1000,time:1 minute$/),
      'X-Apig-RateLimit-api-allenv': expect.stringMatching(/^remain:19\d,limit:200,time:1 second$/),
    })
    expect(Number(shown['X-Apig-Latency'])).toBeGreaterThanOrEqual(Number(shown['X-Apig-Upstream-Latency']))
  })

  test.each([
    ['/weather/forecast?postalcode=00000', 404, 'no place has the postal code 00000'],
    ['/weather/forecast?postalcode=99999', 503, 'the geocoder does not answer'],
    ['/weather/forecast', 400, 'postalcode is missing'],
    ['/weather/nothing', 404, 'there is no GET /nothing here'],
  ])("%s is the bundle's own %i", async (path, status, error) => {
    const answer = await get(path)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text).error).toContain(error)
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
  })

  test('an answer without a target was not forwarded', async () => {
    const answer = await get('/weather/about')
    expect(JSON.parse(answer.text)).toEqual({ proxy: 'weather', revision: 1, environment: 'test' })
    expect(answer.headers['x-apig-count']).toBeUndefined()
  })

  test('an eleventh forward is refused in the words of APIG', async () => {
    const answer = await call(postern.gateway + BERLIN, { headers: { 'X-Apig-count': '10' } })
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.text)).toEqual({
      error_code: 'APIG.0612',
      error_msg: 'An API cannot call itself.',
      request_id: answer.headers['x-request-id'],
    })
    expect((await get(BERLIN, { 'X-Apig-count': '9' })).headers['x-apig-count']).toBe('10')
  })

  test('the statistics, the metrics and a restart know every call', async () => {
    const total = async (): Promise<number> => {
      const usages = await Promise.all(['2XX', '4XX', '5XX'].map(codes))
      return usages.reduce((sum, usage) => sum + usage.total, 0)
    }
    await until(async () => (await total()) === answered)
    const before = await codes('2XX')
    expect(before.values.reduce((sum, n) => sum + n, 0)).toBe(before.total)
    expect((await codes('404')).total).toBe(2)
    const metrics = String((await postern.ask('/metrics')).body)
    expect(metrics).toMatch(/proxy="weather"/)

    const run = await postern.stop('SIGINT')
    expect(run).toMatchObject({ code: 0, signal: null })
    postern = await Postern.start(['--config', CONFIG], { data, env, workers: 1 })
    expect(await total()).toBe(answered)
    expect((await codes('2XX')).total).toBe(before.total)
  })

  test('with the geocoder stopped the fault rule answers', async () => {
    backends.close()
    const answer = await get(BERLIN)
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text)).toMatchObject({
      error: 'the geocoder does not answer, so the place cannot be found',
      cause: 'Execution of ServiceCallout SC-Geocode failed. Reason: Host not reachable',
    })
    expect(answer.headers['retry-after']).toBe('5')
  })
})
