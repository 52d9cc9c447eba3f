import type { DocumentChange, DocumentHead, Documents } from '../../catalog/ports.ts'

/** Documents that are gone with the process. */
export class MemoryDocuments implements Documents {
  readonly #kinds = new Map<string, Map<string, { readonly atMs: number; readonly body: Uint8Array }>>()

  list(kind: string): readonly DocumentHead[] {
    const heads = [...(this.#kinds.get(kind) ?? [])].map(([key, { atMs }]) => ({ key, atMs }))
    return heads.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  read(kind: string, key: string): Uint8Array | null {
    return this.#kinds.get(kind)?.get(key)?.body ?? null
  }

  write(changes: readonly DocumentChange[], nowMs: number): void {
    for (const { kind, key, body } of changes) {
      const of = this.#kinds.get(kind) ?? new Map()
      this.#kinds.set(kind, of)
      if (body === null) of.delete(key)
      else of.set(key, { atMs: nowMs, body })
    }
  }

  close(): void {}
}
