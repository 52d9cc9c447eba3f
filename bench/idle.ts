// Many clients that keep their connections and say nothing: what each costs, and that all are still served afterwards, through
// the whole gateway. node bench/idle.ts [CONNECTIONS]
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVER_LIMITS } from '../src/gateway/protocol.ts'
import { listen } from '../src/wire/server.ts'
import { Program } from './program.ts'

const AT_ONCE = 100
/** Shorter than the gateway keeps an idle connection (65 s), far longer than anything else that is going on. */
const IDLE_MS = 20_000
const REQUEST = 'GET /x HTTP/1.1\r\nHost: idle\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n'

export interface IdleRow {
  readonly connections: number
  /** Answered when they called again. */
  readonly served: number
  readonly idleMb: number
  readonly heldMb: number
  readonly kibEach: number
}

export async function idleRow(connections: number): Promise<IdleRow> {
  const backend = await listen({
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    limits: SERVER_LIMITS,
    onRequest: (down) => down.send(200, 'OK', [], 'ok'),
    protocolError: (_status, _reason, detail) => ({ headers: [], body: detail }),
  })
  const folder = mkdtempSync(join(tmpdir(), 'postern-idle-'))
  const config = join(folder, 'postern.yaml')
  writeFileSync(config, `version: 1\napis: [{name: idle, basePath: /, target: "http://127.0.0.1:${backend.port}"}]\n`)
  const program = await Program.start({ config, workers: 1 })
  const clients: Socket[] = []
  try {
    // Warm: what one busy connection brings is not the idle ones'.
    const first = await connected(program.port)
    for (let i = 0; i < 2000; i++) await call(first)
    first.destroy()
    const idleMb = program.memoryMb
    await each(connections, async () => {
      const client = await connected(program.port)
      clients.push(client)
      await call(client)
    })
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    const heldMb = program.memoryMb
    let served = 0
    await each(connections, async (i) => {
      if (await call(clients[i]!)) served++
    })
    return {
      connections,
      served,
      idleMb,
      heldMb,
      kibEach: Math.round(((heldMb - idleMb) * 1024 * 10) / connections) / 10,
    }
  } finally {
    for (const client of clients) client.destroy()
    await program.stop()
    await backend.close(0)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function each(count: number, action: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await action(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function connected(port: number): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** True: it was answered well. */
function call(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (good: boolean): void => {
      socket.removeAllListeners('data').removeAllListeners('close')
      resolve(good)
    }
    socket.once('data', (chunk: Buffer) => done(chunk.subarray(0, 12).toString('latin1') === 'HTTP/1.1 200'))
    socket.once('close', () => done(false))
    if (socket.destroyed) done(false)
    else socket.write(REQUEST)
  })
}

export const idleText = (row: IdleRow): string =>
  `${row.connections} idle connections: ${row.served} served again, ${row.kibEach} KiB each (${row.idleMb} to ${row.heldMb} MB)`

if (import.meta.main) process.stdout.write(`${idleText(await idleRow(Number(process.argv[2] ?? 10_000)))}\n`)
