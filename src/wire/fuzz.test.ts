import net, { type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { makeClient } from './test-client.ts'
import { ANSWERS, damaged, POISON, REQUESTS } from './test-damage.ts'
import { Pipe } from './test-pipe.ts'
import { cleanUp, heldMb, LIMITS, originOf, rawUpstream, serve } from './test-support.ts'

/**
 * Random bytes in random pieces from both sides at once, for a while: `POSTERN_FUZZ_SECONDS`, by default 20. Nothing may crash,
 * hang, leak or disturb a well-behaved request beside it. `POSTERN_FUZZ_SEED` draws the same bytes again; what the sockets make
 * of them is up to the machine.
 */

const SECONDS = Number(process.env['POSTERN_FUZZ_SECONDS'] ?? 20)
const SEED = Number(process.env['POSTERN_FUZZ_SEED'] ?? Date.now() % 1_000_000)
const CLIENTS_AT_ONCE = 128
/** Far beyond all time limits together: whoever has no end by then hangs. */
const HANG_MS = 10_000
const SERVER_LIMITS = { ...LIMITS, headerTimeoutMs: 300, bodyTimeoutMs: 300, idleTimeoutMs: 300 }
const UPSTREAM_MS = 300
const GROWTH_MB_MAX = 16

afterEach(cleanUp)

/** mulberry32. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  bytes(): string {
    return String.fromCharCode(...Array.from({ length: this.below(40) }, () => this.below(256)))
  }

  damage(text: string): string {
    const place = (): { place: number; removed: number; inserted: string } => ({
      place: this.below(10_000),
      removed: this.pick([0, 0, 0, 1, 2, 5]),
      inserted: this.oneIn(4) ? this.bytes() : this.pick(POISON),
    })
    return damaged(text, Array.from({ length: this.below(3) }, place))
  }

  pieces(text: string): string[] {
    const cuts = Array.from({ length: this.below(5) }, () => this.below(text.length + 1)).sort((a, b) => a - b)
    return [0, ...cuts].map((from, i) => text.slice(from, cuts[i]))
  }
}

const random = new Random(SEED)

async function writeInPieces(socket: Socket, text: string): Promise<void> {
  for (const piece of random.pieces(text)) {
    if (piece !== '' && socket.writable) socket.write(piece, 'latin1')
    if (random.oneIn(2)) await new Promise((resolve) => setImmediate(resolve))
  }
}

function endSomehow(socket: Socket): void {
  switch (random.below(8)) {
    case 0:
      return void socket.destroy()
    case 1:
      return void socket.resetAndDestroy()
    default:
      socket.end()
  }
}

/** Upstreams that answer well, wrongly, early, twice, in part, or not at all. */
async function wildAnswer(socket: Socket): Promise<void> {
  switch (random.below(16)) {
    case 0:
      return // nothing
    case 1:
      return endSomehow(socket)
    case 2:
      return writeInPieces(socket, random.bytes())
    case 3:
      return writeInPieces(socket, random.pick(ANSWERS) + random.damage(random.pick(ANSWERS)))
    case 4: {
      const text = random.pick(ANSWERS)
      await writeInPieces(socket, text.slice(0, random.below(text.length)))
      return endSomehow(socket)
    }
    case 5:
      return writeInPieces(socket, `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(random.below(70_000))}\r\n\r\n`)
    case 6:
    case 7:
    case 8:
      await writeInPieces(socket, random.damage(random.pick(ANSWERS)))
      return random.oneIn(2) ? endSomehow(socket) : undefined
    default:
      return writeInPieces(socket, random.pick(ANSWERS.slice(0, -1)))
  }
}

function wildUpstream(socket: Socket): void {
  if (random.oneIn(40)) void writeInPieces(socket, random.pick(ANSWERS)) // before any request
  socket.on('data', () => void wildAnswer(socket))
  socket.on('end', () => socket.end())
}

/** Sends something, reads to the end. Gives what came. */
function wildClient(port: number): Promise<string> {
  const text = Array.from({ length: 1 + random.below(4) }, () => random.pick(REQUESTS)).join('')
  const sent = random.oneIn(20) ? random.bytes() : random.oneIn(3) ? text : random.damage(text)
  const cut = random.oneIn(4) ? sent.slice(0, random.below(sent.length + 1)) : sent
  return new Promise((resolve, reject) => {
    const hangs = setTimeout(() => reject(new Error(`no end for ${JSON.stringify(cut)}`)), HANG_MS)
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    let got = ''
    socket.on('connect', () => void writeInPieces(socket, cut).then(() => random.oneIn(3) || endSomehow(socket)))
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(hangs)
      resolve(got)
    })
  })
}

async function probe(port: number, number: number): Promise<void> {
  const body = 'x'.repeat(number % 300)
  const request = { method: 'POST', body, headers: { 'X-Number': String(number) } }
  const answer = await fetch(`http://127.0.0.1:${port}/probe/${number}`, request)
  expect([answer.status, await answer.text()]).toEqual([200, `POST /probe/${number} ${body.length}`])
}

/** Resolves when the condition holds; what is still open after all time limits stays open. */
async function comesTrue(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + HANG_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`seed ${SEED}: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test(`any bytes in any pieces, for ${SECONDS} s`, { timeout: (SECONDS + 60) * 1000 }, async () => {
  const wild = await rawUpstream(wildUpstream)
  const tame = await serve((exchange) => {
    let bytes = 0
    const onEnd = (): void => exchange.send(200, 'OK', [], `${exchange.method} ${exchange.target} ${bytes}`)
    const onData = (chunk: Buffer): boolean => {
      bytes += chunk.length
      return true
    }
    if (exchange.body === null) onEnd()
    else exchange.body.start({ onData, onEnd, onError: () => {} })
  })
  const client = makeClient({ connectionsPerOriginMax: 32 })
  const tameOrigin = originOf(tame.port)
  const pipes = new Set<Pipe>()
  const server = await serve((down) => pipes.add(new Pipe(client, wild.origin, down, { ioTimeoutMs: UPSTREAM_MS })), {
    limits: SERVER_LIMITS,
  })
  // Beside it, over the same pools, timers and parser, with time enough for a busy machine.
  const calm = await serve((down) => new Pipe(client, tameOrigin, down))
  const running = (): number => {
    for (const pipe of pipes) if (pipe.outcome !== '') pipes.delete(pipe)
    return pipes.size
  }
  const beganMs = performance.now()
  const isOver = (share: number): boolean => performance.now() > beganMs + SECONDS * 1000 * share
  let clients = 0
  let answers = 0
  let probes = 0
  const attack = async (): Promise<void> => {
    while (!isOver(1)) {
      const got = await wildClient(server.port)
      if (got !== '') expect(got.slice(0, 9)).toBe('HTTP/1.1 ')
      answers += got.split('HTTP/1.1 ').length - 1
      clients++
    }
  }
  let memoryBeforeMb = 0
  const watch = async (): Promise<void> => {
    while (!isOver(1)) {
      await probe(calm.port, probes++)
      // Once all is warm.
      if (memoryBeforeMb === 0 && isOver(0.3)) memoryBeforeMb = heldMb()
    }
  }
  await Promise.all([watch(), ...Array.from({ length: CLIENTS_AT_ONCE }, attack)])
  await comesTrue(() => running() === 0, 'exchanges have no end')
  await comesTrue(() => server.connections === 0, 'connections have no end')
  client.close()
  const upstreams = (): Promise<number> =>
    new Promise((resolve) => wild.server.getConnections((_error, count) => resolve(count)))
  let left = await upstreams()
  await comesTrue(() => {
    void upstreams().then((count) => {
      left = count
    })
    return left === 0
  }, 'connections to the upstream have no end')
  const memoryAfterMb = heldMb()
  process.stdout.write(
    `fuzz: seed ${SEED}, ${clients} clients, ${answers} answers, ${probes} probes, memory ${memoryBeforeMb.toFixed(0)} to ${memoryAfterMb.toFixed(0)} MB\n`,
  )
  expect(answers).toBeGreaterThan(clients / 4)
  expect(memoryAfterMb - memoryBeforeMb).toBeLessThan(GROWTH_MB_MAX)
})
