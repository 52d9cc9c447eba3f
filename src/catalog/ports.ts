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
