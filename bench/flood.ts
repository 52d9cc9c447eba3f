// 100,000 connections a minute that come and go in every bad way, and somebody who only wants to be served meanwhile.
// node bench/flood.ts [SECONDS] [CONNECTIONS_A_SECOND]
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVER_LIMITS } from '../src/gateway/protocol.ts'
import { listen } from '../src/wire/server.ts'
import { Program } from './program.ts'

const [seconds = 60, perSecond = 1_700] = process.argv.slice(2).map(Number)
const EVERY_MS = 10
const REQUEST = 'GET /x HTTP/1.1\r\nHost: flood\r\n\r\n'

/** What one of them does once it is connected. */
const WAYS: readonly ((socket: Socket) => unknown)[] = [
  (socket) => socket.destroy(),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket) => socket.end('G'),
  (socket) => socket.end('hello\r\n\r\n'),
  (socket) => socket.end(REQUEST),
  (socket) => socket.write(REQUEST, () => socket.resetAndDestroy()),
  // Says half and waits to be told.
  (socket) => socket.write('GET /x HTTP/1.1\r\nHost'),
]

const backend = await listen({
  host: '127.0.0.1',
  port: 0,
  reusePort: false,
  limits: SERVER_LIMITS,
  onRequest: (down) => down.send(200, 'OK', [], 'ok'),
  protocolError: (_status, _reason, detail) => ({ headers: [], body: detail }),
})
const folder = mkdtempSync(join(tmpdir(), 'postern-flood-'))
const config = join(folder, 'postern.yaml')
writeFileSync(config, `version: 1\napis: [{name: flood, basePath: /, target: "http://127.0.0.1:${backend.port}"}]\n`)
const program = await Program.start({ config, workers: 1 })
const open = new Set<Socket>()
let begun = 0
let failed = 0

function come(): void {
  const way = WAYS[begun++ % WAYS.length]!
  const socket = net.connect({ port: program.port, host: '127.0.0.1' }, () => way(socket))
  open.add(socket)
  socket.resume()
  socket.on('error', () => failed++)
  socket.on('close', () => open.delete(socket))
}

const good = net.connect({ port: program.port, host: '127.0.0.1' })
await once(good, 'connect')
const times: number[] = []
async function serveMe(): Promise<void> {
  const began = performance.now()
  good.write(REQUEST)
  const [chunk] = (await once(good, 'data')) as [Buffer]
  if (!chunk.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`it was answered ${chunk}`)
  times.push(performance.now() - began)
}

try {
  for (let i = 0; i < 2000; i++) await serveMe()
  times.length = 0
  const before = { memoryMb: program.memoryMb, descriptors: program.descriptors }
  const began = performance.now()
  while (performance.now() < began + seconds * 1000) {
    const due = Math.min(((performance.now() - began) / 1000) * perSecond, begun + 200)
    while (begun < due) come()
    await serveMe()
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
  const tookSeconds = (performance.now() - began) / 1000
  const peakMb = program.memoryMb
  // Those who said half have 15 s.
  while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.floor(times.length * share)]!.toFixed(1)
  process.stdout.write(
    `${begun} connections in ${tookSeconds.toFixed(0)} s (${Math.round((begun / tookSeconds) * 60)} a minute); ` +
      `the good client: ${times.length} calls, all answered, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ` +
      `memory ${before.memoryMb} MB, ${peakMb} at the end, ${program.memoryMb} afterwards; ` +
      `descriptors ${before.descriptors}, ${program.descriptors} afterwards; ${failed} resets seen\n`,
  )
} finally {
  good.destroy()
  for (const socket of open) socket.destroy()
  await program.stop()
  await backend.close(0)
  rmSync(folder, { recursive: true, force: true })
}
