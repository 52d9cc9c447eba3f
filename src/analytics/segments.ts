import { type Level, type LevelRule, levelRules } from './series.ts'

/** A run of rows of one level to be read: since <= start < until. */
export interface Segment {
  readonly level: Level
  readonly sinceMs: number
  untilMs: number
}

export interface Coverage {
  /** The edges as they can be answered: each moved up to what is still kept at its age. */
  readonly edgesMs: readonly number[]
  /** In ascending order, without overlap; no row lies across an edge. */
  readonly segments: readonly Segment[]
}

const HOUR_MS = 3_600_000

/**
 * Which rows answer a question about the granules between these ascending edges with the fewest rows read: whole days where
 * a granule holds them, then hours, quarters and minutes at its ends. No level coarser than `coarsest` is used.
 */
export function coverageOf(edgesMs: readonly number[], nowMs: number, coarsest: Level = 'day'): Coverage {
  const top = levelRules.findIndex((rule) => rule.level === coarsest)
  const edges = edgesMs.map((edge) => roundedUp(edge, nowMs))
  const segments: Segment[] = []
  for (let i = 0; i + 1 < edges.length; i++) cover(segments, edges[i]!, edges[i + 1]!, top)
  return { edgesMs: edges, segments }
}

// Horizons lie on whole hours, so that moving edges up never puts two of them in the wrong order.
function roundedUp(edgeMs: number, nowMs: number): number {
  const rule = levelRules.find((r) => edgeMs >= Math.ceil((nowMs - r.keptMs) / HOUR_MS) * HOUR_MS)
  const lengthMs = rule?.lengthMs ?? HOUR_MS
  return Math.ceil(edgeMs / lengthMs) * lengthMs
}

function cover(segments: Segment[], sinceMs: number, untilMs: number, coarsest: number): void {
  if (sinceMs >= untilMs) return
  const rule = levelRules[coarsest] as LevelRule
  const first = Math.ceil(sinceMs / rule.lengthMs) * rule.lengthMs
  const last = Math.floor(untilMs / rule.lengthMs) * rule.lengthMs
  if (first >= last) {
    if (coarsest > 0) cover(segments, sinceMs, untilMs, coarsest - 1)
    return
  }
  if (coarsest > 0) cover(segments, sinceMs, first, coarsest - 1)
  append(segments, rule.level, first, last)
  if (coarsest > 0) cover(segments, last, untilMs, coarsest - 1)
}

function append(segments: Segment[], level: Level, sinceMs: number, untilMs: number): void {
  const last = segments.at(-1)
  if (last !== undefined && last.level === level && last.untilMs === sinceMs) last.untilMs = untilMs
  else segments.push({ level, sinceMs, untilMs })
}
