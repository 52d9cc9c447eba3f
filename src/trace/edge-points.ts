import type {
  StepPoint,
  TracedCall,
  TracedCondition,
  TracedMessage,
  TracePoint,
  VariableAccess,
} from '../model/traced-call.ts'

// A traced call as Edge's management API and its offline traces have it (recorded sessions; reference of `debugsessions/{s}/data`).

export interface EdgeTransaction {
  readonly completed: boolean
  readonly point: readonly EdgePoint[]
}

export interface EdgePoint {
  /** StateChange, FlowInfo, Condition, Execution, Paused, Resumed, Error, DebugMask. */
  readonly id: string
  readonly results: readonly EdgeResult[]
}

export interface EdgeProperty {
  readonly name: string
  readonly value: string
}

export type EdgeResult =
  | {
      readonly ActionResult: 'DebugInfo'
      readonly timestamp: string
      readonly properties: { readonly property: readonly EdgeProperty[] }
    }
  | {
      readonly ActionResult: 'RequestMessage'
      readonly verb: string
      readonly uRI: string
      readonly headers: readonly EdgeProperty[]
      readonly content: string
    }
  | {
      readonly ActionResult: 'ResponseMessage' | 'ErrorMessage'
      readonly statusCode: string
      readonly reasonPhrase: string
      readonly headers: readonly EdgeProperty[]
      readonly content: string
    }
  | { readonly ActionResult: 'VariableAccess'; readonly accessList: readonly EdgeAccess[] }

export type EdgeAccess =
  | { readonly Get: EdgeProperty }
  | { readonly Set: EdgeProperty & { readonly success: boolean } }
  | { readonly Remove: { readonly name: string; readonly success: boolean } }

export function edgeTransaction(call: TracedCall): EdgeTransaction {
  const points = call.points.map((point) => edgePoint(point, call))
  // As Edge has it: behind the end, before what comes when the answer is out.
  const end = call.points.findIndex((point) => point.kind === 'state' && point.to === 'END')
  points.splice(end < 0 ? points.length : end + 1, 0, maskPoint(call))
  return { completed: true, point: points }
}

/** `dd-MM-yy HH:mm:ss:SSS`, in UTC. */
export function edgeTime(ms: number): string {
  const [date, time] = new Date(ms).toISOString().split('T') as [string, string]
  const [year, month, day] = date.split('-') as [string, string, string]
  return `${day}-${month}-${year.slice(2)} ${time.slice(0, 8)}:${time.slice(9, 12)}`
}

function edgePoint(point: TracePoint, call: TracedCall): EdgePoint {
  const info = (properties: Readonly<Record<string, string>>): EdgeResult =>
    debugInfo(call.receivedAtMs + point.atMs, Object.entries(properties))
  const message = (at: number | null): EdgeResult[] => (at === null ? [] : [edgeMessage(call.messages[at]!)])
  switch (point.kind) {
    case 'state':
      return { id: 'StateChange', results: [info({ To: point.to, From: point.from }), ...message(point.message)] }
    case 'flow':
      return { id: 'FlowInfo', results: [debugInfo(call.receivedAtMs + point.atMs, point.properties)] }
    case 'condition': {
      const { expression, result, accesses } = point.condition
      const properties = { Expression: expression, ExpressionResult: String(result), Tree: point.tree }
      return { id: 'Condition', results: [info(properties), ...access(accesses)] }
    }
    case 'step':
      return { id: 'Execution', results: execution(point, call) }
    case 'paused':
      return { id: 'Paused', results: [] }
    case 'resumed':
      return { id: 'Resumed', results: [] }
    case 'error': {
      const { text, code, name } = point.fault
      const properties = { error: text, 'error.code': code, 'fault.name': name, state: point.state, type: 'ErrorPoint' }
      const all = [...Object.entries(properties), ...point.properties]
      return { id: 'Error', results: [debugInfo(call.receivedAtMs + point.atMs, all), ...message(point.message)] }
    }
  }
}

function execution(step: StepPoint, call: TracedCall): EdgeResult[] {
  const condition: TracedCondition | null = step.condition
  const ran = step.outcome !== 'skipped' && step.outcome !== 'disabled'
  const properties = {
    type: `${step.type}Execution`,
    'stepDefinition-name': step.name,
    'stepDefinition-displayName': step.displayName,
    'stepDefinition-type': step.type.toLowerCase(),
    'stepDefinition-enabled': String(step.enabled),
    'stepDefinition-async': 'false',
    'stepDefinition-continueOnError': String(step.continueOnError),
    enforcement: step.side,
    internal: String(step.internal),
    ...(ran && { result: String(step.outcome !== 'fault') }),
    ...(condition !== null && { expression: condition.expression, expressionResult: String(condition.result) }),
    ...(step.fault !== null && { error: step.fault.text, 'fault.name': step.fault.name }),
    ...(ran && { 'duration.ms': step.tookMs.toFixed(3) }),
  }
  const results: EdgeResult[] = [debugInfo(call.receivedAtMs + step.atMs, Object.entries(properties))]
  if (!ran) return condition === null ? results : [...results, ...access(condition.accesses)]
  for (const at of [step.after.request, step.after.response, step.after.error]) {
    if (at !== null) results.push(edgeMessage(call.messages[at]!))
  }
  results.push(...access([...(condition?.accesses ?? []), ...step.accesses]))
  for (const callout of step.callouts) {
    const about = {
      'callout.url': callout.url,
      ...(callout.tookMs !== null && { 'callout.duration.ms': callout.tookMs.toFixed(3) }),
      ...(callout.error !== null && { 'callout.error': callout.error }),
    }
    results.push(debugInfo(call.receivedAtMs + callout.atMs, Object.entries(about)))
    results.push(edgeMessage(call.messages[callout.request]!))
    if (callout.answer !== null) results.push(edgeMessage(call.messages[callout.answer]!))
  }
  return results
}

/** Which masks hid something of this call, and which had nothing to hide. */
function maskPoint({ receivedAtMs, totalMs, masked, unmatched, leftOut }: TracedCall): EdgePoint {
  const properties: [string, string][] = [['SuccessFullyMaskedConfigs', masked.join(', ')]]
  if (unmatched.length > 0) properties.push(['NotMatchedConfigs', unmatched.join(', ')])
  if (leftOut > 0) properties.push(['PointsLeftOut', String(leftOut)])
  return { id: 'DebugMask', results: [debugInfo(receivedAtMs + totalMs, properties)] }
}

function debugInfo(ms: number, properties: readonly (readonly [string, string])[]): EdgeResult {
  return {
    ActionResult: 'DebugInfo',
    timestamp: edgeTime(ms),
    properties: { property: properties.map(([name, value]) => ({ name, value })) },
  }
}

function edgeMessage(message: TracedMessage): EdgeResult {
  const headers = message.headers.map(([name, value]) => ({ name, value }))
  const content = message.content ?? ''
  if (message.kind === 'request' && message.name !== 'error') {
    return { ActionResult: 'RequestMessage', verb: message.verb, uRI: message.uri, headers, content }
  }
  const ActionResult = message.name === 'error' ? 'ErrorMessage' : 'ResponseMessage'
  return { ActionResult, statusCode: String(message.status), reasonPhrase: message.reason, headers, content }
}

function access(accesses: readonly VariableAccess[]): EdgeResult[] {
  if (accesses.length === 0) return []
  return [{ ActionResult: 'VariableAccess', accessList: accesses.map(edgeAccess) }]
}

function edgeAccess({ do: kind, name, value, success }: VariableAccess): EdgeAccess {
  if (kind === 'remove') return { Remove: { name, success } }
  const shown = value ?? 'null'
  return kind === 'get' ? { Get: { name, value: shown } } : { Set: { name, value: shown, success } }
}
