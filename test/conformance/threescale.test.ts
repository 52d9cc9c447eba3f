import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { stringify } from 'yaml'
import { readPosternYaml } from '../../src/dialects/postern/config.ts'
import { AccountsInProcess } from '../kit/accounts.ts'
import { call } from '../kit/backend.ts'
import { Postern, until } from '../kit/postern.ts'
import { type Case, type Doors, play, type Setup, Stubs } from './threescale-case.ts'

// Black-box cases about 3scale's back end and gateway. POSTERN_CASES names the folder of the case files.

const CASES = process.env['POSTERN_CASES'] ?? fileURLToPath(new URL('../../../shared/cases', import.meta.url))
const folder = join(CASES, 'threescale')
const files = existsSync(folder) ? readdirSync(folder) : []

for (const file of files) {
  const { cases } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { cases: readonly Case[] }
  describe(`3scale: ${file}`, () => {
    for (const one of cases) {
      test(`${one.id}: ${one.title}`, async () => {
        if (one.setup.apicast_config !== undefined) await onGateway(one)
        else if (one.steps.some(({ clock }) => clock !== undefined)) await inProcess(one)
        else await onProgram(one)
      })
    }
  })
}

test.skipIf(files.length > 0)('no case files: set POSTERN_CASES', () => undefined)

async function onProgram(one: Case): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'postern-case-'))
  const config = join(data, 'postern.yaml')
  writeFileSync(config, stringify(configOf(one.setup)))
  const postern = await Postern.start(['--config', config], { data, workers: 1 })
  try {
    await play(one, doorsOf(postern), null)
  } finally {
    await postern.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

async function onGateway(one: Case): Promise<void> {
  const stubs = await Stubs.start()
  const data = mkdtempSync(join(tmpdir(), 'postern-case-'))
  const config = join(data, 'config.json')
  const text = JSON.stringify(one.setup.apicast_config)
  writeFileSync(
    config,
    text.replaceAll('"UPSTREAM"', `"${stubs.upstream.url}"`).replaceAll('"BACKEND"', `"${stubs.backend.url}"`),
  )
  const postern = await Postern.start([config], { data, workers: 1 })
  try {
    await play(one, doorsOf(postern), stubs)
  } finally {
    await postern.stop()
    await stubs.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

async function inProcess(one: Case): Promise<void> {
  const { config } = readPosternYaml(stringify(configOf(one.setup)), 'postern.yaml', {}, () => {
    throw new Error('no bundle is named')
  })
  const accounts = await AccountsInProcess.start(config!, Date.now())
  try {
    await play(
      one,
      {
        gateway: '',
        backend: accounts.backend,
        admin: accounts.admin,
        token: accounts.token,
        now: () => accounts.clock.now(),
        setClock: (nowMs) => accounts.clock.set(nowMs),
        drain: accounts.drain,
      },
      null,
    )
  } finally {
    await accounts.stop()
  }
}

const DRAIN = { service_id: 'drain', service_token: 'tok-drain' }

function doorsOf(postern: Postern): Doors {
  let drained = 0
  return {
    gateway: postern.gateway,
    backend: postern.backend,
    admin: postern.admin,
    token: postern.token,
    now: Date.now,
    setClock: () => {
      throw new Error('the program has no clock to set')
    },
    // One more report, of a service of its own: what came before it on this thread is kept before it.
    drain: async () => {
      drained++
      const form = new URLSearchParams({
        ...DRAIN,
        'transactions[0][app_id]': 'drain',
        'transactions[0][usage][hits]': '1',
      })
      await call(`${postern.backend}/transactions.xml`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      })
      await until(async () => {
        const { body } = await postern.ask('/stats/services/drain/usage.json?metric_name=hits&period=eternity')
        return (body as { total: number }).total === drained
      })
    },
  }
}

/** The setup as a postern.yaml, with a service beside it that says when everything is counted. */
function configOf(setup: Setup): object {
  const { services = [], metrics = [], plans = [], limits = [], applications = [] } = setup
  const version = services[0]?.backend_version ?? '2'
  return {
    version: 1,
    responseCodes: true,
    services: [
      ...services.map((service) => ({
        id: service.id,
        systemName: `service-${service.id}`,
        backendVersion: service.backend_version,
        state: service.state,
        providerKey: service.provider_key,
        serviceToken: service.service_token,
        referrerFiltersRequired: service.referrer_filters_required,
        metrics: metrics.map(({ name, parent }) => ({ systemName: name, ...(parent !== undefined && { parent }) })),
        plans: plans.map(({ id, name }) => ({
          id,
          name,
          limits: limits
            .filter(({ plan }) => plan === id)
            .map(({ metric, period, value }) => ({ metric, period, value })),
        })),
      })),
      {
        id: 'drain',
        systemName: 'drain',
        backendVersion: '2',
        serviceToken: 'tok-drain',
        plans: [{ id: 'drain', name: 'drain' }],
      },
    ],
    accounts: [
      {
        id: 'account',
        applications: [
          { service: 'drain', plan: 'drain', appId: 'drain' },
          ...applications.map((app) => ({
            id: app.id,
            service: services[0]!.id,
            plan: app.plan,
            state: app.state,
            appKeys: app.keys,
            ...(version === '1' && { userKey: app.user_key }),
            ...(version === '2' && { appId: app.id }),
            ...(version === 'oauth' && { clientId: app.id }),
            ...(app.referrer_filters !== undefined && { referrerFilters: app.referrer_filters }),
            ...(app.redirect_url !== undefined && { redirectUrl: app.redirect_url }),
          })),
        ],
      },
    ],
  }
}
