import type { MaybePromise } from '../core/async.ts'
import type { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'
import type { Message } from './message.ts'

/** A step's answer that skips the target: a cache hit, a preflight, a mock. */
export class Reply {
  readonly message: Message
  /** The proxy's response flow runs on it, as after a cache hit. */
  readonly flows: boolean

  constructor(message: Message, flows: boolean = false) {
    this.message = message
    this.flows = flows
  }
}

/** Nothing: go on. A fault: enter the fault path. A reply: answer now. */
export type Outcome = undefined | Fault | Reply

export type Step = (x: Exchange) => MaybePromise<Outcome>
