import type { ApiMatch } from '../apig/router.ts'
import type { BodySource } from '../core/body.ts'
import { apigFault } from '../engine/apig-faults.ts'
import type { OutgoingSpan } from '../engine/call-trace.ts'
import { loadContent } from '../engine/content.ts'
import { Exchange } from '../engine/exchange.ts'
import { Fault } from '../engine/fault.ts'
import { takeFaultPath } from '../engine/fault-path.ts'
import { Message } from '../engine/message.ts'
import type { Outcome } from '../engine/outcome.ts'
import { platformFault } from '../engine/platform-faults.ts'
import { run } from '../engine/runner.ts'
import type {
  Downstream,
  FinishListener,
  UpstreamClient,
  UpstreamError,
  UpstreamFailure,
  UpstreamRequest,
} from '../wire/types.ts'
import { sendAnswer, setAnswerHeaders } from './answer.ts'
import { missOf } from './api-misses.ts'
import type { Call } from './call.ts'
import { callOf, clientOf, requestOf } from './incoming.ts'
import { KeptBodies } from './kept-bodies.ts'
import { TooLargeError } from './limited-body.ts'
import { FORWARDS_MAX } from './loop-guard.ts'
import { noRoute, ownError } from './own-errors.ts'
import type { Match } from './route.ts'
import type { Served } from './served.ts'
import { BODY_TOO_LARGE, overLimit } from './size-limits.ts'
import type { Snapshot } from './snapshot.ts'
import { TargetCall, type TargetListener } from './target-call.ts'
import { isKept, isStreamed, rerouted, targetFault, targetRequest } from './target-request.ts'
import type { Tracing } from './telemetry/tracing.ts'
import { openTunnel } from './tunnel.ts'

/** One stage of a call: does its part and names the next one; null when the call waits for an event or is done. */
type Stage = (life: Life, call: Call) => Next
type Next = Stage | null | Promise<Stage | null>

/** What the life of a request needs from the thread it runs in. */
export interface LifeServices {
  readonly client: UpstreamClient
  /** Null: no spans are exported. */
  readonly tracing: Tracing | null
  nextId(): string
  /** The call is over: count it. `gone`: the client left before its answer was out. */
  finished(call: Call, gone: boolean): void
  /** The call went through too many gateways. */
  looped(call: Call): void
  /** A bug: something threw where faults are returned. */
  crashed(call: Call, error: unknown): void
}

/**
 * The life of a request, in the order in which it happens:
 *
 *   accept -> guardLoops -> route -> access -> throttle -> requestFlows -> chooseTarget -> targetRequestFlows -> sendToTarget
 *     ... the target answers ... -> judgeAnswer -> targetResponseFlows -> responseFlows -> answer
 *         or, when it answers 101 to a request for a WebSocket: tunnel
 *     ... the answer is out ... -> finish (PostClientFlow, the record)
 *
 * A fault anywhere goes to `faultPath`, and from there to `answer`.
 */
export class Life {
  readonly services: LifeServices
  snapshot: Snapshot

  constructor(services: LifeServices, snapshot: Snapshot) {
    this.services = services
    this.snapshot = snapshot
  }

  /** A request has come in. */
  accept(down: Downstream): void {
    this.#begin(callOf(down, this.snapshot, this.services.nextId()))
  }

  /** A proxy calls another one, which was found already. */
  acceptLocal(down: Downstream, match: Match): void {
    const call = callOf(down, this.snapshot, this.services.nextId())
    call.match = match
    this.#begin(call)
  }

  #begin(call: Call): void {
    call.down.finishListener = new Finish(this, call)
    const { tracing } = this.services
    if (tracing !== null) call.trace = tracing.begin(call.down.rawHeaders, call.id)
    this.advance(call, guardLoops)
  }

  /** Runs stages until one waits. Synchronous as long as they are. */
  advance(call: Call, stage: Stage | null): void {
    let next: Next = stage
    try {
      while (next !== null) {
        if (next instanceof Promise) {
          next.then(
            (late) => this.advance(call, late),
            (error) => this.#crash(call, error),
          )
          return
        }
        if (call.over) return
        next = next(this, call)
      }
    } catch (error) {
      this.#crash(call, error)
    }
  }

  /** The answer is out, or the client is gone: end what still runs for it, then the PostClientFlow and the record. */
  over(call: Call, gone: boolean): void {
    if (call.over) return
    call.over = true
    const { x } = call
    if (x !== null) {
      x.answerSentAt = performance.now()
      x.gone = gone
    }
    if (gone) call.target?.abort()
    call.turn?.done()
    const steps = x?.endpoint.postClient ?? null
    if (x === null || steps === null) return this.services.finished(call, gone)
    x.phase = 'post-client'
    const record = (): void => this.services.finished(call, gone)
    const crash = (error: unknown): void => {
      this.services.crashed(call, error)
      record()
    }
    try {
      const outcome = run(steps, x)
      if (outcome instanceof Promise) outcome.then(record, crash)
      else record()
    } catch (error) {
      crash(error)
    }
  }

  #crash(call: Call, error: unknown): void {
    this.services.crashed(call, error)
    if (call.over) return
    call.target?.abort()
    // What cannot be sent is found out before it is handed over: then there can still be an answer.
    if (!call.down.unanswered) return call.down.abort()
    ownError(call, platformFault('messaging.runtime.ExecutionFailed', call.id))
  }
}

const guardLoops: Stage = (life, call) => {
  if (call.forwardCount <= FORWARDS_MAX) return route
  life.services.looped(call)
  ownError(call, LOOP, 'apig')
  return null
}

const LOOP = apigFault('Loop')

const route: Stage = (_life, call) => {
  const { snapshot, down, path } = call
  if (call.match !== null) return beginAt(call, call.match)
  const found = snapshot.apis.isEmpty ? null : snapshot.apis.find(call.host, call.stage, down.method, path)
  if (found !== null && typeof found === 'object') {
    const { state, entry } = found
    state.method = down.method
    state.query = call.query
    return begin(call, entry, path, '', state)
  }
  const match = snapshot.apis.has(call.host) ? null : snapshot.router.find(call.host, path, down.method, call.query)
  if (match !== null) return beginAt(call, match)
  const stray = snapshot.apis.stray(call.host)
  if (found !== null || stray !== null || snapshot.apis.has(call.host)) {
    const miss = missOf(found)
    if (stray !== null) return lost(call, stray, miss)
    ownError(call, miss, 'apig')
    return null
  }
  noRoute(call)
  return null
}

/** The group of the host has no such API, and words such errors itself. */
function lost(call: Call, { entry, state }: ApiMatch<Served>, miss: Fault): Next {
  state.method = call.down.method
  state.query = call.query
  begin(call, entry, call.path, '', state)
  return faultPath(miss)
}

const beginAt = (call: Call, { served, basePath, pathSuffix }: Match): Next =>
  begin(call, served, basePath, pathSuffix, null)

/** The request belongs to an endpoint: from here on there is an exchange. */
function begin(call: Call, served: Served, basePath: string, pathSuffix: string, dialectState: unknown): Stage {
  const { down } = call
  const request = requestOf(call, requestBody(call))
  const client = clientOf(call)
  const recording = served.recorder === null ? null : served.recorder.begin(call, request)
  if (recording !== null) served = recording.served
  call.served = served
  call.recording = recording
  call.x =
    recording === null
      ? new Exchange(
          call.id,
          served.endpoint,
          client,
          request,
          basePath,
          pathSuffix,
          call.forwardCount,
          call.receivedAtMs,
          down.receivedAtMs,
        )
      : recording.exchange(client, request, basePath, pathSuffix)
  call.x.dialectState = dialectState
  call.x.trace = call.trace
  if (served.access === null && served.gate?.limitsCallers) call.x.callerGate = call
  const tooBig = overLimit(call, served.endpoint.proxy.deployed.proxy.dialect)
  if (tooBig !== null) return faultPath(tooBig)
  return served.access === null ? (served.gate === null ? requestFlows : throttle) : access
}

function requestBody(call: Call): BodySource | null {
  const { body } = call.down
  if (!call.snapshot.settings.recentCalls.bodies) return body
  call.bodies = new KeptBodies()
  return body === null ? null : call.bodies.request(body)
}

/** Who calls, and whether that one may: before the throttles, since they count callers. */
const access: Stage = (_life, call) =>
  through(call, call.served!.access, call.served!.gate === null ? requestFlows : throttle)

const throttle: Stage = (_life, call) => {
  const refused = call.served!.gate!.admit(call)
  if (refused instanceof Promise) return refused.then((late) => (late === undefined ? requestFlows : faultPath(late)))
  return refused === undefined ? requestFlows : faultPath(refused)
}

/** Runs the steps of a segment and names the stage after it; a fault or a reply goes its own way. */
function through(call: Call, steps: Parameters<typeof run>[0] | null, next: Stage): Next {
  if (steps === null) return next
  const outcome = run(steps, call.x!)
  if (outcome === undefined) return next
  if (outcome instanceof Promise) return outcome.then((late) => after(call, late, next))
  return after(call, outcome, next)
}

function after(call: Call, outcome: Outcome, next: Stage): Stage {
  if (outcome === undefined) return next
  if (outcome instanceof Fault) return faultPath(outcome)
  const x = call.x!
  x.response = outcome.message
  x.answeredBy = 'policy'
  x.phase = 'proxy-response'
  return outcome.flows ? responseFlows : answer
}

const requestFlows: Stage = (_life, call) => through(call, call.x!.endpoint.request, chooseTarget)

const chooseTarget: Stage = (_life, call) => chooseFrom(call, 0)

function chooseFrom(call: Call, from: number): Next {
  const x = call.x!
  const { routes } = x.endpoint
  for (let i = from; i < routes.length; i++) {
    const rule = routes[i]!
    if (rule.needs !== 0) {
      const loading = loadContent(x, rule.needs)
      if (loading instanceof Promise)
        return loading.then((fault) => (fault === undefined ? again(i) : faultPath(fault)))
      if (loading !== undefined) return faultPath(loading)
    }
    if (rule.test !== null && !rule.test(x)) continue
    x.routeName = rule.name
    x.target = rule.target
    if (rule.target === null) return echo
    x.phase = 'target-request'
    return targetRequestFlows
  }
  return faultPath(platformFault('messaging.runtime.RouteFailed'))
}

const again =
  (from: number): Stage =>
  (_life, call) =>
    chooseFrom(call, from)

/** No target: the request's headers and payload become the answer, as on Edge. */
const echo: Stage = (_life, call) => {
  const x = call.x!
  if (x.response === null) {
    const { request } = x
    const content = request.body.content
    x.response = Message.streaming('response', request.headers.raw, content === null ? request.body.takeSource() : null)
    if (content !== null) x.response.body.set(content)
  }
  x.phase = 'proxy-response'
  x.answeredBy = 'policy'
  return responseFlows
}

const targetRequestFlows: Stage = (_life, call) => through(call, call.x!.target!.request, sendToTarget)

const sendToTarget: Stage = (_life, call) => {
  const x = call.x!
  const { balancer, needs } = x.target!
  // An explicit target.url is where the call goes, whatever the target says.
  if (balancer !== null && x.targetUrl === null) {
    call.turn = balancer.turn()
    if (call.turn.next(x) === null) return faultPath(NO_ACTIVE_TARGETS)
  }
  if (needs === 0) return sendFirst
  const loading = loadContent(x, needs)
  if (loading instanceof Promise) return loading.then((fault) => (fault === undefined ? sendFirst : faultPath(fault)))
  return loading === undefined ? sendFirst : faultPath(loading)
}

const NO_ACTIVE_TARGETS = platformFault('messaging.adaptors.http.flow.NoActiveTargets')

const sendFirst: Stage = (life, call) => {
  const x = call.x!
  const request = targetRequest(call, x, x.target!)
  if (request instanceof Fault) return faultPath(request)
  x.forwarded = true
  return send(life, call, request)
}

function send(life: Life, call: Call, request: UpstreamRequest): null {
  const { trace } = call
  const span = trace === null ? null : trace.begin(request.method, request.headers[1]!)
  call.x!.targetSentAt = performance.now()
  call.target = new TargetCall(new Answered(life, call, request, span))
  call.target.send(
    life.services.client,
    span === null ? request : { ...request, headers: trace!.headersFor(span, request.headers) },
  )
  return null
}

/** The server of a load balancer failed: the same request to the next one. Null: there is none, or it cannot be sent again. */
function sendAgain(call: Call, request: UpstreamRequest): Stage | null {
  const x = call.x!
  const server = call.turn?.failed(x, !isStreamed(request)) ?? null
  if (server === null) return null
  const next = rerouted(call, request, server)
  return next === null ? null : (life) => send(life, call, next)
}

/** The transport has told the end of a call. */
class Finish implements FinishListener {
  readonly #life: Life
  readonly #call: Call

  constructor(life: Life, call: Call) {
    this.#life = life
    this.#call = call
  }

  onFinish(how: 'sent' | 'gone'): void {
    this.#life.over(this.#call, how === 'gone')
  }
}

/** The target has answered, or cannot. */
class Answered implements TargetListener {
  readonly #life: Life
  readonly #call: Call
  readonly #request: UpstreamRequest
  readonly #span: OutgoingSpan | null

  constructor(life: Life, call: Call, request: UpstreamRequest, span: OutgoingSpan | null) {
    this.#life = life
    this.#call = call
    this.#request = request
    this.#span = span
  }

  onAnswer(status: number, reason: string, headers: string[], body: BodySource | null): void {
    const x = this.#call.x!
    this.#span?.end(status)
    if (this.#call.turn?.answered(status) === false) {
      const again = sendAgain(this.#call, this.#request)
      if (again !== null) {
        this.#call.target?.abort()
        return this.#life.advance(this.#call, again)
      }
    }
    x.targetReceivedAt = performance.now()
    this.#call.targetStatus = status
    const keep = status === 101 ? null : x.target!.retainResponseHeaders
    x.response = Message.streaming(
      'response',
      keep === null ? headers : keptHeaders(headers, keep),
      status === 101 ? null : body,
    )
    x.response.status = status
    x.response.reason = reason
    x.phase = 'target-response'
    this.#life.advance(this.#call, status === 101 ? tunnel : judgeAnswer)
  }

  onFailure(error: UpstreamError): void {
    this.#span?.end(0, error.kind)
    const again = CLIENTS_FAULT.has(error.kind)
      ? null
      : (sendAgain(this.#call, this.#request) ?? retry(this.#call, this.#request))
    const tooLarge = error.cause instanceof TooLargeError
    this.#life.advance(
      this.#call,
      again ??
        faultPath(tooLarge ? BODY_TOO_LARGE : targetFault(error, this.#call.x!.endpoint.proxy.deployed.proxy.dialect)),
    )
  }
}

/** Failures that no other server would mend. */
const CLIENTS_FAULT: ReadonlySet<UpstreamFailure> = new Set(['body', 'aborted', 'bad-request'])

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE'])

/** The same request to the same place, as often as the target says. Null: it was, or it cannot be sent again. */
function retry(call: Call, request: UpstreamRequest): Stage | null {
  const { retries = 0 } = call.x!.target!
  const times = retries >= 0 ? retries : IDEMPOTENT.has(request.method) ? 1 : 0
  if (call.retries >= times || isStreamed(request)) return null
  call.retries++
  return (life) => send(life, call, request)
}

function keptHeaders(raw: readonly string[], keep: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (isKept(raw[i]!.toLowerCase(), keep)) kept.push(raw[i]!, raw[i + 1]!)
  }
  return kept
}

/** A status outside success.codes is an error of the target; its answer goes out unless a fault rule changes it. */
const judgeAnswer: Stage = (_life, call) => {
  const x = call.x!
  const response = x.response!
  if (x.target!.success(response.status)) {
    x.answeredBy = 'target'
    return targetResponseFlows
  }
  const text = `The target answered ${response.status}`
  return faultPath(new Fault(ERROR_RESPONSE, response.status, text, 'target', response, response.reason))
}

/** The response flows do not run: there is no response that they could change. */
const tunnel: Stage = (_life, call) => {
  const x = call.x!
  x.answeredBy = 'target'
  x.phase = 'proxy-response'
  x.answerStartedAt = performance.now()
  openTunnel(call)
  return null
}

const ERROR_RESPONSE = 'messaging.adaptors.http.flow.ErrorResponseCode'

const targetResponseFlows: Stage = (_life, call) => through(call, call.x!.target!.response, toResponseFlows)

const toResponseFlows: Stage = (_life, call) => {
  call.x!.phase = 'proxy-response'
  return responseFlows
}

const responseFlows: Stage = (_life, call) => through(call, call.x!.endpoint.response, answer)

const faultPath =
  (fault: Fault): Stage =>
  (_life, call) => {
    const done = takeFaultPath(call.x!, fault)
    return done instanceof Promise ? done.then(() => answer) : answer
  }

const answer: Stage = (_life, call) => {
  const x = call.x!
  x.answerStartedAt = performance.now()
  const message = x.fault === null ? x.responseNow : (x.error ?? x.responseNow)
  if (x.answerHeaders !== null) setAnswerHeaders(message, x.answerHeaders)
  sendAnswer(call, message)
  return null
}
