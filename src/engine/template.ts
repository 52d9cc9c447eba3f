import type { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'

/** A compiled message template: its text now, or the fault `entities.UnresolvedVariable`. */
export type Template = (x: Exchange) => string | Fault
