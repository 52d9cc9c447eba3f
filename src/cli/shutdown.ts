import type { Log } from '../core/log.ts'

/** Beyond the grace, for what is not a running call: the last records, closing the database. */
const MARGIN_MS = 8_000
const SAME_WISH_MS = 1_000

/**
 * Ends the program on SIGINT and SIGTERM: `close` lets running calls finish; a second signal, or the end of the grace, ends
 * it at once. The very end is SIGKILL of ourselves: a thread inside a native call would keep `process.exit` waiting.
 */
export function onShutdown(log: Log, graceMs: number, close: () => Promise<void>): void {
  let closingSinceMs = 0
  const kill = (): void => {
    process.kill(process.pid, 'SIGKILL')
  }
  const end = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now()
    if (closingSinceMs !== 0) {
      // A terminal signals the whole group and the launcher passes its own on: that is one wish, not two.
      if (nowMs - closingSinceMs > SAME_WISH_MS) kill()
      return
    }
    closingSinceMs = nowMs
    log.info({ signal }, 'shutting down')
    setTimeout(kill, graceMs + MARGIN_MS).unref()
    close().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ error: error.stack }, 'the shutdown failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
}
