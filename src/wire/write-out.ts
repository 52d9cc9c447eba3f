import type { Socket } from 'node:net'
import { copyOf } from '../core/body.ts'

/** Larger pieces go out as they are, behind their head. */
const ONE_PIECE_BYTES_MAX = 262_144

/**
 * What goes out is put together here, one buffer a power of two from 4 KiB, so that a connection whose client does not read
 * holds back at most twice of what it was sent. One that the kernel took whole is used again: no garbage for what just passes.
 */
const scratch: (Buffer | null)[] = []
const SMALLEST_LOG2 = 12

function scratchFor(bytes: number): Buffer {
  const log2 = bytes <= 1 << SMALLEST_LOG2 ? SMALLEST_LOG2 : 32 - Math.clz32(bytes - 1)
  return (scratch[log2] ??= Buffer.allocUnsafeSlow(2 ** log2))
}

/** Writes the first `bytes` of a scratch buffer. False: the socket is full. */
function writeScratch(socket: Socket, whole: Buffer, bytes: number): boolean {
  const goOn = socket.write(whole.subarray(0, bytes))
  // The socket still reads from it: the next one is written from another.
  if (socket.writableLength > 0) scratch[31 - Math.clz32(whole.length)] = null
  return goOn
}

/** Writes a latin1 head (or '') and a body with one system call. The body is read before this returns. False: the socket is full. */
export function writeBoth(socket: Socket, head: string, body: Buffer): boolean {
  const bytes = head.length + body.length
  if (bytes <= ONE_PIECE_BYTES_MAX) {
    const whole = scratchFor(bytes)
    whole.write(head, 0, 'latin1')
    body.copy(whole, head.length)
    return writeScratch(socket, whole, bytes)
  }
  socket.cork()
  if (head !== '') socket.write(head, 'latin1')
  const goOn = socket.write(copyOf(body))
  socket.uncork()
  return goOn
}

/** The same for a UTF-8 text of `bytes` bytes. */
export function writeText(socket: Socket, head: string, text: string, bytes: number): boolean {
  if (head.length + bytes > ONE_PIECE_BYTES_MAX) return writeBoth(socket, head, Buffer.from(text))
  const whole = scratchFor(head.length + bytes)
  whole.write(head, 0, 'latin1')
  whole.write(text, head.length, 'utf8')
  return writeScratch(socket, whole, head.length + bytes)
}

/** Writes one chunk of a chunked body, `head` in front of it (or ''). Others may wait behind it. False: the socket is full. */
export function writeChunk(socket: Socket, head: string, chunk: Buffer): boolean {
  const prefix = `${head}${chunk.length.toString(16)}\r\n`
  const end = prefix.length + chunk.length
  const whole = Buffer.allocUnsafe(end + 2)
  whole.write(prefix, 0, 'latin1')
  chunk.copy(whole, prefix.length)
  whole[end] = 0x0d
  whole[end + 1] = 0x0a
  return socket.write(whole)
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
