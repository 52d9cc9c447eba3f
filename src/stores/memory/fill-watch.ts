import type { Log } from '../../core/log.ts'
import type { MemoryCounters } from './counters.ts'

const WARNING_FRACTION = 0.75
const CHECK_EVERY_MS = 10_000

/** Logs when the table becomes more than 75 % full: from there on some keys may find no room. Once until it was below again. */
export function watchFill(counters: Pick<MemoryCounters, 'fill'>, log: Pick<Log, 'warn'>): void {
  let warned = false
  setInterval(() => {
    const { fraction, used, slots } = counters.fill(Date.now())
    if (fraction > WARNING_FRACTION === warned) return
    warned = !warned
    if (warned)
      log.warn({ used, slots }, 'the table of counters is more than 75 % full; --counter-slots makes it larger')
  }, CHECK_EVERY_MS).unref()
}
