// `npm start`: the gateway with the weather bundle, and stand-ins for what the bundle calls. Nothing leaves this machine.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startBackends } from './backends.ts'

const postern = fileURLToPath(new URL('../../bin/postern', import.meta.url))
const config = fileURLToPath(new URL('postern.yaml', import.meta.url))

const port = (name: string): number => Number(process.env[name] ?? 0)

const backends = await startBackends(port('WEATHER_GEOCODER_PORT'), port('WEATHER_FORECAST_PORT'))
const gateway = spawn(postern, ['start', '--config', config, ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'inherit'],
  env: {
    ...process.env,
    WEATHER_GEOCODER_PORT: String(backends.geocoder),
    WEATHER_FORECAST_PORT: String(backends.forecast),
  },
})

let printed = ''
gateway.stdout.setEncoding('utf8').on('data', (text: string) => {
  process.stdout.write(text)
  printed += text
  const door = /^gateway: (http:\/\/\S+)/m.exec(printed)?.[1]
  if (door === undefined || !printed.includes('\nready')) return
  printed = ''
  suggest(door)
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
  backends.close()
  process.exitCode = code ?? (signal === null ? 1 : 0)
})
