import type { CompiledThrottle } from '../accounts/throttle.ts'
import { ThrottleState } from '../accounts/throttle-state.ts'
import { DIMENSION_WORDS, DIMENSIONS, THROTTLED_CODE } from '../accounts/throttle-text.ts'
import type { MaybePromise } from '../core/async.ts'
import { Fault } from '../engine/fault.ts'
import type { Call } from './call.ts'

/** The throttles of one API at the gateway: decides a call and keeps what its diagnostic headers say. */
export class ThrottleGate {
  readonly #throttle: CompiledThrottle

  constructor(throttle: CompiledThrottle) {
    this.#throttle = throttle
  }

  /** The fault of the limit that refuses the call, or nothing. */
  admit(call: Call): MaybePromise<Fault | undefined> {
    const state = ThrottleState.acquire()
    const admitted = this.#throttle.take(state, call.receivedAtMs, call.down.remoteAddress, null, null)
    if (typeof admitted === 'boolean') return settle(call, state, admitted)
    return admitted.then((late) => settle(call, state, late))
  }
}

function settle(call: Call, state: ThrottleState, admitted: boolean): Fault | undefined {
  if (call.debug) {
    const limits: string[] = []
    for (const dimension of DIMENSIONS) {
      const text = state.text(dimension)
      if (text !== null) limits.push(DIMENSION_WORDS[dimension].header, text)
    }
    call.limits = limits
  }
  const message = admitted ? null : state.message()
  state.release()
  // The errorcode is its own name, so that a fault rule can say fault.name = "APIG.0308".
  return message === null
    ? undefined
    : new Fault(THROTTLED_CODE, 429, message, 'gateway', null, undefined, THROTTLED_CODE)
}
