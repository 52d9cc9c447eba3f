import { quotaEndMs, quotaKey, quotaLengthMs, quotaPrefix } from '../apig/limits.ts'
import type { DocumentChange, Documents } from '../catalog/ports.ts'
import type { KeyPrefix } from '../core/counter-keys.ts'
import { Decision } from '../core/counters.ts'
import type { Log } from '../core/log.ts'
import type { ApigApp, CredentialQuota } from '../model/apig.ts'
import type { MemoryCounters } from '../stores/memory/counters.ts'

export interface QuotaKeeping {
  readonly documents: Documents
  readonly counters: MemoryCounters
  /** The credentials that there are now. */
  apps(): readonly ApigApp[]
  now(): number
  readonly log: Log
}

/** What is used of a quota in a cycle. */
interface Used {
  readonly endMs: number
  readonly used: number
}

const KIND = 'apig-quota-used'
const SAVE_EVERY_MS = 1_000

/**
 * Keeps what is used of the quotas of credentials over a restart: quotas may last for days, while the counters are in memory.
 * A killed process loses what it counted since it last saved, a second at most.
 */
export class QuotaKeeper {
  readonly #keeping: QuotaKeeping
  readonly #prefix: KeyPrefix
  readonly #decision = new Decision(1)
  readonly #kept = new Map<string, Used>()
  #timer: NodeJS.Timeout | null = null

  constructor(keeping: QuotaKeeping) {
    this.#keeping = keeping
    this.#prefix = quotaPrefix(keeping.counters)
  }

  /** Before anybody is served: the cycles that still run go on where they were. Then saves what changes. */
  start(): void {
    const nowMs = this.#keeping.now()
    for (const { key } of this.#keeping.documents.list(KIND)) {
      const used = usedOf(this.#keeping.documents.read(KIND, key))
      if (used !== null) this.#kept.set(key, used)
    }
    for (const [key, app, quota] of this.#quotas()) {
      const kept = this.#kept.get(key)
      if (kept === undefined || kept.endMs !== quotaEndMs(quota, nowMs)) continue
      this.#fill(app, quota, nowMs, kept.used)
      this.#keeping.counters.add(this.#decision, nowMs)
    }
    this.#timer = setInterval(() => this.save(), SAVE_EVERY_MS)
    this.#timer.unref()
  }

  /** Notes what has changed; what no quota needs any more is removed. */
  save(): void {
    const { counters, documents, log } = this.#keeping
    const nowMs = this.#keeping.now()
    const changes: DocumentChange[] = []
    const seen = new Map<string, Used>()
    for (const [key, app, quota] of this.#quotas()) {
      this.#fill(app, quota, nowMs, 0)
      counters.peek(this.#decision, nowMs)
      const used = this.#decision.counts[0]!
      if (used > 0) seen.set(key, { endMs: quotaEndMs(quota, nowMs), used })
    }
    for (const [key, one] of seen) {
      const before = this.#kept.get(key)
      if (before?.used === one.used && before.endMs === one.endMs) continue
      changes.push({ kind: KIND, key, body: Buffer.from(JSON.stringify(one)) })
    }
    for (const key of this.#kept.keys()) if (!seen.has(key)) changes.push({ kind: KIND, key, body: null })
    if (changes.length === 0) return
    try {
      documents.write(changes, nowMs)
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'what is used of quotas cannot be kept; it is tried again')
      return
    }
    this.#kept.clear()
    for (const [key, one] of seen) this.#kept.set(key, one)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.save()
  }

  #quotas(): [key: string, app: ApigApp, quota: CredentialQuota][] {
    return this.#keeping
      .apps()
      .flatMap((app): [string, ApigApp, CredentialQuota][] =>
        app.quota === null ? [] : [[quotaKey(app.quota, app.id), app, app.quota]],
      )
  }

  #fill(app: ApigApp, quota: CredentialQuota, nowMs: number, delta: number): void {
    this.#decision.clear()
    const check = this.#decision.add(quotaEndMs(quota, nowMs), quotaLengthMs(quota), Infinity, delta)
    this.#prefix.writeWith(quotaKey(quota, app.id), this.#decision.keys, check)
  }
}

function usedOf(body: Uint8Array | null): Used | null {
  try {
    const { endMs, used } = JSON.parse(Buffer.from(body ?? []).toString()) as Record<string, unknown>
    return typeof endMs === 'number' && typeof used === 'number' && used > 0 ? { endMs, used } : null
  } catch {
    return null
  }
}
