import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { applicationId, migrate, NewerSchemaError } from './schema.ts'

/** The data folder cannot be used. The message is one line for whoever started the program: what, where, what to do. */
export class DataFolderError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DataFolderError'
  }
}

/** The open database of a data folder, held for this process alone. */
export interface OpenDatabase {
  readonly file: string
  readonly writer: DatabaseSync
  /** Reads only, so that no question can change anything. */
  readonly reader: DatabaseSync
  close(): void
}

// Primary result codes of SQLite, sqlite.org/rescode.html.
const BUSY = 5
const CORRUPT = 11
const NOT_A_DATABASE = 26

// PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB: the disk or the file, not what is written.
const troubleCodes = new Set([3, BUSY, 6, 7, 8, 10, CORRUPT, 13, 14, 15, NOT_A_DATABASE])

/** Time in ms that a write waits for another program that reads or copies the file. */
const BUSY_TIMEOUT_MS = 1_000

/** The primary result code of an error of SQLite; 0 for any other error. */
function sqliteCode(error: unknown): number {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  return code & 0xff
}

/** True when the same write may work later: the disk is full or fails, another program holds the file. */
export function isTrouble(error: unknown): boolean {
  return troubleCodes.has(sqliteCode(error))
}

/**
 * Opens `postern.db` in the folder, makes both when they are missing, brings the tables up to date. Throws DataFolderError when the
 * folder cannot be written, another process holds it, or the file is no database of ours.
 */
export function openDatabase(dataFolder: string, nowMs: number): OpenDatabase {
  makeFolder(dataFolder)
  const lock = takeLock(dataFolder)
  try {
    const file = join(dataFolder, 'postern.db')
    const writer = openWriter(file, nowMs)
    const reader = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    const close = (): void => {
      reader.close()
      writer.close()
      lock.close()
    }
    return { file, writer, reader, close }
  } catch (error) {
    lock.close()
    throw error
  }
}

export function makeFolder(folder: string): void {
  try {
    makeFolders(resolve(folder))
  } catch (error) {
    const what = `cannot make the data folder ${folder} (${reason(error)})`
    throw new DataFolderError(`${what}: make it, or name another with --data`, error)
  }
}

// Not mkdir's own `recursive`: below /proc, where a folder that was made is still missing, that never returns.
function makeFolders(folder: string): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`)
    return
  }
  const parent = dirname(folder)
  if (parent !== folder) makeFolders(parent)
  mkdirSync(folder, { mode: 0o700 })
}

// A lock of the operating system on a file of its own: it ends with the process however that dies, and other programs may
// still read the database. The number of the process is only for the message, and to see whether the folder can be written.
function takeLock(folder: string): DatabaseSync {
  const pidFile = join(folder, 'postern.pid')
  const unwritable = (error: unknown): DataFolderError =>
    new DataFolderError(
      `cannot write in the data folder ${folder} (${reason(error)}): make it writable, or name another with --data`,
      error,
    )
  let lock: DatabaseSync
  try {
    lock = new DatabaseSync(join(folder, 'postern.lock'))
  } catch (error) {
    throw unwritable(error)
  }
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE')
    writeFileSync(pidFile, `${process.pid}\n`)
    return lock
  } catch (error) {
    lock.close()
    if (sqliteCode(error) !== BUSY) throw unwritable(error)
    throw new DataFolderError(
      `the data folder ${folder} is in use by ${holder(pidFile)}: stop it, or name another folder with --data`,
      error,
    )
  }
}

function holder(pidFile: string): string {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim()
    return /^\d+$/.test(pid) ? `process ${pid}` : 'another process'
  } catch {
    return 'another process'
  }
}

function openWriter(file: string, nowMs: number): DatabaseSync {
  let writer: DatabaseSync | null = null
  try {
    writer = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    checkOwner(writer, file)
    chmodSync(file, 0o600)
    writer.exec('PRAGMA journal_mode = WAL')
    writer.exec('PRAGMA synchronous = FULL')
    migrate(writer, nowMs)
    return writer
  } catch (error) {
    writer?.close()
    throw error instanceof DataFolderError ? error : new DataFolderError(openFailure(file, error), error)
  }
}

function checkOwner(database: DatabaseSync, file: string): void {
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'])
  const owner = Number(database.prepare('PRAGMA application_id').get()?.['application_id'])
  if (tables > 0 && owner !== applicationId) {
    throw new DataFolderError(
      `${file} is the database of another program: move it away, or name another folder with --data`,
    )
  }
}

function openFailure(file: string, error: unknown): string {
  if (error instanceof NewerSchemaError) {
    return `${file} was made by a newer version (${error.message}): use that version, or name another folder with --data`
  }
  const code = sqliteCode(error)
  if (code === NOT_A_DATABASE || code === CORRUPT) {
    return `${file} is damaged or no database (${reason(error)}): put a copy back, or move it away to begin anew`
  }
  return `cannot open ${file} (${reason(error)}): check its permissions and the space on its disk, or name another folder with --data`
}

/** What the system said, on one line, without the path that the message has already. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('syscall' in error && 'code' in error)
    return `${String(error.code)}: ${error.message.replace(/^\w+: |, .*$/g, '')}`
  return error.message.replaceAll('\n', ' ')
}
