// A long run at half load: memory flat, no descriptor left behind, every call counted. node bench/soak.ts [MINUTES] [CALLS_A_SECOND]
import { fileURLToPath } from 'node:url'
import { load, saturated, upstream } from './load.ts'
import { Program } from './program.ts'

const [minutes = 30, rate = 0] = process.argv.slice(2).map(Number)
const SLICES = 30
const config = fileURLToPath(new URL('./gateway.yaml', import.meta.url))
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const backend = await upstream('1')
const program = await Program.start({ config, workers: 1, cpus: '0' })
const url = `http://127.0.0.1:${program.port}/1k`
try {
  const ratePerSecond = rate || Math.round((await saturated(url, 5, '1')) / 2)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  let sent = await program.calls()
  print(
    `${minutes} minutes at ${ratePerSecond} calls a second; ${program.memoryMb} MB, ${program.descriptors} descriptors`,
  )
  let failed = 0
  for (let slice = 1; slice <= SLICES; slice++) {
    const result = await load(url, ratePerSecond, (minutes * 60) / SLICES, '1')
    sent += result.calls
    failed += result.failed
    // Counts travel every 250 ms.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const counted = await program.calls()
    print(
      `${String(slice).padStart(3)}  ${program.memoryMb} MB  ${program.descriptors} descriptors  sent ${sent}  counted ${counted}  failed ${failed}  p99 ${result.p99Ms} ms`,
    )
  }
} finally {
  await program.stop()
  backend.kill('SIGTERM')
}
