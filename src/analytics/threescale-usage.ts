import type { MaybePromise } from '../core/async.ts'
import type { Analytics, CountKey, Scope } from './ports.ts'
import { missing, type RangeOptions, type UsageParameters, type UsagePeriod, usageRange } from './threescale-range.ts'

export {
  missing,
  type TopRange,
  topRange,
  UsageError,
  type UsageParameters,
  type UsagePeriod,
  type UsageRange,
  usageRange,
} from './threescale-range.ts'

// 3scale's `usage_response_code`: what the answer counts, and what it looks like. Source: porta's statistics views and tests.

/** The body of the answer, keys in the vendor's order. `application` is whatever the asker gave. */
export interface ResponseCodeUsage {
  readonly response_code: { readonly code: string }
  readonly period: UsagePeriod
  readonly total: number
  readonly values: readonly number[]
  readonly application?: object
  readonly previous_total?: number
  /** Per cent. */
  readonly change?: number
}

/** Codes that 3scale counts; all others are zero there, and so here. */
const countedCodes: readonly string[] = ['2XX', '4XX', '5XX', '200', '403', '404', '500', '503']

export interface UsageOptions extends RangeOptions {
  /** Put into the answer as it is: the application that the question is about. */
  readonly application?: object
  /** Counts what other gateways have reported of a code; this gateway's own calls are in the analytics. */
  readonly reported?: (code: string) => CountUsage
}

/**
 * Answers `/stats/{services|applications}/{id}/usage_response_code`: calls that were authorized, by the status that the client
 * got. Throws UsageError for parameters that make no sense.
 */
export async function usageResponseCode(
  analytics: Analytics,
  scope: Scope,
  parameters: UsageParameters,
  options: UsageOptions,
): Promise<ResponseCodeUsage> {
  const code = parameters['response_code'] ?? ''
  if (code === '') throw missing('response_code')
  const range = usageRange(parameters, options)
  const counted = countedCodes.includes(code)
  const reported = options.reported === undefined ? null : options.reported(code)
  const values = counted ? await valuesOf(analytics, scope, code, range.edgesMs, reported) : zeros(range.edgesMs)
  const total = sum(values)
  const answer = {
    response_code: { code },
    period: range.period,
    total,
    values,
    ...(options.application === undefined ? {} : { application: options.application }),
  }
  if (range.previousMs === null) return answer
  const previousTotal = counted ? sum(await valuesOf(analytics, scope, code, range.previousMs, reported)) : 0
  return { ...answer, previous_total: previousTotal, change: changePercent(total, previousTotal) }
}

/** The body of `usage`: the same with the metric. */
export interface MetricUsage {
  readonly metric: object
  readonly period: UsagePeriod
  readonly total: number
  readonly values: readonly number[]
  readonly application?: object
  readonly previous_total?: number
  readonly change?: number
}

/** How much was used in each granule. */
export type CountUsage = (edgesMs: readonly number[]) => MaybePromise<readonly number[]>

/** Answers `/stats/{services|applications}/{id}/usage`: what `count` counts of `metric`. Throws UsageError. */
export async function usageOfMetric(
  metric: object,
  count: CountUsage,
  parameters: UsageParameters,
  options: UsageOptions,
): Promise<MetricUsage> {
  const range = usageRange(parameters, options)
  const values = await count(range.edgesMs)
  const total = sum(values)
  const answer = {
    metric,
    period: range.period,
    total,
    values,
    ...(options.application === undefined ? {} : { application: options.application }),
  }
  if (range.previousMs === null) return answer
  const previousTotal = sum(await count(range.previousMs))
  return { ...answer, previous_total: previousTotal, change: changePercent(total, previousTotal) }
}

async function valuesOf(
  analytics: Analytics,
  scope: Scope,
  key: CountKey,
  edgesMs: readonly number[],
  reported: CountUsage | null,
): Promise<readonly number[]> {
  const [values] = await analytics.counts({ scope, keys: [key], edgesMs, authorizedOnly: true })
  const calls = values ?? zeros(edgesMs)
  if (reported === null) return calls
  const others = await reported(edgesMs)
  return calls.map((value, i) => value + others[i]!)
}

/** Per cent by which a number differs from the one before, as the vendor has it: from nothing to something is 100. */
export function changePercent(total: number, previousTotal: number): number {
  if (previousTotal === 0) return total === 0 ? 0 : 100
  return ((total - previousTotal) / previousTotal) * 100
}

function zeros(edgesMs: readonly number[]): number[] {
  return new Array<number>(Math.max(0, edgesMs.length - 1)).fill(0)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
