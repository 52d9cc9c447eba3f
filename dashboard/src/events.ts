import { useEffect, useState } from 'preact/hooks'
import type { LiveSecond } from '../../src/admin/native/answers.ts'

export interface Seconds {
  /** The newest last. */
  readonly seconds: readonly LiveSecond[]
  /** Nothing came for a while, or the gateway refused. */
  readonly late: boolean
}

/** Seconds that are kept for the small curves. */
export const secondsKept = 120

const lateMs = 4_000
const retryMs = 5_000

/** What the gateway says each second, while the page is seen. */
export function useSeconds(): Seconds {
  const [state, setState] = useState<Seconds>({ seconds: [], late: false })
  useEffect(() => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    let watch: ReturnType<typeof setTimeout> | undefined
    const late = (): void => setState(({ seconds }) => ({ seconds, late: true }))
    const stop = (): void => {
      source?.close()
      source = undefined
      clearTimeout(retry)
      clearTimeout(watch)
    }
    const start = (): void => {
      stop()
      source = new EventSource('/api/live')
      watch = setTimeout(late, lateMs)
      source.addEventListener('second', (event) => {
        const second = JSON.parse(event.data as string) as LiveSecond
        clearTimeout(watch)
        watch = setTimeout(late, lateMs)
        setState(({ seconds }) => ({ seconds: withSecond(seconds, second), late: false }))
      })
      // The browser tries again by itself after a lost connection, but not after a refusal.
      source.addEventListener('error', () => {
        late()
        if (source?.readyState === EventSource.CLOSED) retry = setTimeout(start, retryMs)
      })
    }
    const seen = (): void => {
      if (document.hidden) stop()
      else if (source === undefined) start()
    }
    document.addEventListener('visibilitychange', seen)
    seen()
    return () => {
      document.removeEventListener('visibilitychange', seen)
      stop()
    }
  }, [])
  return state
}

/** The gateway begins with the seconds before; after a break some of them are here already. */
function withSecond(seconds: readonly LiveSecond[], second: LiveSecond): readonly LiveSecond[] {
  const newest = seconds.at(-1)
  return newest !== undefined && second.timeMs <= newest.timeMs ? seconds : [...seconds, second].slice(-secondsKept)
}
