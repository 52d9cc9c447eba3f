import { type DestinationStream, type Logger, pino } from 'pino'

/** What rooms log through: an object with the facts, then a sentence. Never a secret, a body or a header value. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** One JSON line an entry on standard error, written at once, so that threads can share it and nothing is lost at exit. */
export function openLog(level: string, name: string): Log {
  const destination: DestinationStream = pino.destination({ fd: 2, sync: true })
  return pino({ level, name, base: { name }, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** For tests and for rooms that nobody listens to. */
export const silentLog: Log = pino({ level: 'silent' })
