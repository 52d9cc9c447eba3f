import type { Analytics, CountKey, Scope } from './ports.ts'
import { missing, type RangeOptions, type UsageParameters, type UsagePeriod, usageRange } from './threescale-range.ts'

export { UsageError, type UsageParameters, type UsagePeriod, type UsageRange, usageRange } from './threescale-range.ts'

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
  const values = counted ? await valuesOf(analytics, scope, code, range.edgesMs) : zeros(range.edgesMs)
  const total = sum(values)
  const answer = {
    response_code: { code },
    period: range.period,
    total,
    values,
    ...(options.application === undefined ? {} : { application: options.application }),
  }
  if (range.previousMs === null) return answer
  const previousTotal = counted ? sum(await valuesOf(analytics, scope, code, range.previousMs)) : 0
  return { ...answer, previous_total: previousTotal, change: changePercent(total, previousTotal) }
}

async function valuesOf(
  analytics: Analytics,
  scope: Scope,
  key: CountKey,
  edgesMs: readonly number[],
): Promise<readonly number[]> {
  const [values] = await analytics.counts({ scope, keys: [key], edgesMs, authorizedOnly: true })
  return values ?? zeros(edgesMs)
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
