// The demo's traffic goes on: real calls through the gateway, in the rhythm of the table.
import { Agent, request } from 'node:http'
import { callsPerSecond, isBadSpell, KINDS, type Kind, shareOf } from './kinds.ts'

const LEAVES_MS = 300

/** A kind by its share, `place` from 0 to 1. */
export function kindAt(place: number, isBad: boolean): Kind {
  let left = place * KINDS.reduce((sum, kind) => sum + shareOf(kind, isBad), 0)
  for (const kind of KINDS) {
    left -= shareOf(kind, isBad)
    if (left < 0) return kind
  }
  return KINDS[0]!
}

/** Makes one call of that kind; resolves with its status, 0 when there was no answer. Never rejects: a demo that ends cuts calls. */
export function callOf(kind: Kind, gateway: string, agent: Agent): Promise<number> {
  const { method = 'GET', standIn, caller } = kind
  return new Promise((resolve) => {
    const path = caller === null ? kind.path : kind.path.replace('KEY', caller.key)
    const headers = standIn === undefined ? {} : { 'X-Stand-In': standIn }
    const out = request(`${gateway}${path}`, { method, headers, agent }, (answer) => {
      answer.resume().once('close', () => resolve(answer.statusCode ?? 0))
    })
    out.once('error', () => resolve(0))
    if (kind.leaves) out.setTimeout(LEAVES_MS, () => out.destroy())
    out.end()
  })
}

/** Calls at random times until it is closed. */
export function startTraffic(gateway: string): { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const startedMs = Date.now()
  let timer: NodeJS.Timeout
  const next = (): void => {
    // The time between two of many independent calls.
    const waitMs = (-Math.log(1 - Math.random()) * 1_000) / callsPerSecond(Date.now())
    timer = setTimeout(() => {
      void callOf(kindAt(Math.random(), isBadSpell(Date.now() - startedMs)), gateway, agent)
      next()
    }, waitMs)
  }
  next()
  return {
    close: () => {
      clearTimeout(timer)
      agent.destroy()
    },
  }
}
