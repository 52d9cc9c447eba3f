import type { TracedCall, TracedMessage, VariableAccess } from '../model/traced-call.ts'

/** Characters that one call may take as JSON. */
export const CALL_CHARS_MAX: number = 2 * 1024 * 1024

/** The call as JSON. One that is too large loses what is longest: contents, then values, then its last points. */
export function sizedText(call: TracedCall, charsMax: number = CALL_CHARS_MAX): string {
  let text = JSON.stringify(call)
  for (const shrink of SHRINK) {
    if (text.length <= charsMax) return text
    call = shrink(call)
    text = JSON.stringify(call)
  }
  let keep = call.points.length
  while (text.length > charsMax && keep > 0) {
    keep = Math.floor(keep / 2)
    const left = call.points.length - keep
    text = JSON.stringify({ ...call, points: call.points.slice(0, keep), leftOut: call.leftOut + left })
  }
  return text
}

const VALUE_CHARS = 100

const SHRINK: readonly ((call: TracedCall) => TracedCall)[] = [
  (call) => ({ ...call, messages: call.messages.map(withoutContent) }),
  (call) => ({ ...call, messages: call.messages.map(withShortHeaders), points: call.points.map(withShortValues) }),
]

function withoutContent(message: TracedMessage): TracedMessage {
  return message.content === null ? message : { ...message, content: null, note: 'left out: the call is too large' }
}

function withShortHeaders(message: TracedMessage): TracedMessage {
  return { ...message, headers: message.headers.slice(0, 50).map(([name, value]) => [name, short(value)] as const) }
}

function withShortValues(point: TracedCall['points'][number]): TracedCall['points'][number] {
  if (point.kind !== 'step' && point.kind !== 'condition') return point
  const { condition } = point
  const accesses = (list: readonly VariableAccess[]): VariableAccess[] =>
    list.slice(0, 20).map((one) => ({ ...one, value: one.value === null ? null : short(one.value) }))
  const shorter = condition === null ? null : { ...condition, accesses: accesses(condition.accesses) }
  if (point.kind === 'condition') return { ...point, condition: shorter! }
  return { ...point, condition: shorter, accesses: accesses(point.accesses) }
}

const short = (text: string): string => (text.length <= VALUE_CHARS ? text : `${text.slice(0, VALUE_CHARS)}...`)
