import { KeyValueStore } from '../catalog/key-value-maps.ts'
import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { LogFiles } from '../core/log-files.ts'
import { readBundle } from '../dialects/apigee/bundle.ts'
import { type Access, Refusal } from '../engine/access.ts'
import { compileProxy } from '../engine/compile.ts'
import type { EngineServices } from '../engine/compile-env.ts'
import { Exchange, type Phase } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import { takeFaultPath } from '../engine/fault-path.ts'
import type { Value } from '../engine/language/value.ts'
import { Message } from '../engine/message.ts'
import type { Outcome, Step } from '../engine/outcome.ts'
import type { EndpointPlan } from '../engine/plan.ts'
import {
  type Outbound,
  type OutboundAnswer,
  OutboundError,
  type OutboundRequest,
  type PolicyKind,
} from '../engine/policy.ts'
import { run } from '../engine/runner.ts'
import { defaultSettings } from '../model/deployment.ts'
import type { EnvironmentEntities } from '../model/entities.ts'
import { type Problem, problemLine } from '../model/problem.ts'
import { MemoryCache } from '../stores/memory/cache.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { MemoryServerStates } from '../stores/memory/server-states.ts'

/** A message of a test: what is left out is empty, GET or 200. */
export interface MessageGiven {
  readonly verb?: string
  readonly uri?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly content?: string
}

export interface RunOptions {
  readonly request?: MessageGiven
  readonly response?: MessageGiven
  readonly variables?: Readonly<Record<string, Value>>
  readonly phase?: Phase
  /** The policy runs in the fault flow of this fault. */
  readonly fault?: Fault
  readonly outbound?: Outbound
  readonly access?: Access
  readonly entities?: Partial<EnvironmentEntities>
  readonly pathSuffix?: string
  readonly counters?: Counters
  readonly cache?: Cache
  readonly maps?: KeyValueMaps
  readonly logFiles?: LogFiles
  readonly now?: () => number
  /** Resource files of the bundle: path below resources/ to content. */
  readonly resources?: Readonly<Record<string, string>>
}

export interface PolicyRun {
  readonly exchange: Exchange
  readonly outcome: Outcome
  readonly problems: readonly Problem[]
  /** The problems as `check` prints them, without place: `error: CODE: text`. */
  readonly problemLines: readonly string[]
  /** Runs the same steps once more on the same exchange. */
  again(): Promise<Outcome>
}

/**
 * Runs one policy (or several, one after the other, on one exchange) the way a deployment does: bundle, model, plan, step.
 * Nothing runs when a problem is an error.
 */
export async function runPolicy(
  kinds: PolicyKind | readonly PolicyKind[],
  xml: string | readonly string[],
  options: RunOptions = {},
): Promise<PolicyRun> {
  const { endpoint, steps, problems } = compilePolicies(kinds, xml, options)
  const exchange = exchangeOf(endpoint, options)
  if (options.fault !== undefined) await takeFaultPath(exchange, options.fault)
  const broken = problems.some((problem) => problem.severity === 'error')
  const again = async (): Promise<Outcome> => (broken ? undefined : run(steps, exchange))
  const problemLines = problems.map((problem) => problemLine(problem).replace(/^[^ ]+ /, ''))
  return { exchange, outcome: await again(), problems, problemLines, again }
}

function compilePolicies(
  kinds: PolicyKind | readonly PolicyKind[],
  xml: string | readonly string[],
  options: RunOptions,
): { endpoint: EndpointPlan; steps: readonly Step[]; problems: Problem[] } {
  const table = new Map((Array.isArray(kinds) ? kinds : [kinds as PolicyKind]).map((kind) => [kind.element, kind]))
  const policies = typeof xml === 'string' ? [xml] : xml
  const files = new Map<string, string>()
  for (const [i, text] of policies.entries()) files.set(`apiproxy/policies/p${i}.xml`, text)
  for (const [path, text] of Object.entries(options.resources ?? {})) files.set(`apiproxy/resources/${path}`, text)
  const names = policies.map((text) => /^\s*<\w+[^>]*\sname=["']([^"']*)/.exec(text)?.[1] ?? '')
  files.set('apiproxy/proxies/default.xml', proxyEndpoint(names))
  const read = readBundle(files, table, { name: 'test' })
  const services: EngineServices = {
    outbound: options.outbound ?? outboundStub().outbound,
    access: options.access ?? { open: () => ({ ask: () => new Refusal('authFailed', 'nobody_is_asked') }) },
    counters: options.counters ?? new MemoryCounters(MemoryCounters.allocate({ slots: 4_096 }), 1),
    cache: options.cache ?? new MemoryCache({ now: options.now ?? (() => NOW_MS) }),
    logFiles: options.logFiles ?? { write: () => undefined },
    servers: new MemoryServerStates(MemoryServerStates.allocate(64)),
    maps: options.maps ?? new KeyValueStore({ documents: new MemoryDocuments(), now: Date.now }),
    now: options.now ?? (() => NOW_MS),
  }
  const deployed = { proxy: read.draft, serviceId: null, throttle: null }
  const settings = { ...defaultSettings, entities: { ...defaultSettings.entities, ...options.entities } }
  const { plan, problems } = compileProxy(deployed, settings, table, services)
  const endpoint = plan.endpoints[0]
  if (endpoint === undefined) throw new Error(`no endpoint: ${read.problems.map(problemLine).join('\n')}`)
  return { endpoint, steps: endpoint.request ?? [], problems: [...read.problems, ...problems] }
}

const NOW_MS = Date.UTC(2026, 0, 1)

function proxyEndpoint(policies: readonly string[]): string {
  const steps = policies.map((name) => `<Step><Name>${name}</Name></Step>`).join('')
  const connection = '<HTTPProxyConnection><BasePath>/test</BasePath></HTTPProxyConnection>'
  const flow = `<PreFlow name="PreFlow"><Request>${steps}</Request></PreFlow>`
  return `<ProxyEndpoint name="default">${flow}${connection}<RouteRule name="none"/></ProxyEndpoint>`
}

function exchangeOf(endpoint: EndpointPlan, options: RunOptions): Exchange {
  const client = { address: '127.0.0.1', port: 50_000, secure: false, host: 'gateway.test', localPort: 8080 }
  const request = messageOf('request', { uri: '/test', ...options.request })
  const x = new Exchange('0'.repeat(32), endpoint, client, request, '/test', options.pathSuffix ?? '', 1, NOW_MS, 1)
  if (options.response !== undefined) x.response = messageOf('response', options.response)
  if (options.phase !== undefined) x.phase = options.phase
  for (const [name, value] of Object.entries(options.variables ?? {})) x.set(name, value)
  return x
}

/** A message as a test gives it. */
export function messageOf(kind: 'request' | 'response', given: MessageGiven): Message {
  const message = new Message(kind)
  message.verb = given.verb ?? 'GET'
  message.uri = given.uri ?? ''
  if (given.status !== undefined) message.status = given.status
  for (const [name, value] of Object.entries(given.headers ?? {})) message.headers.add(name, value)
  if (given.content !== undefined) message.body.set(given.content)
  return message
}

export interface OutboundStub {
  readonly outbound: Outbound
  readonly requests: OutboundRequest[]
}

/** Stands for other servers: keeps what is sent and gives `answer`, at once or (`later`) in a later turn. */
export function outboundStub(
  answer: Partial<Omit<OutboundAnswer, 'body'> & { body: string }> | OutboundError = {},
  later = true,
): OutboundStub {
  const requests: OutboundRequest[] = []
  const made =
    answer instanceof OutboundError
      ? answer
      : { status: 200, reason: 'OK', headers: [], ...answer, body: Buffer.from(answer.body ?? '') }
  const call: Outbound['call'] = (_, request) => {
    requests.push(request)
    return later ? Promise.resolve(made) : made
  }
  return { outbound: { call }, requests }
}
