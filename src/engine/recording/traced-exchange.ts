import type { Property } from '../../model/traced-call.ts'
import type { Client } from '../exchange.ts'
import { Exchange } from '../exchange.ts'
import type { Fault } from '../fault.ts'
import type { Value } from '../language/value.ts'
import type { Message } from '../message.ts'
import type { EndpointPlan } from '../plan.ts'
import type { CallRecorder } from './call-recorder.ts'

/**
 * The exchange of a call that a debug session records. It tells its recorder of the marks that the life of a request leaves in it
 * (`phase`, `flowName`, `fault`, ...), so that neither the life nor the plan of other calls has anything to ask.
 */
export class TracedExchange extends Exchange {
  readonly recorder: CallRecorder

  constructor(
    recorder: CallRecorder,
    id: string,
    endpoint: EndpointPlan,
    client: Client,
    request: Message,
    basePath: string,
    pathSuffix: string,
    forwardCount: number,
    receivedAtMs: number,
    receivedAt: number,
  ) {
    super(id, endpoint, client, request, basePath, pathSuffix, forwardCount, receivedAtMs, receivedAt)
    this.recorder = recorder
    recorder.messages.watch(request)
    recorder.state('REQ_HEADERS_PARSED', recorder.messages.of('request', this), receivedAt)
    recorder.flow(beginning(this))
    for (const [mark, seen] of MARKS) watch(this, mark, seen)
  }

  override get(name: string): Value {
    const value = super.get(name)
    this.recorder.read(name, value)
    return value
  }

  override set(name: string, value: Value): void {
    super.set(name, value)
    this.recorder.wrote(name, value, true)
  }

  override unset(name: string): void {
    super.unset(name)
    this.recorder.removed(name)
  }
}

/** Of an exchange that a recording plan runs. */
export const recorderOf = (x: Exchange): CallRecorder => (x as TracedExchange).recorder

function beginning(x: TracedExchange): Property[] {
  const { endpoint, client } = x
  const { settings, name, revision } = endpoint.proxy
  return [
    ['organization.name', settings.organization],
    ['environment.name', settings.environment],
    ['apiproxy.name', name],
    ['apiproxy.revision', String(revision)],
    ['proxy.name', endpoint.name],
    ['proxy.basepath', endpoint.basePath],
    ['proxy.pathsuffix', x.pathSuffix],
    ['messageid', x.id],
    ['client.ip', client.address],
    ['client.host', client.host],
    ['X-Apig-count', String(x.forwardCount)],
  ]
}

type Mark = 'phase' | 'flowName' | 'fault' | 'error' | 'response' | 'targetSentAt' | 'answerSentAt'
type Seen<M extends Mark> = (x: TracedExchange, value: Exchange[M], before: Exchange[M]) => void

/** What each mark means, in Edge's names of the stages. */
const SEEN: { readonly [M in Mark]: Seen<M> } = {
  phase: (x, phase, before) => PHASES[phase](x, before),
  flowName: (x, name, before) => {
    if (name === before || name === '') return
    const side = x.phase.startsWith('target') ? 'target' : 'proxy'
    x.recorder.flow([
      [`${side}.flow.name`, name],
      ['current.flow.name', name],
    ])
  },
  fault: (x, fault, before) => {
    if (fault !== null && fault !== before) x.recorder.error(fault, STATES[x.phase])
  },
  error: (x, error) => {
    if (error !== null) x.recorder.errorMessage(x.recorder.messages.of('error', x))
  },
  response: (x, response) => {
    if (response !== null) x.recorder.messages.watch(response)
  },
  targetSentAt: (x, at) => {
    x.recorder.flow([
      ['route.name', x.routeName ?? ''],
      ['target.name', x.target?.name ?? ''],
      ['target.url', x.sentUrl ?? ''],
    ])
    x.recorder.state('REQ_SENT', x.recorder.messages.of('request', x), at)
  },
  answerSentAt: (x, at) => {
    const { messages } = x.recorder
    x.recorder.state('RESP_SENT', x.fault === null ? messages.of('response', x) : messages.of('error', x), at)
    x.recorder.state('END', null, at)
  },
}

const MARKS = Object.entries(SEEN) as [Mark, (x: TracedExchange, value: unknown, before: unknown) => void][]

function watch(
  x: TracedExchange,
  mark: Mark,
  seen: (x: TracedExchange, value: unknown, before: unknown) => void,
): void {
  let value: unknown = x[mark]
  Object.defineProperty(x, mark, {
    get: () => value,
    set: (next: unknown) => {
      const before = value
      value = next
      seen(x, next, before)
    },
  })
}

/** Edge's name of the segment in which something happened (`error.state`). */
const STATES: Readonly<Record<Exchange['phase'], string>> = {
  'proxy-request': 'PROXY_REQ_FLOW',
  'target-request': 'TARGET_REQ_FLOW',
  'target-response': 'TARGET_RESP_FLOW',
  'proxy-response': 'PROXY_RESP_FLOW',
  'post-client': 'PROXY_POST_RESP_SENT',
}

const ECHO = {
  name: 'EchoRequest',
  displayName: 'EchoRequest',
  type: 'EchoRequest',
  enabled: true,
  continueOnError: false,
  internal: true,
  expression: null,
}

const PHASES: Readonly<Record<Exchange['phase'], (x: TracedExchange, before: Exchange['phase']) => void>> = {
  'proxy-request': () => {},
  'target-request': (x) => x.recorder.state('TARGET_REQ_FLOW', x.recorder.messages.of('request', x)),
  'target-response': (x) => {
    const response = x.recorder.messages.of('response', x)
    x.recorder.state('RESP_START', response, x.targetReceivedAt)
    x.recorder.state('TARGET_RESP_FLOW', response)
  },
  'proxy-response': (x, before) => {
    // A route without a target: the request is the answer.
    if (before === 'proxy-request' && x.routeName !== null && x.target === null) {
      x.recorder.stepEnds(x, x.recorder.stepBegins(x, ECHO), 'done', null)
    }
    x.recorder.state('PROXY_RESP_FLOW', x.recorder.messages.of('response', x))
  },
  'post-client': (x) => x.recorder.state('PROXY_POST_RESP_SENT', null),
}

export type { Fault }
