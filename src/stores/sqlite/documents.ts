import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { DocumentChange, DocumentHead, Documents } from '../../catalog/ports.ts'
import { makeFolder } from './database.ts'
import { unsealed } from './sealed.ts'

const BUSY_TIMEOUT_MS = 1_000

/** Reads what `openDocuments` of another thread writes. The file must be there when the first question comes. */
export class DocumentReader {
  readonly #file: string
  readonly #sealKey: Buffer
  #body: StatementSync | null = null

  constructor(dataFolder: string, sealKey: Uint8Array) {
    this.#file = join(dataFolder, 'catalog.db')
    this.#sealKey = Buffer.from(sealKey)
  }

  read(kind: string, key: string): Uint8Array | null {
    this.#body ??= new DatabaseSync(this.#file, { readOnly: true }).prepare(
      'SELECT body FROM documents WHERE kind = ? AND key = ?',
    )
    const body = this.#body.get(kind, key)?.['body'] as Uint8Array | undefined
    return body === undefined ? null : unsealed(this.#sealKey, kind, key, Buffer.from(body))
  }
}

/**
 * The catalogue in `catalog.db` of the data folder. A file of its own, since the main thread writes it at admin calls while the
 * store thread owns the other. Mode 600: bundles may hold secrets.
 */
export function openDocuments(dataFolder: string): Documents {
  makeFolder(dataFolder)
  const file = join(dataFolder, 'catalog.db')
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  chmodSync(file, 0o600)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS documents (
      kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)
    ) STRICT;
  `)
  const heads = database.prepare('SELECT key, at FROM documents WHERE kind = ? ORDER BY key')
  const body = database.prepare('SELECT body FROM documents WHERE kind = ? AND key = ?')
  const put = database.prepare('INSERT OR REPLACE INTO documents (kind, key, at, body) VALUES (?, ?, ?, ?)')
  const drop = database.prepare('DELETE FROM documents WHERE kind = ? AND key = ?')
  const apply = ({ kind, key, body }: DocumentChange, nowMs: number): void => {
    if (body === null) drop.run(kind, key)
    else put.run(kind, key, nowMs, body)
  }
  return {
    list: (kind) => heads.all(kind).map((row): DocumentHead => ({ key: String(row['key']), atMs: Number(row['at']) })),
    read: (kind, key) => (body.get(kind, key)?.['body'] as Uint8Array | undefined) ?? null,
    write(changes, nowMs) {
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const change of changes) apply(change, nowMs)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    close: () => database.close(),
  }
}
