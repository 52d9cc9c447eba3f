import { createHmac, timingSafeEqual } from 'node:crypto'

/** The header that carries a debug token. */
export const DEBUG_TOKEN_HEADER = 'X-Postern-Debug'

export const DEBUG_TOKEN_SECONDS_MAX = 86_400

/**
 * A token that lets its holder ask for debug headers until `expiresAtMs`. It holds nothing but that time and a seal, so that
 * every thread knows a good one without being told of it.
 */
export function debugToken(secret: string, expiresAtMs: number): string {
  const time = expiresAtMs.toString(36)
  return `${time}.${seal(secret, time)}`
}

export function isDebugToken(secret: string, token: string, nowMs: number): boolean {
  const match = /^([0-9a-z]{1,11})\.([0-9a-f]{64})$/.exec(token)
  if (match === null || Number.parseInt(match[1]!, 36) < nowMs) return false
  return timingSafeEqual(Buffer.from(seal(secret, match[1]!)), Buffer.from(match[2]!))
}

const seal = (secret: string, time: string): string =>
  createHmac('sha256', secret).update(`debug ${time}`).digest('hex')
