// What counters mean, in the plainest way: a map. Decisions of the real stores are compared with it.

/** A clock that is further behind a window's start than this was wrong, not late. */
const AHEAD_MS_MAX = 60_000

export interface ModelCheck {
  readonly key: string
  readonly endMs: number
  readonly lengthMs: number
  readonly limit: number
  readonly delta: number
}

export interface ModelAnswer {
  readonly admitted: boolean
  readonly breached: number
  readonly counts: readonly number[]
}

interface Entry {
  endMs: number
  count: number
}

export class CounterModel {
  #entries = new Map<string, Entry>()

  take(checks: readonly ModelCheck[], nowMs: number): ModelAnswer {
    const before = this.peek(checks, nowMs).counts
    const saved = new Map([...this.#entries].map(([key, entry]) => [key, { ...entry }]))
    for (const [index, check] of checks.entries()) {
      const entry = this.#entry(check, nowMs)
      if (entry.count + check.delta > check.limit) {
        this.#entries = saved
        return { admitted: false, breached: index, counts: before }
      }
      entry.count += check.delta
    }
    return { admitted: true, breached: -1, counts: this.#counts(checks, nowMs) }
  }

  add(checks: readonly ModelCheck[], nowMs: number): ModelAnswer {
    const counts = checks.map((check) => {
      const entry = this.#entry(check, nowMs)
      entry.count = Math.max(0, entry.count + check.delta)
      return entry.count
    })
    return { admitted: true, breached: -1, counts }
  }

  set(checks: readonly ModelCheck[], nowMs: number): ModelAnswer {
    for (const check of checks) this.#entry(check, nowMs).count = check.delta
    return { admitted: true, breached: -1, counts: checks.map((check) => check.delta) }
  }

  peek(checks: readonly ModelCheck[], nowMs: number): ModelAnswer {
    return { admitted: true, breached: -1, counts: checks.map((check) => this.#current(check, nowMs)?.count ?? 0) }
  }

  reset(checks: readonly ModelCheck[]): ModelAnswer {
    for (const check of checks) this.#entries.delete(check.key)
    return { admitted: true, breached: -1, counts: checks.map(() => 0) }
  }

  #counts(checks: readonly ModelCheck[], nowMs: number): number[] {
    // Equal keys in one decision: each check sees the count as it was when its own turn had come.
    const later = checks.map((check, index) =>
      checks.slice(index + 1).reduce((sum, other) => sum + (other.key === check.key ? other.delta : 0), 0),
    )
    return checks.map((check, index) => this.#current(check, nowMs)!.count - later[index]!)
  }

  #current(check: ModelCheck, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(check.key)
    if (entry === undefined || entry.endMs < check.endMs) return undefined
    return entry.endMs - check.lengthMs > nowMs + AHEAD_MS_MAX ? undefined : entry
  }

  #entry(check: ModelCheck, nowMs: number): Entry {
    const current = this.#current(check, nowMs)
    if (current !== undefined) return current
    const entry = { endMs: check.endMs, count: 0 }
    this.#entries.set(check.key, entry)
    return entry
  }
}
