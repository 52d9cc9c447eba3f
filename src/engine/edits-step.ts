import type { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'
import type { Message } from './message.ts'

/** A compiled piece of an edit: changes the message, or says why it cannot. */
export type MessageEdit = (x: Exchange, m: Message) => Fault | undefined

export interface EditOptions {
  readonly ignoreUnresolved: boolean
  /** The message that is changed, by name (null: that of the segment); undefined: one that is made for it. */
  readonly target: string | null | undefined
  /** Whether a Path acts on the client's own request. Documented to do nothing there, except for a callout that sends it. */
  readonly pathOfClientRequest: boolean
  /** A named variable that a policy needs does not exist. */
  unresolved(variable: string): Fault
  notMessage(variable: string): Fault
  /** A value that the thing cannot take. */
  notSet(variable: string, why: string): Fault
}
