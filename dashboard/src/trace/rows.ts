import type { StepPoint, TracedCall, TracePoint } from '../../../src/model/traced-call.ts'

/** What a row of the waterfall stands for; decides its colour. */
export type RowKind = 'stage' | 'step' | 'skipped' | 'fault' | 'internal' | 'target' | 'condition' | 'error'

export interface Row {
  readonly kind: RowKind
  /** The place of its point. */
  readonly at: number
  readonly label: string
  /** Beside the label: what kind of policy, which condition. */
  readonly note: string
  readonly startMs: number
  /** Null: a moment. */
  readonly tookMs: number | null
  readonly depth: number
}

/** A stage of the call with what happened in it. */
export interface Section {
  readonly title: string
  readonly startMs: number
  readonly at: number
  readonly rows: readonly Row[]
}

type State = Extract<TracePoint, { kind: 'state' }>

/** Edge's names of the stages, in words. */
const TITLES: Readonly<Record<string, string>> = {
  REQ_HEADERS_PARSED: 'Request received',
  PROXY_REQ_FLOW: 'Proxy request flow',
  TARGET_REQ_FLOW: 'Target request flow',
  REQ_SENT: 'Sent to the target',
  RESP_START: 'Answer of the target',
  TARGET_RESP_FLOW: 'Target response flow',
  PROXY_RESP_FLOW: 'Proxy response flow',
  RESP_SENT: 'Response sent',
  PROXY_POST_RESP_SENT: 'After the response',
}

/** The points of a call as the page draws them. */
export function sectionsOf(call: TracedCall): Section[] {
  const sections: { title: string; startMs: number; at: number; rows: Row[] }[] = []
  let flow = ''
  call.points.forEach((point, at) => {
    if (point.kind === 'state') {
      if (point.to === 'END') return
      sections.push({ title: titleOf(point), startMs: point.atMs, at, rows: [] })
      if (point.to === 'REQ_SENT') sections.at(-1)!.rows.push(waiting(call, point, at))
      flow = ''
      return
    }
    if (point.kind === 'flow') {
      flow = point.properties.find(([name]) => name === 'current.flow.name')?.[1] ?? flow
      return
    }
    const row = rowOf(point, at, flow)
    if (row !== null) sections.at(-1)?.rows.push(row)
  })
  return sections
}

/** A stage in words. */
export const titleOf = ({ to }: State): string => TITLES[to] ?? to

/** What a condition lets through, by where it is asked. */
export function choiceOf(tree: string): string {
  if (tree === 'ROUTE') return 'route'
  return tree.endsWith('_FAULT') ? 'fault rule' : 'flow'
}

function rowOf(point: TracePoint, at: number, flow: string): Row | null {
  switch (point.kind) {
    case 'step':
      return {
        kind: kindOf(point),
        at,
        label: point.displayName,
        note: [point.internal ? '' : point.type, flow].filter((text) => text !== '').join(' · '),
        startMs: point.atMs,
        tookMs: point.tookMs,
        depth: point.depth,
      }
    case 'condition':
      return {
        kind: 'condition',
        at,
        label: `${point.condition.result ? '✓' : '✗'} ${choiceOf(point.tree)} ${point.of}`,
        note: point.condition.expression,
        startMs: point.atMs,
        tookMs: null,
        depth: 0,
      }
    case 'error':
      return {
        kind: 'error',
        at,
        label: 'Error',
        note: point.fault.code,
        startMs: point.atMs,
        tookMs: null,
        depth: 0,
      }
    default:
      return null
  }
}

function kindOf({ outcome, internal }: StepPoint): RowKind {
  if (outcome === 'fault') return 'fault'
  if (outcome === 'skipped' || outcome === 'disabled') return 'skipped'
  return internal ? 'internal' : 'step'
}

/** The time until the target's answer began. */
function waiting(call: TracedCall, sent: State, at: number): Row {
  const next = call.points.slice(at + 1).find((point) => point.kind === 'state' || point.kind === 'error')
  return {
    kind: 'target',
    at,
    label: 'Waiting for the target',
    note: targetOf(call, at),
    startMs: sent.atMs,
    tookMs: (next?.atMs ?? call.totalMs) - sent.atMs,
    depth: 0,
  }
}

/** Where the request went, of the properties that stand before it. */
export function targetOf(call: TracedCall, at: number): string {
  for (let i = at - 1; i >= 0; i--) {
    const point = call.points[i]!
    if (point.kind !== 'flow') continue
    const url = point.properties.find(([name]) => name === 'target.url')?.[1]
    if (url !== undefined) return url
  }
  return ''
}
