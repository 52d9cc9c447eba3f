/**
 * What all gateway threads know together of one server of a load balancer. Synchronous and without locks: it is asked and told
 * for every call.
 */
export interface ServerState {
  /** It has left the rotation and may not come back yet. */
  isDown(nowMs: number): boolean
  /** One more failure in a row. True: with this one it leaves the rotation. `disableMs` null: until somebody brings it back. */
  failed(maxFailures: number, disableMs: number | null, nowMs: number): boolean
  /** Ends the row; brings it back when it was out. */
  succeeded(): void
  /** True for one thread in each interval: it is the one to look after the server now. */
  claimCheck(nowMs: number, intervalMs: number): boolean
}

/** A number that counts up over all threads. */
export interface Rotation {
  next(): number
}

/** The states by name. Names that are alike mean the same server for every thread; states of names that nobody uses any more stay. */
export interface ServerStates {
  server(name: string): ServerState
  rotation(name: string): Rotation
}
