import type {
  TracedCall,
  TracedCallout,
  TracedCondition,
  TracedFault,
  TracedMessage,
  TracePoint,
  VariableAccess,
} from '../../model/traced-call.ts'
import type { Exchange } from '../exchange.ts'
import type { MaskedMessage, Masker } from '../masking.ts'
import { MASK } from '../payload/json-mask.ts'
import type { CallRecorder } from './call-recorder.ts'
import { cutText, type Hide, maskedMessage, maskedPairs, maskedUri, redactedMessage } from './masked-message.ts'
import { Redaction } from './redaction.ts'

/** How a call ended, as its gateway knows it. */
export interface CallEnding {
  readonly status: number
  readonly totalMs: number
}

/** What may be kept of a call: all that its recorder has, masked and cut. Reads XML where masks do: `prepareXml` first. */
export function maskedCall(x: Exchange, recorder: CallRecorder, masker: Masker, ending: CallEnding): TracedCall {
  recorder.end()
  masker.takeMatched()
  const secrets = new Redaction()
  const messages = recorder.messages.copies.map((copy) => maskedMessage(copy, masker, secrets))
  const hidden = recorder.points.map((point) => hiddenPoint(point, masker, secrets))
  const shown = messages.map((message) => redactedMessage(message, secrets))
  const points = hidden.map((point) => redactedPoint(point, shown, secrets))
  const { proxy, name } = x.endpoint
  const masked = masker.takeMatched()
  return {
    requestId: x.id,
    environment: proxy.settings.environment,
    proxy: proxy.name,
    revision: proxy.revision,
    endpoint: name,
    receivedAtMs: x.receivedAtMs,
    totalMs: ending.totalMs,
    verb: shown[0]?.verb ?? '',
    uri: shown[0]?.uri ?? '',
    status: ending.status,
    errorCode: x.fault?.code ?? '',
    answeredBy: x.answeredBy,
    points,
    messages: shown,
    masked,
    unmatched: masker.texts.filter((text) => !masked.includes(text)),
    leftOut: recorder.leftOut,
  }
}

/** What masks name is hidden, and remembered. */
function hiddenPoint(point: TracePoint, masker: Masker, secrets: Redaction): TracePoint {
  const hide = (accesses: readonly VariableAccess[]): VariableAccess[] =>
    accesses.map((access) => hiddenAccess(access, masker, secrets))
  switch (point.kind) {
    case 'condition':
      return { ...point, condition: { ...point.condition, accesses: hide(point.condition.accesses) } }
    case 'step': {
      const { condition } = point
      return {
        ...point,
        condition: condition === null ? null : { ...condition, accesses: hide(condition.accesses) },
        accesses: hide(point.accesses),
      }
    }
    default:
      return point
  }
}

function hiddenAccess(access: VariableAccess, masker: Masker, secrets: Redaction): VariableAccess {
  const { name, value } = access
  if (value === null) return access
  const hides = (variable: string): boolean =>
    masker.hides(variable) || masker.hides(variable.replace(/^(?:request|response|error)\./, 'message.'))
  if (hides(name.replace(SELECTOR, ''))) {
    secrets.add(value)
    return { ...access, value: MASK }
  }
  const owner = name.slice(0, Math.max(0, name.lastIndexOf('.')))
  const hide: Hide = (part, text) => (hides(`${owner}.${part}`) || hides(`request.${part}`) ? MASK : text)
  const inside = INSIDE.find(({ names }) => names.test(name))
  if (inside !== undefined) return { ...access, value: inside.masked(value, hide) }
  const kinds = name.endsWith('.content') ? (CONTENT_OF[owner] ?? KINDS) : /^\s*[[{<]/.test(value) ? KINDS : []
  return { ...access, value: kinds.reduce((text, kind) => secrets.content(masker, kind, text), value) }
}

const KINDS: readonly MaskedMessage[] = ['request', 'response', 'fault']

/** Whose masks act on a content; on a document that stands in any other variable those of all do. */
const CONTENT_OF: Readonly<Record<string, readonly MaskedMessage[]>> = {
  request: ['request'],
  response: ['response'],
  error: ['fault'],
}

/** All values of a header, or one of them: `request.header.X.values`. */
const SELECTOR = /\.(?:values(?:\.count|\.string)?|[1-9]\d{0,3})$/

/** Variables in which parameters stand that have names of their own. */
const INSIDE: readonly { readonly names: RegExp; readonly masked: (value: string, hide: Hide) => string }[] = [
  { names: /\.(?:uri|url)$/, masked: maskedUri },
  { names: /\.querystring$/, masked: (value, hide) => maskedPairs(value, 'queryparam', hide) },
  { names: /\.formstring$/, masked: (value, hide) => maskedPairs(value, 'formparam', hide) },
]

function redactedPoint(point: TracePoint, messages: readonly TracedMessage[], secrets: Redaction): TracePoint {
  const text = (value: string): string => cutText(secrets.of(value))
  const fault = (one: TracedFault): TracedFault => ({ ...one, text: text(one.text) })
  const accesses = (list: readonly VariableAccess[]): VariableAccess[] =>
    list.map((one) => ({ ...one, value: one.value === null ? null : text(one.value) }))
  const condition = (one: TracedCondition): TracedCondition => ({
    expression: text(one.expression),
    result: one.result,
    accesses: accesses(one.accesses),
  })
  switch (point.kind) {
    case 'flow':
      return { ...point, properties: point.properties.map(([name, value]) => [name, text(bare(value))] as const) }
    case 'error':
      return {
        ...point,
        fault: fault(point.fault),
        properties: point.properties.map(([name, value]) => [name, text(value)] as const),
      }
    case 'condition':
      return { ...point, condition: condition(point.condition) }
    case 'step':
      return {
        ...point,
        condition: point.condition === null ? null : condition(point.condition),
        fault: point.fault === null ? null : fault(point.fault),
        accesses: accesses(point.accesses),
        callouts: point.callouts.map(
          (one): TracedCallout => ({
            ...one,
            url: messages[one.request]!.uri,
            error: one.error === null ? null : text(one.error),
          }),
        ),
      }
    default:
      return point
  }
}

/** Credentials in an address are hidden always. */
const bare = (url: string): string => url.replace(/^(https?:\/\/)[^/?#@]*@/i, `$1${MASK}@`)
