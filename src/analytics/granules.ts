import { plusLocal, type Zone } from './zone.ts'

/** 3scale's granularities; '21600' is six hours (in seconds, as its API spells it). */
export type Granularity = 'hour' | '21600' | 'day' | 'month'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Where the granule begins that holds this instant, by the clocks of the zone. */
export function granuleStart(granularity: Granularity, utcMs: number, zone: Zone): number {
  const localMs = zone.toLocal(utcMs)
  switch (granularity) {
    case 'hour':
      return utcMs - floorMod(localMs, HOUR_MS)
    case '21600':
      return zone.toUtc(localMs - floorMod(localMs, 6 * HOUR_MS))
    case 'day':
      return zone.toUtc(localMs - floorMod(localMs, DAY_MS))
    case 'month':
      return zone.toUtc(startOfMonth(localMs))
  }
}

/** Where the granule after the one that holds this instant begins. */
export function nextGranule(granularity: Granularity, utcMs: number, zone: Zone): number {
  if (granularity === 'hour') return granuleStart('hour', utcMs, zone) + HOUR_MS
  const localMs = zone.toLocal(utcMs)
  switch (granularity) {
    case '21600':
      return zone.toUtc(localMs - floorMod(localMs, 6 * HOUR_MS) + 6 * HOUR_MS)
    case 'day':
      return zone.toUtc(localMs - floorMod(localMs, DAY_MS) + DAY_MS)
    case 'month':
      return zone.toUtc(plusLocal(startOfMonth(localMs), 1, 'month'))
  }
}

/** All edges from the start of a granule to the start of another one; one more edge than granules. */
export function granuleEdges(granularity: Granularity, sinceMs: number, untilMs: number, zone: Zone): number[] {
  const edges = [sinceMs]
  for (let at = sinceMs; at < untilMs; ) {
    at = Math.min(untilMs, nextGranule(granularity, at, zone))
    edges.push(at)
  }
  return edges
}

/** The edge that lies `count` granules before another edge. */
export function granulesBefore(granularity: Granularity, edgeMs: number, count: number, zone: Zone): number {
  const localMs = zone.toLocal(edgeMs)
  switch (granularity) {
    case 'hour':
      return edgeMs - count * HOUR_MS
    case '21600':
      return zone.toUtc(localMs - count * 6 * HOUR_MS)
    case 'day':
      return zone.toUtc(localMs - count * DAY_MS)
    case 'month':
      return zone.toUtc(plusLocal(localMs, -count, 'month'))
  }
}

function startOfMonth(localMs: number): number {
  const date = new Date(localMs - floorMod(localMs, DAY_MS))
  date.setUTCDate(1)
  return date.getTime()
}

function floorMod(value: number, length: number): number {
  return ((value % length) + length) % length
}
