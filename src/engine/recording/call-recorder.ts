import {
  ACCESSES_MAX,
  POINTS_MAX,
  type Property,
  type StepOutcome,
  type StepPoint,
  type TracedCallout,
  type TracedFault,
  type TracePoint,
  type VariableAccess,
} from '../../model/traced-call.ts'
import type { Exchange } from '../exchange.ts'
import type { Fault } from '../fault.ts'
import { toText, type Value } from '../language/value.ts'
import { Message } from '../message.ts'
import { type OutboundAnswer, OutboundError, type OutboundRequest } from '../policy.ts'
import { messageChanges } from './message-changes.ts'
import { MessageLog } from './message-log.ts'

/** Beyond what is shown there is some more, so that a secret at the edge is still found whole. */
export const RAW_CHARS_MAX: number = 80 * 1024
/** Of all values of one call. */
const VALUES_CHARS_MAX = 4 * 1024 * 1024

/** What a recorded step tells of itself; made once, at deploy. */
export interface StepInfo {
  readonly name: string
  readonly displayName: string
  readonly type: string
  readonly enabled: boolean
  readonly continueOnError: boolean
  readonly internal: boolean
  /** Of its condition, as it is shown; null: it has none. */
  readonly expression: string | null
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A step that runs now; becomes its point. */
export interface OpenStep extends Writable<Omit<StepPoint, 'accesses' | 'callouts'>> {
  readonly accesses: VariableAccess[]
  readonly callouts: Writable<TracedCallout>[]
}

/**
 * Collects what one call does. Everything in it is as it was, secrets included: it lives only as long as the call, and what is
 * kept or sent of it goes through `maskedCall` first.
 */
export class CallRecorder {
  readonly points: TracePoint[] = []
  readonly messages: MessageLog
  leftOut = 0
  readonly #open: OpenStep[] = []
  readonly #receivedAt: number
  #state = 'REQ_START'
  /** Of a condition that is decided now; null: accesses belong to the innermost step. */
  #condition: VariableAccess[] | null = null
  /** Accesses are those of an accessor that is recorded itself. */
  #quiet = 0
  #room = VALUES_CHARS_MAX
  #paused = false
  #over = false

  /** `keptMax`: bytes of each body; `receivedAt` on the monotonic clock. */
  constructor(keptMax: number, receivedAt: number) {
    this.messages = new MessageLog(keptMax)
    this.#receivedAt = receivedAt
  }

  /** Milliseconds since the call was received. */
  get nowMs(): number {
    return performance.now() - this.#receivedAt
  }

  add(point: TracePoint): void {
    if (this.points.length < POINTS_MAX) this.points.push(point)
    else this.leftOut++
  }

  /** The call has come to another stage; `at` on the monotonic clock, where it is not now. */
  state(to: string, message: number | null, at: number = performance.now()): void {
    this.add({ kind: 'state', atMs: at - this.#receivedAt, from: this.#state, to, message })
    this.#state = to
  }

  flow(properties: readonly Property[]): void {
    this.add({ kind: 'flow', atMs: this.nowMs, properties })
  }

  /** Decides by `test` and records what it read. */
  decide(x: Exchange, tree: string, of: string, expression: string, test: (x: Exchange) => boolean): boolean {
    const atMs = this.nowMs
    const { result, accesses } = this.#listen(x, test)
    this.add({ kind: 'condition', atMs, tree, of, condition: { expression, result, accesses } })
    return result
  }

  /** The same of the condition of a step. */
  decideStep(open: OpenStep, x: Exchange, expression: string, test: (x: Exchange) => boolean): boolean {
    const { result, accesses } = this.#listen(x, test)
    open.condition = { expression, result, accesses }
    return result
  }

  #listen(x: Exchange, test: (x: Exchange) => boolean): { result: boolean; accesses: readonly VariableAccess[] } {
    const accesses: VariableAccess[] = []
    this.#condition = accesses
    try {
      return { result: test(x), accesses }
    } finally {
      this.#condition = null
    }
  }

  stepBegins(x: Exchange, info: StepInfo): OpenStep {
    const atMs = this.nowMs
    const before = this.messages.at(x)
    const open: OpenStep = {
      kind: 'step',
      atMs,
      tookMs: 0,
      name: info.name,
      displayName: info.displayName,
      type: info.type,
      enabled: info.enabled,
      continueOnError: info.continueOnError,
      side: isRequestSide(x) ? 'request' : 'response',
      phase: x.phase,
      internal: info.internal,
      depth: this.#open.length,
      condition: null,
      outcome: 'open',
      fault: null,
      waited: false,
      accesses: [],
      accessesLeftOut: 0,
      before,
      after: before,
      callouts: [],
    }
    this.add(open)
    this.#open.push(open)
    return open
  }

  /** `outcome` of the step; its own faults are told apart from none. */
  stepEnds(x: Exchange, open: OpenStep, how: StepOutcome, fault: Fault | null): void {
    open.tookMs = this.nowMs - open.atMs
    open.outcome = how
    open.fault = fault === null ? null : factsOf(fault)
    const at = this.#open.indexOf(open)
    if (at >= 0) this.#open.length = at
    open.after = this.messages.at(x)
    for (const change of messageChanges(this.messages.copies, open.before, open.after)) this.#put(open, change)
  }

  /** The innermost step has begun to wait. Null: something around it waits already. */
  pauses(open: OpenStep): boolean {
    open.waited = true
    if (this.#paused) return false
    this.#paused = true
    this.add({ kind: 'paused', atMs: this.nowMs })
    return true
  }

  resumes(): void {
    this.#paused = false
    this.add({ kind: 'resumed', atMs: this.nowMs })
  }

  error(fault: Fault, state: string, properties: readonly Property[] = []): void {
    this.add({ kind: 'error', atMs: this.nowMs, state, fault: factsOf(fault), message: null, properties })
  }

  /** The error message of the last fault is there. */
  errorMessage(message: number | null): void {
    const at = this.points.findLastIndex((point) => point.kind === 'error')
    const point = this.points[at]
    if (point?.kind === 'error' && point.message === null) this.points[at] = { ...point, message }
  }

  /** Reads by `get` and records that, and nothing that it reads itself. */
  reading(name: string, get: () => Value): Value {
    const value = this.#quietly(get)
    this.read(name, value)
    return value
  }

  writing(name: string, value: Value, set: () => boolean): boolean {
    const success = this.#quietly(set)
    this.wrote(name, value, success)
    return success
  }

  #quietly<T>(what: () => T): T {
    this.#quiet++
    try {
      return what()
    } finally {
      this.#quiet--
    }
  }

  read(name: string, value: Value): void {
    this.#access({ do: 'get', name, value: this.#text(value), success: true })
  }

  wrote(name: string, value: Value, success: boolean): void {
    if (value === null && success) this.removed(name)
    else this.#access({ do: 'set', name, value: this.#text(value), success })
  }

  removed(name: string): void {
    this.#access({ do: 'remove', name, value: null, success: true })
  }

  /** A step calls another server; gives what hears of the answer. */
  callout(request: OutboundRequest): (answer: OutboundAnswer | OutboundError) => void {
    const open = this.#open.at(-1)
    const names = request.messages ?? DEFAULT_NAMES
    const sent = this.messages.addSent(names.request, request.method, request.url, request.headers, request.body)
    if (open === undefined || sent === null) return () => {}
    const callout: Writable<TracedCallout> = {
      atMs: this.nowMs,
      tookMs: null,
      url: request.url,
      request: sent,
      answer: null,
      error: null,
    }
    open.callouts.push(callout)
    return (answer) => {
      if (this.#over) return
      callout.tookMs = this.nowMs - callout.atMs
      if (answer instanceof OutboundError) callout.error = `${answer.kind}: ${answer.message}`
      else {
        const { status, reason, headers, body } = answer
        callout.answer = this.messages.addAnswer(names.response, status, reason, headers, body)
      }
    }
  }

  /** The call is over: nothing that comes now is of it. */
  end(): void {
    this.#over = true
    for (const open of this.#open) open.tookMs = this.nowMs - open.atMs
    this.#open.length = 0
  }

  /** A value as it is shown; null: there is none. */
  #text(value: Value): string | null {
    if (value === null || this.#over || this.#quiet > 0) return null
    if (value instanceof Message) return `[${value.kind} message]`
    const text = toText(value).slice(0, RAW_CHARS_MAX)
    if (text.length > this.#room) return '[left out: this call has too much to keep]'
    this.#room -= text.length
    return text
  }

  #access(access: VariableAccess): void {
    if (this.#quiet > 0 || this.#over) return
    if (this.#condition !== null) {
      if (this.#condition.length < ACCESSES_MAX) this.#condition.push(access)
      return
    }
    const open = this.#open.at(-1)
    if (open !== undefined) this.#put(open, access)
  }

  #put(open: OpenStep, access: VariableAccess): void {
    if (isKnown(open.accesses, access)) return
    if (open.accesses.length >= ACCESSES_MAX) open.accessesLeftOut++
    else open.accesses.push(access)
  }
}

/** Of calls whose step names no messages; masks refer to the first. */
const DEFAULT_NAMES = { request: 'servicecallout.request', response: 'servicecallout.response' }

/**
 * The step has done just that already: it read a variable again, or an accessor and the change of the message tell of one thing.
 */
function isKnown(accesses: readonly VariableAccess[], access: VariableAccess): boolean {
  const name = access.do === 'get' ? access.name : plain(access.name)
  const last = accesses.findLast((one) => (access.do === 'get' ? one.name : plain(one.name)) === name)
  if (access.do === 'get') return last !== undefined && last.do === 'get' && last.value === access.value
  return accesses.some((one) => one.do === access.do && one.value === access.value && plain(one.name) === name)
}

/** `message` is one of the others; names of headers are the same in any case. */
function plain(name: string): string {
  const owner = name.indexOf('.')
  return name.slice(owner).toLowerCase()
}

const isRequestSide = (x: Exchange): boolean =>
  !x.inFaultFlow && (x.phase === 'proxy-request' || x.phase === 'target-request')

export function factsOf({ code, name, text, status }: Fault): TracedFault {
  return { code, name, text, status }
}
