import { randomBytes } from 'node:crypto'

/**
 * Makes request ids: 32 lower-case hex digits, as APIG has them. 96 random bits chosen once per thread, then a counter:
 * unique without asking the system for randomness on every call.
 */
export function requestIds(): () => string {
  let prefix = randomBytes(12).toString('hex')
  let next = 0
  return () => {
    if (next > 0xffff_ffff) {
      prefix = randomBytes(12).toString('hex')
      next = 0
    }
    return prefix + (next++).toString(16).padStart(8, '0')
  }
}
