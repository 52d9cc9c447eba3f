import { useEffect, useRef, useState } from 'preact/hooks'

export class CallError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** GET on the gateway's own API. A session that ended leads to the sign-in page. */
async function get<Answer>(path: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } })
  if (response.status === 401) {
    location.reload()
    // Never settles: the page is about to go.
    return new Promise(() => {})
  }
  const body = (await response.json()) as unknown
  if (response.ok) return body as Answer
  const message = (body as { error?: { message?: string } }).error?.message
  throw new CallError(response.status, message ?? `The gateway answered ${response.status}.`)
}

export interface Live<Answer> {
  /** The newest answer; stays while the next one is on its way. Undefined before the first. */
  readonly answer: Answer | undefined
  /** Why there is no newer one; undefined when all is well. */
  readonly error: CallError | undefined
  /** The answer is that of an earlier path. */
  readonly stale: boolean
}

/** Asks at once, again every `everyMs` while the page is seen, and again when the path changes. Null: there is nothing to ask. */
export function useLive<Answer>(path: string | null, everyMs: number): Live<Answer> {
  const [state, setState] = useState<{ path: string | null; answer: Answer | undefined; error: CallError | undefined }>(
    {
      path: null,
      answer: undefined,
      error: undefined,
    },
  )
  const latest = useRef(path)
  latest.current = path
  useEffect(() => {
    if (path === null) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      try {
        const answer = await get<Answer>(path, abort.signal)
        if (latest.current === path) setState({ path, answer, error: undefined })
      } catch (thrown) {
        if (abort.signal.aborted) return
        const error =
          thrown instanceof CallError ? thrown : new CallError(0, 'The gateway does not answer. Trying again …')
        setState((before) => ({ path, answer: before.answer, error }))
      }
      if (!abort.signal.aborted && !document.hidden) timer = setTimeout(ask, everyMs)
    }
    const seen = (): void => {
      if (!document.hidden) void ask()
    }
    document.addEventListener('visibilitychange', seen)
    void ask()
    return () => {
      abort.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [path, everyMs])
  return { answer: state.answer, error: state.path === path ? state.error : undefined, stale: state.path !== path }
}
