import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect, isIP, isIPv6, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Destination } from './config.ts'

/** Takes entries and never waits, fails or throws: what cannot be sent is lost. */
export type Sink = (entry: string) => void

/** What waits for a server that does not read; more is lost. */
const QUEUE_BYTES_MAX = 1024 * 1024
const DATAGRAMS_MAX = 1000
/** Fits one datagram. */
export const ENTRY_BYTES_MAX = 60_000
const RETRY_MS = 1000
const IDLE_MS = 60_000

export function openSink(to: Destination, now: () => number): Sink {
  return to.protocol === 'UDP' ? datagrams(to) : stream(to, now)
}

/** One socket a family and thread, however many policies there are. */
const sockets: { udp4?: DatagramSocket; udp6?: DatagramSocket } = {}
let inFlight = 0

function datagrams({ host, port }: Destination): Sink {
  const family = isIPv6(host) ? 'udp6' : 'udp4'
  return (entry) => {
    if (inFlight >= DATAGRAMS_MAX) return
    inFlight++
    socketOf(family).send(cut(entry), port, host, () => {
      inFlight--
    })
  }
}

function socketOf(family: 'udp4' | 'udp6'): DatagramSocket {
  const known = sockets[family]
  if (known !== undefined) return known
  const socket = createSocket(family)
  socket.on('error', () => undefined)
  socket.unref()
  sockets[family] = socket
  return socket
}

/** Entries end with a line end (RFC 6587). The connection is made by the first entry, and again when it broke. */
function stream(to: Destination, now: () => number): Sink {
  let socket: Socket | null = null
  let retryAt = 0
  const open = (): Socket => {
    const { host, port } = to
    const opened = to.tls
      ? connectTls({ host, port, servername: isIP(host) === 0 ? host : '', rejectUnauthorized: !to.anyCertificate })
      : connect({ host, port })
    opened.unref()
    opened.setTimeout(IDLE_MS, () => opened.destroy())
    opened.on('error', () => {
      retryAt = now() + RETRY_MS
    })
    opened.on('close', () => {
      socket = null
    })
    opened.resume()
    return opened
  }
  return (entry) => {
    if (socket === null) {
      if (now() < retryAt) return
      socket = open()
    }
    if (socket.writableLength < QUEUE_BYTES_MAX) socket.write(Buffer.concat([cut(entry), LINE_END]))
  }
}

const LINE_END = Buffer.from('\n')

function cut(entry: string): Buffer {
  return Buffer.from(entry.slice(0, ENTRY_BYTES_MAX)).subarray(0, ENTRY_BYTES_MAX)
}
