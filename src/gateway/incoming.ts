import type { BodySource } from '../core/body.ts'
import { isDebugToken } from '../core/debug-token.ts'
import type { Client } from '../engine/exchange.ts'
import { Message } from '../engine/message.ts'
import { RELEASE } from '../model/apig.ts'
import type { Downstream } from '../wire/types.ts'
import { Call } from './call.ts'
import { mayDebug } from './diagnostics.ts'
import { forwardCount } from './loop-guard.ts'
import type { Snapshot } from './snapshot.ts'

/** What a request says of itself before any proxy is known: path, host, and the headers that the gateway itself reads. */
export function callOf(down: Downstream, snapshot: Snapshot, id: string): Call {
  const raw = down.rawHeaders
  let host = ''
  let count: string | undefined
  let debug = false
  let token = ''
  let stage = RELEASE
  let headersBytes = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    headersBytes += name.length + raw[i + 1]!.length
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') host = raw[i + 1]!
        break
      case 7:
        if (isOurs(name, 1) && name.toLowerCase() === 'x-stage') stage = raw[i + 1]!.trim() || RELEASE
        break
      case 15:
        if (isOurs(name, 1) && name.toLowerCase() === 'x-postern-debug') token = raw[i + 1]!.trim()
        break
      case 11:
        if (isOurs(name) && name.toLowerCase() === 'x-apig-mode') debug = raw[i + 1]!.trim().toLowerCase() === 'debug'
        break
      case 12:
        if (isOurs(name) && name.toLowerCase() === 'x-apig-count')
          count = count === undefined ? raw[i + 1]! : `${count},${raw[i + 1]}`
        break
    }
  }
  const { target } = down
  // An absolute target is for proxies; what counts is its path.
  const start = target.startsWith('/') ? 0 : pathStart(target)
  const question = target.indexOf('?', start)
  const path = question < 0 ? target.slice(start) : target.slice(start, question)
  const query = question < 0 ? '' : target.slice(question + 1)
  if (debug) {
    debug = mayDebug(snapshot.settings.debugAllow, down.remoteAddress, () =>
      isDebugToken(snapshot.debugSecret, token, Date.now()),
    )
  }
  return new Call(
    down,
    snapshot,
    id,
    path === '' ? '/' : path,
    query,
    host,
    stage,
    forwardCount(count),
    headersBytes,
    debug,
    Date.now(),
  )
}

/** The request as its proxy gets it. */
export function requestOf(call: Call, body: BodySource | null): Message {
  const { down } = call
  const request = Message.streaming('request', down.rawHeaders, body)
  request.verb = down.method
  request.path = call.path
  request.queryText = call.query
  request.version = down.httpVersion
  return request
}

export function clientOf({ down, host }: Call): Client {
  return {
    address: down.remoteAddress,
    port: down.remotePort,
    secure: down.secure,
    host,
    localPort: down.localPort,
  }
}

/** Might be one of the X-Apig headers: saves making text of the others. */
const isOurs = (name: string, dash = 6): boolean =>
  (name.charCodeAt(0) | 0x20) === 0x78 && name.charCodeAt(dash) === 0x2d

function pathStart(target: string): number {
  const authority = target.indexOf('://')
  if (authority < 0) return 0
  const slash = target.indexOf('/', authority + 3)
  return slash < 0 ? target.length : slash
}
