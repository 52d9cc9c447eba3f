import type { PolicyReaders } from '../dialects/apigee/index.ts'
import type { PosternConfig } from '../model/deployment.ts'
import type { Problem } from '../model/problem.ts'

/** One thing that somebody imported or set through an admin API, as it is kept. */
export interface DocumentHead {
  readonly key: string
  /** When it was written, ms since the epoch. */
  readonly atMs: number
}

/** `body` null removes. */
export interface DocumentChange {
  readonly kind: string
  readonly key: string
  readonly body: Uint8Array | null
}

/** Where the catalogue is kept. Asked at start and by admin calls, never while a request is served. */
export interface Documents {
  /** In the order of their keys. */
  list(kind: string): readonly DocumentHead[]
  read(kind: string, key: string): Uint8Array | null
  /** All changes or none; throws when they cannot be kept. */
  write(changes: readonly DocumentChange[], nowMs: number): void
  close(): void
}

/** What the catalogue needs from outside. */
export interface CatalogServices {
  /** What the files name: they own it, and an admin API leaves it alone. */
  readonly files: PosternConfig
  readonly documents: Documents
  readonly kinds: PolicyReaders
  /** All that is wrong with what is to be served: compiled, side by side. */
  judge(config: PosternConfig): readonly Problem[]
  /** Resolves when every gateway thread serves it; rejects when it is not served. */
  publish(config: PosternConfig): Promise<void>
  now(): number
  warn(fields: object, message: string): void
}
