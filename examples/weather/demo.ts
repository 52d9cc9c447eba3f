// `npm start`: the gateway with the weather bundle, and stand-ins for what the bundle calls. Nothing leaves this machine.
// With --demo-traffic there is a shop too, a day of calls behind it, and more calls to come.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startStock } from '../shop/backend.ts'
import { startBackends } from './backends.ts'

const TRAFFIC = '--demo-traffic'
const HISTORY_HOURS = 24

const postern = fileURLToPath(new URL('../../bin/postern', import.meta.url))
const hasTraffic = process.argv.includes(TRAFFIC)
const config = fileURLToPath(new URL(hasTraffic ? '../shop/postern.yaml' : 'postern.yaml', import.meta.url))

const port = (name: string): number => Number(process.env[name] ?? 0)

const backends = await startBackends(port('WEATHER_GEOCODER_PORT'), port('WEATHER_FORECAST_PORT'))
const stock = hasTraffic ? await startStock(port('SHOP_STOCK_PORT')) : null
const options = process.argv.slice(2).filter((option) => option !== TRAFFIC)
if (hasTraffic) await withHistory()
const gateway = spawn(postern, ['start', '--config', config, ...options], {
  stdio: ['inherit', 'pipe', 'inherit'],
  env: {
    ...process.env,
    WEATHER_GEOCODER_PORT: String(backends.geocoder),
    WEATHER_FORECAST_PORT: String(backends.forecast),
    SHOP_STOCK_PORT: String(stock?.port ?? 0),
  },
})

/** Made-up calls never mix with real ones: unless a data folder is named, they have one of their own. */
async function withHistory(): Promise<void> {
  const at = options.findIndex((option) => option === '--data' || option.startsWith('--data='))
  let folder = process.env['POSTERN_DATA'] ?? 'postern-data/demo-traffic'
  if (at >= 0) folder = options[at]!.slice('--data='.length) || (options[at + 1] ?? folder)
  else options.push('--data', folder)
  const { writeHistory } = await import('../traffic/history.ts')
  try {
    const calls = await writeHistory(folder, HISTORY_HOURS)
    const text = calls === 0 ? 'has calls already: no others are made up' : `has a made-up day of ${calls} calls now`
    process.stdout.write(`demo traffic: ${folder} ${text}\n`)
  } catch (error) {
    process.stderr.write(`demo traffic cannot start: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}

let traffic: { close(): void } | null = null
async function goOn(door: string): Promise<void> {
  const { startTraffic } = await import('../traffic/live.ts')
  traffic = startTraffic(door)
  process.stdout.write(
    'demo traffic: calls go on, some two to nine a second; servers fail for two minutes of each quarter of an hour\n',
  )
}

let printed = ''
gateway.stdout.setEncoding('utf8').on('data', (text: string) => {
  process.stdout.write(text)
  printed += text
  const door = /^gateway: (http:\/\/\S+)/m.exec(printed)?.[1]
  if (door === undefined || !printed.includes('\nready')) return
  printed = ''
  suggest(door)
  if (hasTraffic && traffic === null) void goOn(door)
})

let suggested = false
function suggest(door: string): void {
  if (suggested) return
  suggested = true
  const calls: readonly [path: string, what: string][] = [
    ['/weather/forecast?postalcode=10115&country=DE', 'geocoded, forwarded, enriched'],
    ['/weather/about', 'answered without a target'],
    ['/weather/forecast?postalcode=00000', 'unknown place: the fault rule answers 404'],
    ['/weather/forecast?postalcode=99999', 'the geocoder fails: the fault rule answers 503'],
    ['/weather/forecast', 'a fault raised by a policy: 400'],
  ]
  for (const [path, what] of calls) process.stdout.write(`try: ${door}${path}\n     ${what}\n`)
  process.stdout.write(
    `With curl -i -H 'X-Apig-Mode: debug' each answer shows what is left of the limits, and how long the target took.\n`,
  )
}

// A terminal interrupts the whole group; from elsewhere the signal comes here alone.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => gateway.kill(signal))
gateway.on('exit', (code, signal) => {
  traffic?.close()
  backends.close()
  stock?.close()
  process.exitCode = code ?? (signal === null ? 1 : 0)
})
