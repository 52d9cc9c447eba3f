import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Stock, startStock } from '../../examples/shop/backend.ts'
import { KINDS } from '../../examples/traffic/kinds.ts'
import { callOf } from '../../examples/traffic/live.ts'
import { type Backends, startBackends } from '../../examples/weather/backends.ts'
import { Postern, until } from '../kit/postern.ts'
import type { Door } from './browser.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

/** What would run if a page took it for markup. */
export const markup = '<img src=x onerror="document.title=\'owned\'">'

const config = `
version: 1
environment: test
responseCodes: true
hostMap:
  http://geocoder.example: http://127.0.0.1:\${WEATHER_GEOCODER_PORT}
  http://forecast.example: http://127.0.0.1:\${WEATHER_FORECAST_PORT}
  http://stock.example: http://127.0.0.1:\${SHOP_STOCK_PORT}
apis:
  - {bundle: ${examples}/weather, service: weather, throttle: gold}
  - {bundle: ${examples}/shop, service: shop, throttle: silver}
throttles:
  - {name: gold, per: {interval: 1, unit: hour}, api: 1000}
  - {name: silver, per: {interval: 1, unit: hour}, api: 3000, app: 40}
services:
  - {id: 42, systemName: weather, name: Weather, metrics: [{systemName: hits, friendlyName: Hits, unit: hit}]}
  - id: 43
    systemName: shop
    name: Shop
    backendVersion: "1"
    metrics:
      - systemName: hits
        friendlyName: Hits
        unit: hit
        methods:
          - {systemName: products, friendlyName: Products}
          - {systemName: orders, friendlyName: Orders}
          - {systemName: search, friendlyName: Search}
    plans:
      - {id: 7, name: Trial, limits: [{metric: hits, period: day, value: 3}]}
      - {id: 8, name: Business, limits: [{metric: hits, period: day, value: 1000}]}
accounts:
  - id: acme
    name: ACME Stores
    applications:
      - {id: 101, name: Web shop, service: shop, plan: Business, userKey: web-demo-key}
      - {id: 102, name: Mobile app, service: shop, plan: Business, userKey: mobile-demo-key}
  - id: globex
    name: Globex
    applications:
      - {id: 103, name: Price robot, service: shop, plan: Trial, userKey: robot-demo-key}
      - {id: 104, name: ${JSON.stringify(markup)}, service: shop, plan: Business, userKey: report-demo-key}
`

/** The demo's gateway as it runs, with every kind of its calls made once, a caller over its plan, and calls that bring markup. */
export interface ShopGateway {
  readonly door: Door
  readonly gateway: string
  /** Calls that were made and counted. */
  readonly calls: number
  /** The same for the admin API. */
  ask(path: string): Promise<{ status: number; body: unknown }>
  stop(): Promise<void>
}

export async function startShopGateway(): Promise<ShopGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-shop-'))
  const file = join(folder, 'postern.yaml')
  writeFileSync(file, config)
  const backends: Backends = await startBackends(0, 0)
  const stock: Stock = await startStock(0)
  const env = {
    WEATHER_GEOCODER_PORT: String(backends.geocoder),
    WEATHER_FORECAST_PORT: String(backends.forecast),
    SHOP_STOCK_PORT: String(stock.port),
  }
  const postern = await Postern.start(['--config', file], { env, workers: 2 })
  const calls = await makeCalls(postern.gateway)
  const counted = async (): Promise<boolean> => {
    const { body } = await postern.ask('/api/response-codes?last=24h')
    return (body as { calls: number }).calls === calls
  }
  await until(counted)
  return {
    door: { origin: postern.admin, token: postern.token },
    gateway: postern.gateway,
    calls,
    ask: (path) => postern.ask(path),
    stop: async () => {
      await postern.stop()
      backends.close()
      stock.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function makeCalls(gateway: string): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  await Promise.all(KINDS.map((kind) => callOf(kind, gateway, agent)))
  const robots = KINDS.filter(({ caller }) => caller?.application === '103')
  const over = 5
  for (let at = 0; at < over; at++) await callOf(robots[0]!, gateway, agent)
  agent.destroy()
  await callWithMarkup(gateway)
  return KINDS.length + over + 1
}

/** A path and a host that are markup, as no browser would send them. */
function callWithMarkup(gateway: string): Promise<void> {
  const { hostname, port } = new URL(gateway)
  return new Promise((resolve, reject) => {
    const path = `/weather/about/${encodeURIComponent(markup)}`
    const headers = { 'user-agent': markup, referer: markup, 'x-forwarded-for': markup }
    const out = request({ hostname, port, path, headers }, (answer) => answer.resume().once('close', resolve))
    out.once('error', reject).end()
  })
}
