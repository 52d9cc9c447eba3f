import type { Exchange } from '../engine/exchange.ts'
import type { ApigApp, Backend, PublishedApi } from '../model/apig.ts'

/** What one call of an API of this dialect has gathered on its way. */
export class ApigState {
  readonly api: PublishedApi
  /** Values of `{name}` in its path, decoded, in order. */
  readonly pathValues: readonly string[]
  /** What a prefix match leaves of the path, decoded; '' or beginning with a slash. */
  readonly rest: string
  /** Method and query as the client sent them. */
  method: string
  query: string
  app: ApigApp | null
  /** What the custom authorizer told (`context`). */
  authorizer: ReadonlyMap<string, string> | null
  /** Chosen by the last step before the target. */
  backend: Backend | null
  /** Values for `{name}` in the path of the backend, encoded. */
  backendPath: Map<string, string> | null
  /** Is judged by the circuit breaker when it is over. */
  probed: boolean

  constructor(api: PublishedApi, pathValues: readonly string[], rest: string) {
    this.api = api
    this.pathValues = pathValues
    this.rest = rest
    this.method = ''
    this.query = ''
    this.app = null
    this.authorizer = null
    this.backend = null
    this.backendPath = null
    this.probed = false
  }
}

/** Steps of this dialect run in calls of its own APIs only. */
export const stateOf = (x: Exchange): ApigState => x.dialectState as ApigState
