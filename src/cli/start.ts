import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ProxySettingsStore } from '../accounts/proxy-settings.ts'
import { Registry } from '../accounts/registry.ts'
import type { Admin } from '../admin/server.ts'
import { loadAdminToken } from '../admin/token.ts'
import { systemClock } from '../core/clock.ts'
import { debugToken } from '../core/debug-token.ts'
import { type Log, openLog } from '../core/log.ts'
import { portalOf } from '../dialects/apicast/portal.ts'
import { cacheStorePrefix } from '../engine/cache-key.ts'
import { Fleet } from '../gateway/fleet.ts'
import { SERVER_LIMITS } from '../gateway/protocol.ts'
import type { ApigApp } from '../model/apig.ts'
import type { PosternConfig } from '../model/deployment.ts'
import { LogFolder, logFilesPort } from '../stores/log-files.ts'
import { MemoryCache } from '../stores/memory/cache.ts'
import { cachePort } from '../stores/memory/cache-port.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { watchFill } from '../stores/memory/fill-watch.ts'
import { keyValuePort } from '../stores/memory/key-value-port.ts'
import { MemoryServerStates } from '../stores/memory/server-states.ts'
import { openDocuments } from '../stores/sqlite/documents.ts'
import { loadSealKey, sealed } from '../stores/sqlite/sealed.ts'
import { printProblems } from './check.ts'
import { accessProblems, responseCodesOf } from './check-access.ts'
import { problemsOfProxy } from './compile-problems.ts'
import { openCatalog } from './open-catalog.ts'
import type { StartOptions } from './options.ts'
import { Portal } from './portal.ts'
import { Publications } from './publications.ts'
import { QuotaKeeper } from './quota-keeper.ts'
import { recentCallsOf } from './recent-calls.ts'
import { selfCalls } from './self-calls.ts'
import { ServedProxies } from './served-proxies.ts'
import { onShutdown } from './shutdown.ts'
import { Stores } from './stores.ts'
import { telemetryOf } from './telemetry.ts'
import { tlsDoors } from './tls-door.ts'
import { debugSessions, type Traceable, traceable } from './tracing.ts'
import { loadAll, watchFiles } from './watch.ts'

const GRACE_MS = 10_000

/** Serves what PATHs and `--config` name until it is interrupted. Ends the process with code 1 when it cannot start. */
export async function start(paths: readonly string[], options: StartOptions): Promise<void> {
  const began = performance.now()
  const files = filesOf(paths, options)
  const config = load(files)
  const log = openLog(options.logLevel, 'main')
  try {
    await serve(config, files, options, log, began)
  } catch (error) {
    process.stderr.write(`postern cannot start: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}

/** Everything that is to be served; or all that is wrong with it, and the end. */
function load(paths: readonly string[]): PosternConfig {
  const loaded = loadAll(paths)
  printProblems(loaded.problems, (line) => process.stderr.write(`${line}\n`))
  if (loaded.config !== null) return loaded.config
  process.stderr.write(`nothing was started: ${loaded.summary}\n`)
  process.exit(1)
}

/** What PATHs, options and the environment name. */
function filesOf(paths: readonly string[], options: StartOptions): string[] {
  const apicast = process.env['THREESCALE_CONFIG_FILE'] ?? ''
  return [...(options.config === undefined ? [] : [options.config]), ...paths, ...(apicast === '' ? [] : [apicast])]
}

async function serve(
  config: PosternConfig,
  files: readonly string[],
  options: StartOptions,
  log: Log,
  began: number,
): Promise<void> {
  const tls = tlsDoors(options)
  const portalAddress = portalOf(process.env)
  let portal: Portal | null = null
  const debugSecret = randomBytes(32).toString('hex')
  const publications = new Publications()
  const sealKey = loadSealKey(options.data)
  const documents = sealed(openDocuments(options.data), sealKey)
  const registry = new Registry({ store: documents, now: Date.now, changed: () => fleet.accountsChanged() }, config)
  const { catalog, maps } = await openCatalog({
    files: config,
    documents,
    log,
    publish: async (next) => {
      await fleet.publish(publications.of(next))
      served.published(next, Date.now())
      warnOfSelf(next)
    },
  })
  const warned = new Set<string>()
  const warnOfSelf = (next: PosternConfig): void => {
    const doors = { ports: [fleet.port, fleet.tlsPort], host: options.host }
    for (const api of selfCalls(next.apig.apis, doors)) {
      if (warned.has(api.versionId)) continue
      warned.add(api.versionId)
      const fields = { api: `${api.groupName}/${api.apiName}`, environment: api.stage }
      log.warn(fields, 'the backend of this API is this gateway at the same API: calls are refused with APIG.0612')
    }
  }
  const table = MemoryCounters.allocate({ slots: options.counterSlots, whenFull: options.countersFull })
  const counters = new MemoryCounters(table, 0x7fff_ffff)
  const apps = (): readonly ApigApp[] => catalog.config.apig.apps
  const quotas = new QuotaKeeper({ documents, counters, apps, now: Date.now, log })
  const cache = new MemoryCache({ now: Date.now })
  const logFolder = new LogFolder({
    folder: join(options.data, 'messagelogging'),
    now: Date.now,
    onTrouble: (path, reason) => log.error({ file: path, reason }, 'a log file cannot be written; its lines are lost'),
  })
  const fleet = new Fleet(
    {
      entry: new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url),
      workers: options.workers,
      counters: table,
      servers: MemoryServerStates.allocate(),
      cachePort: () => cachePort(cache),
      logFilesPort: () => logFilesPort(logFolder),
      mapsPort: () => keyValuePort(maps),
      hostMap: { ...config.hostMap, ...options.hostMap },
      dataFolder: options.data,
      sealKey,
      gatewayId: `postern-${randomBytes(6).toString('hex')}`,
      debugSecret,
      telemetry: telemetryOf(options, process.env),
      log,
      logLevel: options.logLevel,
      listen: {
        host: options.host,
        port: options.port,
        reusePort: options.workers > 1,
        limits: SERVER_LIMITS,
        ...(tls.gateway !== undefined && { tls: tls.gateway }),
        backend: {
          host: options.backendHost,
          port: options.backendPort,
          ...(tls.backend !== undefined && { tls: tls.backend }),
        },
      },
      onExit: (number) => {
        MemoryCounters.recover(table, number)
      },
      onRecorded: (call) => sessions.add(call),
    },
    publications.of(catalog.config),
  )
  const served = new ServedProxies(catalog)
  const deployed = (): Traceable[] => traceable(catalog.config)
  const sessions = debugSessions(fleet, deployed)
  const stores = new Stores(options.data, log, fleet)
  const [{ startAdmin }] = await Promise.all([import('../admin/server.ts'), stores.open()])
  const token = loadAdminToken(options.data, process.env)
  for (const warning of token.warnings) log.warn({}, warning)
  quotas.start()
  await fleet.start().catch((error: Error) => {
    throw new Error(`${gatewayDoors(options, error)} cannot be opened: ${error.message}`)
  })
  watchFill(counters, log)
  const admin = await startAdmin({
    host: options.adminHost,
    port: options.adminPort,
    token: token.value,
    analytics: stores.analytics,
    services: () => registry.services,
    accounts: {
      registry,
      proxies: new ProxySettingsStore(documents, Date.now),
      usage: stores.usage,
      backendUrl: () => `http://${shownHost(options.backendHost)}:${fleet.backendPort}`,
    },
    proxies: () => served.summaries,
    proxy: (name) => served.find(name),
    throttles: (asked) => served.throttles(counters, asked, Date.now()),
    edge: {
      catalog,
      maps,
      analytics: stores.analytics,
      now: Date.now,
      doors: () => ({ host: loopback(options.host), port: fleet.port, tlsPort: fleet.tlsPort }),
      clearCache: (name, environment) => cache.invalidatePrefix(cacheStorePrefix(environment, name)),
      organization: config.settings.organization,
      environment: config.settings.environment,
    },
    apig: {
      catalog,
      analytics: stores.analytics,
      gateway: () => ({ host: loopback(options.host), port: fleet.port }),
      now: Date.now,
    },
    recentCalls: recentCallsOf(fleet, () => catalog.config.settings),
    metrics: {
      totals: async () => {
        const { answers } = await fleet.ask('load', null)
        const fill = counters.fill(Date.now())
        return {
          workers: fleet.size,
          workerRestarts: fleet.restarts,
          counterSlotsUsed: fill.used,
          counterSlots: fill.slots,
          countersNoRoom: fill.noRoom,
          connections: answers.reduce((sum, { connections }) => sum + connections, 0),
          doorAnswers: answers.flatMap(({ doorAnswers }) => doorAnswers),
          backendCalls: answers.flatMap(({ backendCalls }) => backendCalls),
          reportsWaiting: answers.reduce((sum, { reports }) => sum + reports.waiting, 0),
          reportsLost: answers.reduce((sum, { reports }) => sum + reports.lost, 0),
        }
      },
    },
    trace: { sessions, organization: config.settings.organization, deployed, now: Date.now },
    debugToken: (expiresAtMs) => debugToken(debugSecret, expiresAtMs),
    readiness: () => (fleet.size > 0 ? { ready: true } : { ready: false, why: 'no gateway thread is running' }),
    dashboardFolder: dashboardFolder(),
    clock: systemClock,
    log,
  }).catch((error: Error) => {
    throw new Error(`the admin door ${options.adminHost}:${options.adminPort} cannot be opened: ${error.message}`)
  })
  warnOfSelf(catalog.config)
  if (portalAddress !== null) {
    portal = new Portal({
      address: portalAddress,
      env: process.env,
      log,
      judge: (deployed) => [
        ...accessProblems(deployed, responseCodesOf(config.responseCodes, process.env)),
        ...problemsOfProxy(deployed, config.settings),
      ],
      serve: (proxies) => catalog.usePortal(proxies),
    })
    await portal.start().catch((error: Error) => {
      throw new Error(`the portal ${portalAddress.url} gives no configuration: ${error.message}`)
    })
  }
  banner(catalog.config, options, fleet, admin, token.value, performance.now() - began)
  const watch = options.watch ? watchFiles({ paths: files, config, serve: (next) => catalog.useFiles(next) }) : null
  onShutdown(log, GRACE_MS, async () => {
    watch?.close()
    portal?.close()
    await fleet.close(GRACE_MS)
    quotas.stop()
    await admin.close()
    await stores.close()
    documents.close()
  })
}

/** Which of the doors of the gateway threads an error is about, as far as it says. */
function gatewayDoors({ host, port, tlsPort, backendHost, backendPort }: StartOptions, error: Error): string {
  if (error.message.endsWith(`:${backendPort}`)) return `the backend door ${backendHost}:${backendPort}`
  return tlsPort === undefined
    ? `the gateway door ${host}:${port}`
    : `the gateway doors ${host}:${port} and :${tlsPort} (TLS)`
}

/** Where this machine reaches a door that listens on `host`. */
const loopback = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

/** In a checkout the built dashboard is in dashboard/dist, in the package beside the code. */
function dashboardFolder(): string | null {
  const places = ['../../dashboard/dist/', '../dashboard/'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  )
  return places.find((place) => existsSync(`${place}index.html`)) ?? null
}

const shownHost = (host: string): string =>
  host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host

function banner(
  config: PosternConfig,
  options: StartOptions,
  fleet: Fleet,
  admin: Admin,
  token: string,
  tookMs: number,
): void {
  const adminUrl = `http://${shownHost(options.adminHost)}:${admin.port}`
  const { proxies, settings } = config
  const place = `(organization ${settings.organization}, environment ${settings.environment})`
  const unbuilt = dashboardFolder() === null ? '  (not built: npm run build)' : ''
  const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`.replace('proxys', 'proxies')
  process.stdout.write(
    `gateway: http://${shownHost(options.host)}:${fleet.port}\n` +
      (fleet.tlsPort === 0 ? '' : `gateway (tls): https://${shownHost(options.host)}:${fleet.tlsPort}\n`) +
      `backend: http://${shownHost(options.backendHost)}:${fleet.backendPort}\n` +
      (fleet.backendTlsPort === 0
        ? ''
        : `backend (tls): https://${shownHost(options.backendHost)}:${fleet.backendTlsPort}\n`) +
      `admin: ${adminUrl}  ${place}\n` +
      `dashboard: ${adminUrl}/?token=${token}${unbuilt}\n` +
      `ready: ${count(proxies.length, 'proxy')}, ${config.apig.apis.length > 0 ? `${count(config.apig.apis.length, 'API')}, ` : ''}${count(options.workers, 'worker')}, ${(tookMs / 1000).toFixed(2)} s\n`,
  )
}
