import { isPromise } from '../../core/async.ts'
import type { LocalAddress } from '../../core/local-address.ts'
import { type Balancer, type Server, serverUrl, type Turn } from '../../engine/balancer.ts'
import { connectionTimeouts, retained, successCodes } from '../../engine/compile-target.ts'
import type { ConnectionTls } from '../../engine/connection-tls.ts'
import { BODY_BYTES_MAX } from '../../engine/content.ts'
import { applyEdits, compileEdits } from '../../engine/edits.ts'
import type { Edit } from '../../engine/edits-model.ts'
import { compileText, type Text } from '../../engine/edits-write.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import { compileLocal, type LocalTarget, localBase } from '../../engine/local-target.ts'
import { Message } from '../../engine/message.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import type { SuccessCodes } from '../../engine/plan.ts'
import { type CompileEnv, type OutboundAnswer, OutboundError, type OutboundRequest } from '../../engine/policy.ts'
import { isFlowMessage, type MessageReference } from '../../engine/variables.ts'
import type { SourceText } from '../../model/source.ts'
import type { CalloutFault } from './faults.ts'
import { InFlight } from './in-flight.ts'
import { type Config, DEFAULT_REQUEST } from './parse.ts'
import { calloutUrl, hostOf, keptHeaders, keptQuery, uriOf } from './request.ts'

type Env = CompileEnv<CalloutFault>

export function compileCallout(config: Config, env: Env): Step {
  // Without a connection there was an error, and this step never runs.
  return config.connection === null ? () => undefined : new Callout(config, config.connection, env).step
}

/** One ServiceCallout, compiled: what it sends, where, and what becomes of the answer. */
class Callout {
  readonly #config: Config
  readonly #env: Env
  readonly #request: MessageReference
  readonly #response: MessageReference | null
  readonly #edit: (x: Exchange, m: Message) => Fault | undefined
  readonly #url: Text
  /** Null: another server is called, no proxy of this gateway. */
  readonly #local: LocalTarget | null
  /** Null: the URL says where to. */
  readonly #balancer: Balancer | null
  readonly #tls: ConnectionTls | null
  readonly #success: SuccessCodes
  /** Of the messages, for traces. */
  readonly #names: { readonly request: string; readonly response: string }
  readonly #timeouts: { readonly connectTimeoutMs: number; readonly ioTimeoutMs: number }
  readonly #retainRequest: ReadonlySet<string> | null
  readonly #retainResponse: ReadonlySet<string> | null
  readonly #retainQuery: ReadonlySet<string> | null
  readonly #setsPath: boolean
  /** A request that does not exist yet may be made here. */
  readonly #mayMake: boolean
  readonly #inFlight = new InFlight()
  readonly #urlName: string
  readonly #certificateName: string
  readonly #failedName: string
  /** The name that the certificate must bear; null: that of the host. */
  readonly #expectedName: string | null
  /** The URL that this policy itself wrote into its variable; any other was set by a policy and is where the call goes. */
  readonly #written = new WeakMap<Exchange, string>()

  constructor(config: Config, connection: NonNullable<Config['connection']>, env: Env) {
    const { properties } = connection
    const { ignoreUnresolved } = config
    this.#config = config
    this.#env = env
    env.needContent(config.request)
    this.#request = env.message(config.request)
    this.#response = config.response === null ? null : env.message(config.response)
    this.#names = { request: config.request, response: config.response ?? 'servicecallout.response' }
    this.#setsPath = config.edits.some(writesPath)
    const { steps } = compileEdits(config.edits, env, {
      ignoreUnresolved,
      target: config.request,
      pathOfClientRequest: true,
      unresolved: (variable) => env.fault('ExecutionFailed', `unable to resolve variable ${variable}`),
      notMessage: (variable) => env.fault('ExecutionFailed', `value of variable ${variable} is not of type Message`),
      notSet: (variable, why) => env.fault('ExecutionFailed', `failed to set ${variable}: ${why}`),
    })
    this.#edit = (x, m) => applyEdits(steps, 0, steps.length, x, m)
    const hasSource = steps.length > 0 || ignoreUnresolved || config.request === DEFAULT_REQUEST
    this.#mayMake = hasSource && !isFlowMessage(config.request)
    this.#url = compileText(urlOf(connection), env, { ignoreUnresolved, dollar: true })
    const http = 'local' in connection ? null : connection
    this.#local =
      'local' in connection ? compileLocal(connection, (source) => env.template(source, { ignoreUnresolved })) : null
    this.#balancer = http === null ? null : env.balancer(http)
    this.#tls = http === null || this.#balancer !== null ? null : env.tls(http)
    this.#expectedName = http?.ssl?.commonName?.value ?? null
    this.#success = successCodes(properties['success.codes'])
    this.#timeouts = connectionTimeouts(properties)
    this.#retainRequest = retained(properties, 'request.retain.headers', lowerCase)
    this.#retainResponse = retained(properties, 'response.retain.headers', lowerCase)
    this.#retainQuery = retained(properties, 'retain.queryparams', (name) => name)
    this.#certificateName = `servicecallout.${env.policy.name}.expectedcn`
    this.#urlName = `servicecallout.${env.policy.name}.target.url`
    this.#failedName = `servicecallout.${env.policy.name}.failed`
  }

  readonly step: Step = (x) => {
    const message = this.#message(x)
    if (message instanceof Fault) return message
    const fault = this.#edit(x, message)
    if (fault !== undefined) return fault
    // A new one takes its name when it is whole: a fault leaves no half of a request behind.
    if (this.#request.get(x) !== message) this.#request.set(x, message)
    const turn = this.#turn(x)
    if (turn !== null && turn.next(x) === null) return this.#env.fault('ExecutionFailed', NO_ACTIVE_TARGETS)
    const url = this.#target(x, message, turn?.server ?? null)
    if (url instanceof Fault) {
      turn?.done()
      return url
    }
    const awaited = this.#response !== null
    if (!awaited && this.#inFlight.isFull) {
      // Nobody sees how such a call ends, but that it was never made can be seen.
      turn?.done()
      x.set(this.#failedName, true)
      return undefined
    }
    const local = this.#localAddress(x, url)
    if (local instanceof Fault) return local
    const outgoing = this.#outgoing(message, url, turn?.server ?? null, local)
    const answering = turn === null ? this.#env.outbound.call(x, outgoing) : this.#balanced(x, outgoing, turn)
    if (this.#config.clearPayload && message !== x.request) {
      message.body.set(null)
      message.spent = true
    }
    if (awaited)
      return isPromise(answering) ? answering.then((answer) => this.#settle(x, answer)) : this.#settle(x, answering)
    if (isPromise(answering)) this.#inFlight.add(answering)
    return undefined
  }

  /** The message to send: the one in the variable, or a new one under its name. */
  #message(x: Exchange): Message | Fault {
    const { name, get } = this.#request
    const value = get(x)
    if (value instanceof Message && !value.spent) {
      return value.kind === 'request' ? value : this.#env.fault('RequestVariableNotRequestMessageType', name)
    }
    if (!(value instanceof Message) && (value !== null || !this.#mayMake)) {
      return this.#env.fault('RequestVariableNotMessageType', name)
    }
    return new Message('request')
  }

  /** Null: the call goes to another server, as its connection or a policy has said. */
  #localAddress(x: Exchange, url: string): LocalAddress | Fault | null {
    return this.#local === null || /^https?:/.test(url) ? null : this.#local(x)
  }

  /** Null: there is no load balancer, or a policy has said where the call goes. */
  #turn(x: Exchange): Turn | null {
    if (this.#balancer === null) return null
    const given = x.get(this.#urlName)
    return given === null || given === this.#written.get(x) ? this.#balancer.turn() : null
  }

  /** One server after the other, until one answers, none is left, or retries are switched off. */
  async #balanced(x: Exchange, first: OutboundRequest, turn: Turn): Promise<OutboundAnswer | OutboundError> {
    let request = first
    for (;;) {
      const answer = await this.#env.outbound.call(x, request)
      const good = answer instanceof OutboundError ? NO_SERVERS_FAULT.has(answer.kind) : turn.answered(answer.status)
      const next = good || x.gone ? null : turn.failed(x)
      if (next === null) {
        turn.done()
        return answer
      }
      request = { ...request, url: next.base + uriOf(request.url), tls: next.tls }
      this.#tell(x, request.url)
    }
  }

  /** Where the call goes; the variables that tell of it are set. */
  #target(x: Exchange, message: Message, server: Server | null): string | Fault {
    const given = x.get(this.#urlName)
    let base: string | Fault
    if (given !== null && given !== this.#written.get(x)) base = toText(given)
    else base = typeof this.#url === 'string' ? this.#url : this.#url(x)
    if (base instanceof Fault) return base
    if (server !== null) base = serverUrl(server, base.trim())
    // The path of the client's own request is that of this proxy: it means nothing elsewhere.
    const path = message !== x.request || this.#setsPath ? message.path : ''
    const url = calloutUrl(base.trim(), path, keptQuery(message.query, this.#retainQuery))
    this.#tell(x, url)
    return url
  }

  #tell(x: Exchange, url: string): void {
    this.#written.set(x, url)
    x.set(this.#urlName, url)
    x.set('servicecallout.requesturi', uriOf(url))
    if (url.startsWith('https:')) x.set(this.#certificateName, this.#expectedName ?? hostOf(url))
  }

  #outgoing(message: Message, url: string, server: Server | null, local: LocalAddress | null): OutboundRequest {
    return {
      url,
      method: message.verb,
      headers: keptHeaders(message.headers.raw, this.#retainRequest),
      body: message.body.isEmpty ? null : message.bytes,
      local,
      tls: server === null ? this.#tls : server.tls,
      timeoutMs: this.#config.timeoutMs,
      connectTimeoutMs: this.#timeouts.connectTimeoutMs,
      ioTimeoutMs: this.#timeouts.ioTimeoutMs,
      answerBytesMax: BODY_BYTES_MAX,
      messages: this.#names,
    }
  }

  /** The answer is in its variable before the policy fails on its status, so that fault rules can read it. */
  #settle(x: Exchange, answer: OutboundAnswer | OutboundError): Outcome {
    if (answer instanceof OutboundError) return this.#env.fault('ExecutionFailed', reasonOf(answer))
    const { status, reason, headers, body } = answer
    const kept = this.#retainResponse === null ? headers : keptHeaders(headers, this.#retainResponse)
    this.#response?.set(x, Message.response(status, reason, kept, body.length === 0 ? null : body))
    if (!this.#success(status)) return this.#env.fault('ExecutionFailed', `ResponseCode ${status} is treated as error`)
    x.set(this.#failedName, false)
    return undefined
  }
}

/** What the address of a call begins with: the whole URL, the path behind a server of a balancer, or that of a local proxy. */
function urlOf(connection: NonNullable<Config['connection']>): SourceText {
  if ('local' in connection) return localBase(connection)
  return connection.url ?? connection.balancer?.path ?? { text: '', at: connection.at }
}

const NO_ACTIVE_TARGETS = 'The Service is temporarily unavailable'

/** Failures that no other server would mend. */
const NO_SERVERS_FAULT: ReadonlySet<OutboundError['kind']> = new Set(['url', 'too-big'])

const lowerCase = (name: string): string => name.toLowerCase()

function writesPath(edit: Edit): boolean {
  if (edit.edit === 'copy')
    return edit.selections.some((selection) => 'field' in selection && selection.field === 'Path')
  return edit.edit === 'set' && edit.writes.some((write) => 'field' in write && write.field === 'Path')
}

/** Why there is no answer, in Edge's words where they are known. */
const REASONS: Readonly<Record<OutboundError['kind'], (error: OutboundError) => string>> = {
  url: () => 'Host not reachable',
  unreachable: () => 'Host not reachable',
  tls: (error) => `SSL Handshake failed ${error.message}`,
  timeout: () => 'timed out',
  broken: () => 'Unexpected EOF at target',
  'too-big': (error) => error.message,
}

function reasonOf(error: OutboundError): string {
  return REASONS[error.kind](error)
}
