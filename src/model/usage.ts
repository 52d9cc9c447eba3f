/** What threads hand over to be kept: plain data. */
export interface UsageBatch {
  /** In order: a `set` replaces what came before it. */
  readonly amounts: readonly UsageAmount[]
  /** The oldest first. */
  readonly errors: readonly IntegrationError[]
}

/** Usage of one metric, or calls with one response code, in one minute. */
export interface UsageAmount {
  readonly service: string
  /** It counts for the service too. '': for the service alone. */
  readonly application: string
  readonly kind: 'metric' | 'code'
  /** System name of the metric; or `200`, `2XX`. */
  readonly name: string
  /** When it was used, ms since the epoch; all that agree in the minute may be one amount. */
  readonly atMs: number
  readonly value: number
  /** The counters become `value`, in all periods. */
  readonly set: boolean
}

/** Why a batch of reports was dropped. */
export interface IntegrationError {
  readonly service: string
  readonly code: string
  readonly message: string
  readonly atMs: number
}

/** Response codes that 3scale counts one by one; all others only by their class. */
const COUNTED_CODES: readonly number[] = [200, 403, 404, 500, 503]
const COUNTED_CLASSES: readonly number[] = [2, 4, 5]

/** What a response code counts as in 3scale's statistics; nothing for 1xx and 3xx. */
export function countedCodes(status: number): readonly string[] {
  const digit = Math.floor(status / 100)
  if (!COUNTED_CLASSES.includes(digit)) return []
  return COUNTED_CODES.includes(status) ? [`${digit}XX`, String(status)] : [`${digit}XX`]
}
