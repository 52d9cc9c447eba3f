import type { MaybePromise } from '../core/async.ts'
import type { Decision } from '../core/counters.ts'
import { APIG_FAULTS, apigFault } from '../engine/apig-faults.ts'
import { Decisions } from '../engine/decisions.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Outcome, Step } from '../engine/outcome.ts'
import type { Breaker } from '../model/apig.ts'
import { contextValue } from './context.ts'
import { compileExpression, type Test } from './expressions.ts'
import type { ApigServices } from './services.ts'
import { stateOf } from './state.ts'

const OPEN = apigFault('BreakerOpen')

export interface CompiledBreaker {
  /** Before the backend: `downgraded` instead of it while the breaker is open. */
  readonly guard: Step
  /** When the backend has answered or failed. Waits for nothing: what it counts acts on later calls. */
  readonly judge: Step
}

/**
 * The circuit breaker plug-in. Its state is a counter of unhealthy calls and a mark for the time that it is open, shared by
 * all threads. A counter opens it at once; a percentage as soon as enough calls of the window were seen.
 */
export function compileBreaker(breaker: Breaker, downgraded: Step | null, services: ApigServices): CompiledBreaker {
  const { counters } = services
  const { rule, windowMs, openMs } = breaker
  const keys = {
    open: counters.keys.prefix('apig-breaker-open', breaker.scope),
    bad: counters.keys.prefix('apig-breaker-bad', breaker.scope),
    all: counters.keys.prefix('apig-breaker-all', breaker.scope),
  }
  const isUnhealthy = unhealthyTest(breaker)
  const decisions = new Decisions(2)

  function settle(x: Exchange, isOpen: boolean): MaybePromise<Outcome> {
    stateOf(x).probed = !isOpen
    if (!isOpen) return undefined
    return downgraded === null ? OPEN : downgraded(x)
  }

  function guard(x: Exchange): MaybePromise<Outcome> {
    const nowMs = services.now()
    const decision = decisions.lend()
    keys.open.write(decision.keys, decision.add(nowMs + openMs, openMs, 1, 0, true))
    const done = counters.peek(decision, nowMs)
    const isOpen = (): boolean => {
      const open = decision.counts[0]! > 0
      decisions.giveBack(decision)
      return open
    }
    return done instanceof Promise ? done.then(() => settle(x, isOpen())) : settle(x, isOpen())
  }

  /** Done before the answer goes out where the counters are at hand: the next call, on any thread, must meet an open breaker. */
  function count(bad: boolean): MaybePromise<void> {
    const nowMs = services.now()
    const decision = decisions.lend()
    keys.bad.write(decision.keys, decision.add(nowMs + windowMs, windowMs, Infinity, bad ? 1 : 0, true))
    if (rule.mode === 'percentage') {
      keys.all.write(decision.keys, decision.add(nowMs + windowMs, windowMs, Infinity, 1, true))
    }
    const counted = counters.add(decision, nowMs)
    return counted instanceof Promise ? counted.then(() => open(decision, bad, nowMs)) : open(decision, bad, nowMs)
  }

  function open(decision: Decision, bad: boolean, nowMs: number): MaybePromise<void> {
    if (!bad || !isOver(decision.counts[0]!, decision.counts[1]!)) return decisions.giveBack(decision)
    decision.clear()
    keys.open.write(decision.keys, decision.add(nowMs + openMs, openMs, Infinity, 1, true))
    const opened = counters.set(decision, nowMs)
    return opened instanceof Promise ? opened.then(() => forget(decision, nowMs)) : forget(decision, nowMs)
  }

  /** What opened it is not counted again when it closes. */
  function forget(decision: Decision, nowMs: number): MaybePromise<void> {
    decision.clear()
    keys.bad.write(decision.keys, decision.add(nowMs, windowMs, Infinity, 0, true))
    keys.all.write(decision.keys, decision.add(nowMs, windowMs, Infinity, 0, true))
    const forgotten = counters.reset(decision, nowMs)
    return forgotten instanceof Promise
      ? forgotten.then(() => decisions.giveBack(decision))
      : decisions.giveBack(decision)
  }

  const isOver = (bad: number, all: number): boolean =>
    rule.mode === 'counter' ? bad >= rule.failures : all >= rule.callsMin && bad * 100 >= all * rule.percent

  function judge(x: Exchange): undefined {
    const state = stateOf(x)
    if (!state.probed || x.targetSentAt === 0) return undefined
    state.probed = false
    const bad = isUnhealthy(x)
    if (bad || rule.mode === 'percentage') void count(bad)
    return undefined
  }

  return { guard, judge }
}

const statusOf = (x: Exchange): number => x.fault?.status ?? x.response?.status ?? 0

function unhealthyTest({ unhealthy }: Breaker): Test {
  if (unhealthy === 'timeout') return (x) => x.fault?.code === APIG_FAULTS.BackendTimeout.code
  return compileExpression(unhealthy, (name) => {
    if (name === '$context.statusCode') return (x) => String(statusOf(x))
    if (name === '$context.backendResponseTime') {
      return (x) =>
        String(Math.round((x.targetReceivedAt === 0 ? performance.now() : x.targetReceivedAt) - x.targetSentAt))
    }
    return contextValue(name.replace(/^\$context\./, ''))
  })
}
