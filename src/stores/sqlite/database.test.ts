import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataFolderError, openDatabase } from './database.ts'
import { migrate, schemaVersion } from './schema.ts'

const NOW = Date.UTC(2026, 4, 17)

describe('openDatabase', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function refusal(dataFolder: string): string {
    try {
      openDatabase(dataFolder, NOW).close()
    } catch (error) {
      expect(error).toBeInstanceOf(DataFolderError)
      const { message } = error as Error
      expect(message).not.toContain('\n')
      return message
    }
    throw new Error(`${dataFolder} was opened`)
  }

  it('makes folder and file, for the owner alone', () => {
    const deep = join(folder, 'a', 'b')
    const { file, writer, close } = openDatabase(deep, NOW)
    expect(writer.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(writer.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    expect(writer.prepare('SELECT max(version) AS version FROM schema_version').get()).toEqual({
      version: schemaVersion,
    })
    expect([statSync(deep).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600])
    close()
    openDatabase(deep, NOW).close()
  })

  it('holds the folder for one process, and says which', () => {
    const first = openDatabase(folder, NOW)
    expect(refusal(folder)).toBe(
      `the data folder ${folder} is in use by process ${process.pid}: stop it, or name another folder with --data`,
    )
    first.close()
    openDatabase(folder, NOW).close()
  })

  it('says that a folder cannot be made', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(refusal(join(file, 'data'))).toMatch(
      /^cannot make the data folder .*file is no folder.*or name another with --data$/,
    )
    expect(refusal(file)).toMatch(/^cannot make the data folder .*file is no folder/)
  })

  it.skipIf(!existsSync('/proc/self'))('says so where the system lets nobody make one', () => {
    expect(refusal('/proc/postern/data')).toMatch(/^cannot make the data folder \/proc\/postern\/data \(ENOENT/)
  })

  it.skipIf(process.getuid?.() === 0)('says that a folder cannot be written', () => {
    const readOnly = join(folder, 'read-only')
    mkdirSync(readOnly)
    chmodSync(readOnly, 0o500)
    expect(refusal(readOnly)).toMatch(
      /^cannot write in the data folder .*make it writable, or name another with --data$/,
    )
  })

  it('says that the database cannot be opened', () => {
    mkdirSync(join(folder, 'postern.db'))
    expect(refusal(folder)).toMatch(
      /^cannot open .*postern\.db \(unable to open database file\): check its permissions/,
    )
  })

  it.each([
    ['text', Buffer.from('this is no database at all, but a text that is long enough to look at'.repeat(10))],
    ['a damaged database', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4080, 0xff)])],
  ])('refuses %s', (_, bytes) => {
    writeFileSync(join(folder, 'postern.db'), bytes)
    expect(refusal(folder)).toMatch(
      /postern\.db is damaged or no database \(.*\): put a copy back, or move it away to begin anew$/,
    )
  })

  it('refuses the database of another program', () => {
    const other = new DatabaseSync(join(folder, 'postern.db'))
    other.exec('CREATE TABLE notes (text TEXT)')
    other.close()
    expect(refusal(folder)).toMatch(/is the database of another program: move it away/)
  })

  it('refuses tables of a newer version, and changes nothing', () => {
    const { file, close } = openDatabase(folder, NOW)
    close()
    const future = new DatabaseSync(file)
    future.exec(`INSERT INTO schema_version VALUES (${schemaVersion + 5}, 0)`)
    future.close()
    expect(refusal(folder)).toMatch(
      new RegExp(`made by a newer version \\(its tables have version ${schemaVersion + 5}, this program knows`),
    )
  })

  it('gives the lock back when it refuses', () => {
    const file = join(folder, 'postern.db')
    writeFileSync(
      file,
      'no database, but long enough to be looked at as one by SQLite, which wants a hundred bytes of header.',
    )
    refusal(folder)
    rmSync(file)
    openDatabase(folder, NOW).close()
  })
})

describe('migrate', () => {
  it('goes step by step from every earlier version, once', () => {
    for (let from = 0; from <= schemaVersion; from++) {
      const database = new DatabaseSync(':memory:')
      migrate(database, NOW, from)
      migrate(database, NOW)
      migrate(database, NOW)
      const versions = database.prepare('SELECT version FROM schema_version ORDER BY version').all()
      expect(versions).toEqual(Array.from({ length: schemaVersion }, (_, i) => ({ version: i + 1 })))
      database.close()
    }
  })

  it('leaves nothing half done', () => {
    const database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE rollup_day (something TEXT)')
    expect(() => migrate(database, NOW)).toThrow(/rollup_day/)
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'rollup_day' }])
    database.close()
  })
})
