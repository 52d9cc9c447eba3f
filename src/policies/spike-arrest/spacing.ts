import type { KeyPrefix } from '../../core/counter-keys.ts'
import type { Decision } from '../../core/counters.ts'
import type { Rate } from './rate.ts'

/**
 * How the calls of a rate are kept apart by counters of fixed windows.
 *
 * Time is cut into slots. A call that is admitted writes how far into its slot it came; a later one of the next slot must not
 * come earlier in its own. So two calls are never closer than a slot is long, wherever the slots begin, and one decision over
 * the counters of both slots is exact over all threads. The counters of even and odd slots take turns.
 */
export interface Spacing {
  readonly slotMs: number
  /** Calls in one slot: above 1 only where a slot would be shorter than the clock can tell. */
  readonly callsInSlot: number
  readonly keys: readonly [even: KeyPrefix, odd: KeyPrefix]
}

const SLOT_MS_MIN = 1

export function spacingOf(
  { calls, periodMs }: Rate,
  weight: number,
  effective: boolean,
  prefix: (part: string) => KeyPrefix,
): Spacing {
  const apartMs = (periodMs * weight) / calls
  const callsInSlot = apartMs < SLOT_MS_MIN ? Math.ceil(SLOT_MS_MIN / apartMs) : 1
  return {
    slotMs: effective ? periodMs : apartMs * callsInSlot,
    callsInSlot,
    keys: [prefix('even'), prefix('odd')],
  }
}

/** The checks of a call that must keep its distance. */
export function addSmooth(decision: Decision, spacing: Spacing, text: string, nowMs: number): void {
  const { slotMs, callsInSlot } = spacing
  const slot = Math.floor(nowMs / slotMs)
  if (callsInSlot > 1) {
    addSlot(decision, spacing, text, slot, callsInSlot, 1)
    return
  }
  // From 1, so that a slot that holds a call never reads 0.
  const into = nowMs - slot * slotMs + 1
  addSlot(decision, spacing, text, slot - 1, into, 0)
  addSlot(decision, spacing, text, slot, into, into)
}

/** The checks of a sliding window, to be peeked at: the period before this one, and this one. */
export function addSliding(decision: Decision, spacing: Spacing, text: string, nowMs: number): void {
  const slot = Math.floor(nowMs / spacing.slotMs)
  addSlot(decision, spacing, text, slot - 1, Infinity, 0)
  addSlot(decision, spacing, text, slot, Infinity, 0)
}

/** After the peek: of the period before counts the part that the sliding window still covers. */
export function slidingWindow(
  decision: Decision,
  spacing: Spacing,
  calls: number,
  weight: number,
  nowMs: number,
): void {
  const passed = (nowMs % spacing.slotMs) / spacing.slotMs
  decision.limits[1] = calls - decision.counts[0]! * (1 - passed)
  decision.deltas[1] = weight
}

function addSlot(
  decision: Decision,
  { slotMs, keys }: Spacing,
  text: string,
  slot: number,
  limit: number,
  delta: number,
): void {
  // A slot is looked at until the next one has ended too.
  const check = decision.add((slot + 2) * slotMs, 2 * slotMs, limit, delta)
  keys[slot % 2 === 0 ? 0 : 1].writeWith(text, decision.keys, check)
}
