// CPU per call of one thread, by how much of the gateway a call passes through. node bench/paths.ts
import { fileURLToPath } from 'node:url'
import { startBackends } from '../examples/weather/backends.ts'
import { saturated, upstream } from './load.ts'
import { Program } from './program.ts'

const ROUNDS = 3
const SECONDS = 2
const config = fileURLToPath(new URL('./paths.yaml', import.meta.url))

const PATHS: readonly (readonly [path: string, name: string])[] = [
  ['/bare/1k', 'pass-through'],
  ['/counted/1k', 'with response codes of a service'],
  ['/throttled/1k', 'with throttles of API and address too'],
  ['/apig/1k', 'an API of the apig dialect with a path parameter and the same throttles'],
  ['/svc/1k', 'with a JSON callout and a header from it'],
  ['/weather/forecast?postalcode=10115&country=DE', 'the demo: callout, extraction, fault rules, enriched answer'],
]

export interface PathRow {
  readonly name: string
  readonly cpuUs: number
}

export async function pathRows(): Promise<PathRow[]> {
  const backend = await upstream('1')
  const weather = await startBackends(0, 0)
  process.env['WEATHER_GEOCODER_PORT'] = String(weather.geocoder)
  process.env['WEATHER_FORECAST_PORT'] = String(weather.forecast)
  const program = await Program.start({ config, workers: 1, cpus: '0' })
  const rows = PATHS.map(([, name]) => ({ name, cpuUs: Number.POSITIVE_INFINITY }))
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, [path]] of PATHS.entries()) {
        const url = `http://127.0.0.1:${program.port}${path}`
        const answer = await fetch(url)
        if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
        if (round === 0) await saturated(url, 2, '1') // compiled and warm
        const before = { cpu: program.cpuSeconds, calls: await program.calls() }
        await saturated(url, SECONDS, '1')
        await new Promise((resolve) => setTimeout(resolve, 1_000)) // counts travel every 250 ms
        const us = ((program.cpuSeconds - before.cpu) * 1e6) / ((await program.calls()) - before.calls)
        rows[i]!.cpuUs = Math.min(rows[i]!.cpuUs, Math.round(us * 10) / 10)
      }
    }
  } finally {
    await program.stop()
    weather.close()
    backend.kill('SIGTERM')
  }
  return rows
}

if (import.meta.main) {
  for (const { name, cpuUs } of await pathRows()) process.stdout.write(`${String(cpuUs).padStart(7)} us  ${name}\n`)
}
