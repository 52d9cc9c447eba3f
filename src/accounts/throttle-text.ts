// The words of APIG for what a throttle says (reference: its pages "Response Headers" and "Request Throttling").

/** What a limit counts, in the order in which a breach is looked for. */
export const DIMENSIONS = ['ip', 'user', 'app', 'api', 'allenv'] as const

export type Dimension = (typeof DIMENSIONS)[number]

interface DimensionWords {
  /** The response header with the state of this limit. */
  readonly header: string
  /** Its name in the message of a breach. That of `allenv` is ours, after its header: no sample of it was found. */
  readonly policy: string
}

export const DIMENSION_WORDS: Readonly<Record<Dimension, DimensionWords>> = {
  ip: { header: 'X-Apig-RateLimit-ip', policy: 'ip' },
  user: { header: 'X-Apig-RateLimit-user', policy: 'user' },
  app: { header: 'X-Apig-RateLimit-app', policy: 'app' },
  api: { header: 'X-Apig-RateLimit-api', policy: 'api' },
  allenv: { header: 'X-Apig-RateLimit-api-allenv', policy: 'api-allenv' },
}

/** The error code of every breach; its HTTP status is 429. */
export const THROTTLED_CODE = 'APIG.0308'

/** `remain:9,limit:10,time:10 second`; `window` as in `FixedWindow.text`. */
export function rateLimitText(remaining: number, limit: number, window: string): string {
  return `remain:${remaining},limit:${limit},time:${window}`
}

/** `policy api over ratelimit,limit:5,time:1 minute` */
export function breachText(dimension: Dimension, limit: number, window: string): string {
  return `policy ${DIMENSION_WORDS[dimension].policy} over ratelimit,limit:${limit},time:${window}`
}
