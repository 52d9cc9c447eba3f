import net, { type Socket } from 'node:net'

/** Who reads through `readInto`: takes `input` up to `end`, and copies what is to be kept of it. */
export interface Reader {
  read(input: Buffer, end: number): void
}

/** Large: a body of 100 KiB then comes in one read and leaves in one write. */
const BYTES = 262_144
const WRITE_BUFFER_BYTES = 65_536

/** What all plain connections of the thread read into: it is parsed, and copied where it is kept, before the next read. */
const shared = Buffer.allocUnsafeSlow(BYTES)

/**
 * The `onread` option of node:net that hands a socket's bytes to `reader`. Without it Node allocates 64 KiB for every read and
 * passes it through a readable stream, which costs as much as parsing a request does.
 */
export function readInto(reader: Reader): net.OnReadOpts {
  return {
    buffer: shared,
    callback: (bytes) => {
      reader.read(shared, bytes)
      return true
    },
  }
}

interface SocketHandle {
  readonly useUserBuffer?: unknown
}

/**
 * An accepted socket again, as one whose bytes go to `reader`: node:net offers `onread` for sockets that it connects, and none
 * for those that a server accepts, so the handle moves to a new socket. Null where that cannot be done: then read by 'data'.
 * The socket must have been accepted with `pauseOnConnect`; the new one begins to read with `resume()`.
 */
export function readThrough(accepted: Socket, reader: Reader): Socket | null {
  const owner = accepted as unknown as { _handle: SocketHandle | null }
  const handle = owner._handle
  if (handle === null || handle === undefined || typeof handle.useUserBuffer !== 'function') return null
  const onread = readInto(reader)
  const options = { handle, onread, allowHalfOpen: true, writableHighWaterMark: WRITE_BUFFER_BYTES, manualStart: true }
  owner._handle = null
  return new net.Socket(options as unknown as net.SocketConstructorOpts)
}
