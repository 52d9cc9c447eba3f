import type { MessagePort } from 'node:worker_threads'
import type { UsageQueries } from '../../accounts/ports.ts'
import type { Analytics } from '../../analytics/ports.ts'

/** What the store thread is started with. */
export interface ThreadData {
  readonly dataFolder: string
}

/** The questions of the ports; `write` has messages of its own. */
export type Question = Exclude<keyof Analytics, 'write'> | keyof UsageQueries

/** From the main thread; beside these it sends what gateway threads send (`ToStore`). */
export type FromMain =
  | { readonly kind: 'attach'; readonly port: MessagePort }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question; readonly argument: unknown }
  | { readonly kind: 'close' }

/** To the main thread; beside these it gets what gateway threads get (`FromStore`). */
export type ToMain =
  | { readonly kind: 'ready'; readonly file: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly name: string; readonly message: string }
  | { readonly kind: 'tell'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  | { readonly kind: 'closed'; readonly lostCalls: number }
