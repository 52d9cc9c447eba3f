import { randomUUID } from 'node:crypto'
import type { TracedCall } from '../model/traced-call.ts'
import type { CallSummary, RecordedCall, SessionState, TraceFilter, TraceOrder } from './orders.ts'

/** Edge's limits of a session: transactions, seconds. */
export const EDGE_COUNT = 20
export const EDGE_SECONDS = 600

const SESSIONS_MAX = 32
/** A session without a count keeps its latest calls. */
export const RING_CALLS_MAX = 500
const RING_CHARS_MAX = 16 * 1024 * 1024
/** Of all sessions together. */
const CHARS_MAX = 64 * 1024 * 1024
/** A session that is over can be read for this long. */
export const KEPT_MS: number = 60 * 60 * 1000

export interface NewSession {
  readonly name: string
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly filter: TraceFilter
  /** Null: no limit, the latest calls are kept. */
  readonly count: number | null
  /** Null: until it is stopped. */
  readonly seconds: number | null
}

/** One recorded call in a session. */
export interface Transaction {
  /** `<request id>__<number>`. */
  readonly id: string
  readonly summary: CallSummary
  /** JSON of a `TracedCall`. */
  readonly text: string
}

export interface DebugSession extends NewSession {
  readonly id: string
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  readonly state: SessionState
  /** Oldest first. */
  readonly transactions: readonly Transaction[]
  /** Older ones that had to go, and calls that were not recorded since too many came at once. */
  readonly dropped: number
  readonly skipped: number
  /** Masks that hid something in some call, and those that never did: perhaps the name of a variable was changed. */
  readonly masked: readonly string[]
  readonly unmatched: readonly string[]
}

export interface SessionServices {
  now(): number
  /** Calls `run` later; gives what takes it back. */
  after(ms: number, run: () => void): () => void
  /** Resolves when every gateway thread records by these orders, and by no others. */
  tell(orders: readonly TraceOrder[]): Promise<void>
  isDeployed(environment: string, proxy: string, revision: number): boolean
}

/** Why a session cannot be had. */
export class SessionError extends Error {
  readonly reason: 'undeployed' | 'exists' | 'too-many'

  constructor(reason: SessionError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

interface Session {
  readonly id: string
  readonly made: NewSession
  readonly createdAtMs: number
  readonly transactions: Transaction[]
  state: Exclude<SessionState, 'undeployed'>
  endedAtMs: number
  count: number
  chars: number
  dropped: number
  skipped: number
  readonly masked: Set<string>
  readonly masks: Set<string>
  cancel: () => void
}

/**
 * Debug sessions: who asked for which calls, and what was recorded. A session belongs to one revision: it goes on when that is deployed
 * again, and waits while it is not. All of it is in memory and bounded; nothing outlives the process.
 */
export class DebugSessions {
  readonly #services: SessionServices
  readonly #sessions = new Map<string, Session>()

  constructor(services: SessionServices) {
    this.#services = services
  }

  /** Oldest first. */
  get list(): DebugSession[] {
    this.#forgetOld()
    return [...this.#sessions.values()].map((session) => this.#shown(session))
  }

  byId(id: string): DebugSession | null {
    const session = this.#sessions.get(id)
    return session === undefined ? null : this.#shown(session)
  }

  /** The sessions of a revision. */
  of(environment: string, proxy: string, revision: number): DebugSession[] {
    return this.list.filter(
      (one) => one.environment === environment && one.proxy === proxy && one.revision === revision,
    )
  }

  /** Resolves when every gateway thread records. Throws SessionError. One that is over makes room for a new one of its name. */
  async create(made: NewSession): Promise<DebugSession> {
    const { environment, proxy, revision, name } = made
    if (!this.#services.isDeployed(environment, proxy, revision)) {
      const text = `revision ${revision} of ${proxy} is not deployed in environment ${environment}; deploy it, or trace the one that is`
      throw new SessionError('undeployed', text)
    }
    const same = this.of(environment, proxy, revision).find((one) => one.name === name)
    if (same?.state === 'recording') {
      throw new SessionError('exists', `a session called ${name} records revision ${revision} of ${proxy} already`)
    }
    if (same !== undefined) await this.remove(same.id)
    if (this.#sessions.size >= SESSIONS_MAX && !this.#removeOldestEnded()) {
      throw new SessionError('too-many', `${SESSIONS_MAX} sessions are on already; end one of them`)
    }
    const session: Session = {
      id: randomUUID(),
      made,
      createdAtMs: this.#services.now(),
      transactions: [],
      state: 'recording',
      endedAtMs: 0,
      count: 0,
      chars: 0,
      dropped: 0,
      skipped: 0,
      masked: new Set(),
      masks: new Set(),
      cancel: () => {},
    }
    this.#sessions.set(session.id, session)
    if (made.seconds !== null) {
      session.cancel = this.#services.after(made.seconds * 1_000, () => void this.#end(session, 'expired'))
    }
    try {
      await this.#tell()
    } catch (error) {
      session.cancel()
      this.#sessions.delete(session.id)
      throw error
    }
    return this.#shown(session)
  }

  /** What it has stays. False: there is no such session. */
  async stop(id: string): Promise<boolean> {
    const session = this.#sessions.get(id)
    if (session === undefined) return false
    await this.#end(session, 'stopped')
    return true
  }

  /** With all that it has. */
  async remove(id: string): Promise<boolean> {
    const session = this.#sessions.get(id)
    if (session === undefined) return false
    this.#sessions.delete(id)
    await this.#end(session, 'stopped')
    return true
  }

  /** A gateway thread has recorded a call. */
  add({ sessions, summary, text, skipped }: RecordedCall): void {
    for (const id of sessions) {
      const session = this.#sessions.get(id)
      if (session === undefined || session.state !== 'recording') continue
      session.skipped += skipped
      for (const mask of summary.masked) session.masked.add(mask)
      for (const mask of summary.unmatched) session.masks.add(mask)
      session.transactions.push({ id: `${summary.requestId}__${++session.count}`, summary, text })
      session.chars += text.length
      const { count } = session.made
      if (count !== null && session.count >= count) void this.#end(session, 'full')
      while (session.transactions.length > RING_CALLS_MAX || session.chars > RING_CHARS_MAX) drop(session)
    }
    this.#makeRoom()
  }

  /** The latest recording of a call; null: no session has it. */
  callOf(requestId: string): TracedCall | null {
    for (const session of [...this.#sessions.values()].reverse()) {
      const found = session.transactions.find(({ summary }) => summary.requestId === requestId)
      if (found !== undefined) return JSON.parse(found.text) as TracedCall
    }
    return null
  }

  /** Times of the single steps of a call that a session recorded, in order; null: none did. */
  stepsOf(requestId: string): { readonly name: string; readonly ms: number }[] | null {
    const call = this.callOf(requestId)
    if (call === null) return null
    return call.points.flatMap((point) =>
      point.kind === 'step' && point.outcome !== 'skipped' && point.outcome !== 'disabled'
        ? [{ name: point.name, ms: point.tookMs }]
        : [],
    )
  }

  /** What the gateway threads are to record now. */
  get orders(): TraceOrder[] {
    return [...this.#sessions.values()]
      .filter(({ state }) => state === 'recording')
      .map(({ id, made, count }) => ({
        session: id,
        environment: made.environment,
        proxy: made.proxy,
        revision: made.revision,
        filter: made.filter,
        left: made.count === null ? null : made.count - count,
      }))
  }

  #tell(): Promise<void> {
    return this.#services.tell(this.orders)
  }

  async #end(session: Session, state: Session['state']): Promise<void> {
    if (session.state !== 'recording') return
    session.state = state
    session.endedAtMs = this.#services.now()
    session.cancel()
    // A thread that does not hear of it goes on for a while; what it sends is dropped here.
    await this.#tell().catch(() => {})
  }

  #shown(session: Session): DebugSession {
    const { id, made, createdAtMs, transactions, dropped, skipped, masked, masks } = session
    const { environment, proxy, revision, seconds } = made
    const isServed = session.state !== 'recording' || this.#services.isDeployed(environment, proxy, revision)
    return {
      ...made,
      id,
      createdAtMs,
      expiresAtMs: seconds === null ? null : createdAtMs + seconds * 1_000,
      state: isServed ? session.state : 'undeployed',
      transactions: transactions.slice(),
      dropped,
      skipped,
      masked: [...masked],
      unmatched: [...masks].filter((mask) => !masked.has(mask)),
    }
  }

  #forgetOld(): void {
    const before = this.#services.now() - KEPT_MS
    for (const [id, { state, endedAtMs }] of this.#sessions) {
      if (state !== 'recording' && endedAtMs < before) this.#sessions.delete(id)
    }
  }

  #removeOldestEnded(): boolean {
    for (const [id, { state }] of this.#sessions) {
      if (state !== 'recording') return this.#sessions.delete(id)
    }
    return false
  }

  /** The session that has most gives its oldest. */
  #makeRoom(): void {
    const sessions = [...this.#sessions.values()]
    let chars = sessions.reduce((sum, session) => sum + session.chars, 0)
    while (chars > CHARS_MAX) {
      const largest = sessions.reduce((a, b) => (b.chars > a.chars ? b : a))
      chars -= drop(largest)
    }
  }
}

/** Gives the characters that this made free. */
function drop(session: Session): number {
  const chars = session.transactions.shift()?.text.length ?? 0
  session.chars -= chars
  session.dropped++
  return chars
}
