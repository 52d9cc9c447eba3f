import type { CompiledThrottle } from '../accounts/throttle.ts'
import { PolicyText, ThrottleState } from '../accounts/throttle-state.ts'
import { DIMENSION_WORDS, DIMENSIONS } from '../accounts/throttle-text.ts'
import type { MaybePromise } from '../core/async.ts'
import { apigFault } from '../engine/apig-faults.ts'
import type { Breach } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import type { Call } from './call.ts'

function breachOf(state: ThrottleState, name: string): Breach {
  const dimension = state.breached!
  const limit = state.limit(dimension)
  const { policy } = DIMENSION_WORDS[dimension]
  return {
    name: name === '' ? `limit ${policy}` : `throttle ${name}, ${policy}`,
    used: limit,
    limit,
    resetsAtMs: state.endMs(dimension),
  }
}

/** What limits the calls of an endpoint. Gives the fault of the limit that refuses the call, or nothing. */
export interface Gate {
  /** It limits users or applications. */
  readonly limitsCallers: boolean
  admit(call: Call): MaybePromise<Fault | undefined>
  /** The limits of a caller who became known after `admit`. */
  admitCaller(call: Call): MaybePromise<Fault | undefined>
}

/** The throttles of one API at the gateway: decides a call and keeps what its diagnostic headers say. */
export class ThrottleGate implements Gate {
  readonly #throttle: CompiledThrottle
  readonly #fields: boolean
  readonly #policy: PolicyText = new PolicyText()

  /** `fields`: answers tell of the limits by `Retry-After` and the `RateLimit` fields. */
  constructor(throttle: CompiledThrottle, fields: boolean) {
    this.#throttle = throttle
    this.#fields = fields
  }

  /** The fault of the limit that refuses the call, or nothing. */
  admit(call: Call): MaybePromise<Fault | undefined> {
    const state = ThrottleState.acquire()
    const x = call.x!
    const { caller } = x
    const user = caller === null ? null : caller.account
    const app = caller === null ? null : caller.application
    const admitted = this.#throttle.take(state, call.receivedAtMs, x.address, user, app)
    if (typeof admitted === 'boolean') return this.#settle(call, state, admitted)
    return admitted.then((late) => this.#settle(call, state, late))
  }

  /** It limits users or applications. */
  get limitsCallers(): boolean {
    return this.#throttle.limitsCallers
  }

  /** The limits of a caller who became known after `admit`. */
  admitCaller(call: Call): MaybePromise<Fault | undefined> {
    const caller = call.x!.caller!
    const state = ThrottleState.acquire()
    const admitted = this.#throttle.takeCaller(state, call.receivedAtMs, caller.account, caller.application)
    if (typeof admitted === 'boolean') return this.#settle(call, state, admitted)
    return admitted.then((late) => this.#settle(call, state, late))
  }

  #settle(call: Call, state: ThrottleState, admitted: boolean): Fault | undefined {
    if (call.debug || this.#fields) {
      const limits = call.limits ?? []
      if (call.debug) {
        for (const dimension of DIMENSIONS) {
          const text = state.text(dimension)
          if (text !== null) limits.push(DIMENSION_WORDS[dimension].header, text)
        }
      }
      if (this.#fields) state.fields(limits, call.receivedAtMs, this.#policy)
      call.limits = limits
    }
    const text = admitted ? null : state.breach()
    if (text !== null) call.x!.breach = breachOf(state, this.#throttle.name)
    state.release()
    return text === null ? undefined : apigFault('Throttled', text)
  }
}
