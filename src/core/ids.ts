import { randomBytes } from 'node:crypto'

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Makes request ids: 32 lower-case hex digits, as APIG has them. 96 random bits chosen once per thread, then a counter:
 * unique without asking the system for randomness on every call. Ids of one thread share their beginning for 256 calls, so
 * that most of them are one short text behind another.
 */
export function requestIds(): () => string {
  let prefix = randomBytes(12).toString('hex')
  let block = -1
  let beginning = ''
  let next = 256
  return () => {
    if (next === 256) {
      next = 0
      if (++block > 0xff_ffff) {
        block = 0
        prefix = randomBytes(12).toString('hex')
      }
      beginning = prefix + block.toString(16).padStart(6, '0')
    }
    return beginning + HEX[next++]!
  }
}
