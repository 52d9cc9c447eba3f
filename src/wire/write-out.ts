import type { Socket } from 'node:net'

/** Below this, copying a body behind its head is cheaper than a second piece in the write. */
const ONE_PIECE_BYTES_MAX = 8192

/** Writes a latin1 head and a body with one system call. False: the socket is full. */
export function writeBoth(socket: Socket, head: string, body: Buffer): boolean {
  if (body.length <= ONE_PIECE_BYTES_MAX) {
    const whole = Buffer.allocUnsafe(head.length + body.length)
    whole.write(head, 0, 'latin1')
    body.copy(whole, head.length)
    return socket.write(whole)
  }
  socket.cork()
  socket.write(head, 'latin1')
  const goOn = socket.write(body)
  socket.uncork()
  return goOn
}

/** The same for a UTF-8 text of `bytes` bytes. */
export function writeText(socket: Socket, head: string, text: string, bytes: number): boolean {
  const whole = Buffer.allocUnsafe(head.length + bytes)
  whole.write(head, 0, 'latin1')
  whole.write(text, head.length, 'utf8')
  return socket.write(whole)
}

/** Writes one chunk of a chunked body, `head` in front of it (or ''). False: the socket is full. */
export function writeChunk(socket: Socket, head: string, chunk: Buffer): boolean {
  const prefix = `${head}${chunk.length.toString(16)}\r\n`
  if (chunk.length <= ONE_PIECE_BYTES_MAX) {
    const end = prefix.length + chunk.length
    const whole = Buffer.allocUnsafe(end + 2)
    whole.write(prefix, 0, 'latin1')
    chunk.copy(whole, prefix.length)
    whole[end] = 0x0d
    whole[end + 1] = 0x0a
    return socket.write(whole)
  }
  socket.cork()
  socket.write(prefix, 'latin1')
  socket.write(chunk)
  const goOn = socket.write('\r\n', 'latin1')
  socket.uncork()
  return goOn
}

/** Something that holds bytes back in the hope that more of them leave together. */
export interface Flushable {
  flush(): void
}

let waiting: Flushable[] = []
let reading = false

/** Around the handling of what a socket read: what is held back leaves at its end. */
export function beginRead(): void {
  reading = true
}

export function endRead(): void {
  reading = false
  if (waiting.length > 0) flushAll()
}

/** `held.flush()` is called at the end of the read that is being handled, or else soon. */
export function flushSoon(held: Flushable): void {
  if (waiting.push(held) === 1 && !reading) process.nextTick(flushAll)
}

function flushAll(): void {
  const all = waiting
  waiting = []
  for (const held of all) held.flush()
}
