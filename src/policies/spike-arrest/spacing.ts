import type { KeyPrefix } from '../../core/counter-keys.ts'
import type { Decision } from '../../core/counters.ts'
import type { Rate } from './rate.ts'

/**
 * How the calls of a rate are kept apart. A window begins with the call that is admitted and is as long as calls must be apart;
 * until it has ended the next one is refused. A thread whose clock was read before another's call counted finds that window
 * open and is refused too, so it is exact over all threads. The effective count has windows of whole periods, whose counters
 * take turns.
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

/** The check of a call that must keep its distance. */
export function addSmooth(
  decision: Decision,
  { slotMs, callsInSlot, keys }: Spacing,
  text: string,
  nowMs: number,
): void {
  const check = decision.add(nowMs + slotMs, slotMs, callsInSlot, 1, true)
  keys[0].writeWith(text, decision.keys, check)
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
