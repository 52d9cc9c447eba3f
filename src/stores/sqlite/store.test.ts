import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallRecord } from '../../analytics/record.ts'
import { Recorder } from '../../analytics/rollup.ts'
import { BatchSender } from '../../analytics/sender.ts'
import { type Log, silentLog } from '../../core/log.ts'
import { batchOf, call as suiteCall } from '../conformance/analytics.suite.ts'
import { DataFolderError, openStore, type Store, type StoreOptions } from './store.ts'

// The store thread has the real clock.
function call(fields: Partial<CallRecord> = {}): CallRecord {
  return suiteCall({ timeMs: Date.now(), ...fields })
}

async function countAll(store: Store): Promise<number> {
  const edgesMs = [Date.now() - 86_400_000, Date.now() + 86_400_000]
  const [values] = await store.analytics.counts({
    scope: { kind: 'all' },
    keys: ['any'],
    edgesMs,
    authorizedOnly: false,
  })
  return values![0]!
}

describe('the store thread', () => {
  let folder: string
  let open: Store[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-'))
    open = []
  })
  afterEach(async () => {
    await Promise.all(open.map((store) => store.close()))
    rmSync(folder, { recursive: true })
  })

  async function start(options: Partial<StoreOptions> = {}): Promise<Store> {
    const store = await openStore({ dataFolder: folder, log: silentLog, ...options })
    open.push(store)
    return store
  }

  it('keeps its counts over a restart', async () => {
    const first = await start()
    await first.analytics.write(batchOf([call(), call({ status: 404 })]))
    await first.close()
    const second = await start()
    await second.analytics.write(batchOf([call()]))
    expect(await countAll(second)).toBe(3)
    const summary = await second.analytics.summary({
      scope: { kind: 'all' },
      sinceMs: Date.now() - 3_600_000,
      untilMs: Date.now() + 60_000,
    })
    expect(summary).toMatchObject({ calls: 3, byErrorCode: [] })
    expect(await second.analytics.firstAndLast({ kind: 'service', id: '42' })).not.toBeNull()
    expect(
      (
        await second.analytics.statistics({
          match: {},
          by: 'method',
          edgesMs: [Date.now() - 3_600_000, Date.now() + 60_000],
          rowsMax: 9,
          seriesMax: 0,
        })
      ).rows[0],
    ).toMatchObject({ value: 'GET' })
    expect((await second.analytics.running()).calls).toMatchObject([{ calls: 1 }])
    expect(await second.analytics.health()).toEqual({ lostCalls: 0, pendingCalls: 0, problem: null })
  })

  it('takes batches from several threads and answers a flush when they are on disk', async () => {
    const store = await start()
    const senders = Array.from({ length: 4 }, () => {
      const recorder = new Recorder()
      return { recorder, sender: new BatchSender(recorder, store.portForWorker()) }
    })
    for (let round = 0; round < 25; round++) {
      for (const { recorder, sender } of senders) {
        for (let i = 0; i < 10; i++) recorder.add(call({ status: 200 + (i % 3) }))
        sender.send()
      }
    }
    await Promise.all(senders.map(({ sender }) => sender.flush()))
    expect(await countAll(store)).toBe(1_000)
    const onDisk = new DatabaseSync(store.file, { readOnly: true })
    expect(onDisk.prepare('SELECT count(*) AS n FROM rollup_hour').get()?.['n']).toBeGreaterThan(0)
    onDisk.close()
    for (const { sender } of senders) sender.close()
  })

  it('close writes what was posted just before', async () => {
    const store = await start()
    const recorder = new Recorder()
    const sender = new BatchSender(recorder, store.portForWorker())
    for (let i = 0; i < 7; i++) recorder.add(call())
    sender.send()
    const written = store.analytics.write(batchOf([call(), call()]))
    await store.close()
    await written
    expect(await countAll(await start())).toBe(9)
  })

  it('refuses to work when it is closed, and closes twice without complaint', async () => {
    const store = await start()
    await store.close()
    await store.close()
    await expect(store.analytics.health()).rejects.toThrow('the store is closed')
    await expect(store.flush()).rejects.toThrow('the store is closed')
  })

  it('gives the errors of a question to the asker', async () => {
    const store = await start()
    const query = { scope: { kind: 'all' }, keys: ['any'], edgesMs: [2, 1], authorizedOnly: false } as const
    await expect(store.analytics.counts(query)).rejects.toThrow(RangeError)
    await store.flush()
  })

  it.each<[string, (folder: string) => string, RegExp]>([
    ['a folder in use', (path) => path, /is in use by process \d+: stop it/],
    [
      'a file in place of the folder',
      (path) => join(path, 'postern.pid', 'data'),
      /cannot make the data folder .* is no folder/,
    ],
  ])('gives one clear line for %s', async (_, where, message) => {
    await start()
    const refused = openStore({ dataFolder: where(folder), log: silentLog })
    await expect(refused).rejects.toThrow(DataFolderError)
    await expect(refused).rejects.toThrow(message)
  })

  it('gives one clear line for a damaged file', async () => {
    writeFileSync(join(folder, 'postern.db'), 'x'.repeat(5_000))
    await expect(openStore({ dataFolder: folder, log: silentLog })).rejects.toThrow(/is damaged or no database/)
  })

  it('says so when the thread dies, fails what waits, and the folder can be opened again', async () => {
    const lines: string[] = []
    const error = (...entry: unknown[]): void => void lines.push(String(entry[1]))
    const log: Log = { debug: error, info: error, warn: error, error }
    const died = Promise.withResolvers<Error>()
    const store = await start({ log, onDied: died.resolve })
    const recorder = new Recorder()
    const sender = new BatchSender(recorder, store.portForWorker())
    // The bomb: a message that the thread cannot read, as a bug would send.
    const port = store.portForWorker()
    port.postMessage({ kind: 'batch', sequence: 1, batch: null })
    const asked = Promise.resolve(store.analytics.write(batchOf([call()]))).then(
      () => 'written',
      (reason: Error) => reason.message,
    )
    expect((await died.promise).message).toMatch(/null/)
    expect(await asked).toMatch(/^(written|the store thread is gone)/)
    expect(lines).toEqual(['the store thread died: calls are no longer counted'])
    await expect(store.analytics.health()).rejects.toThrow(/has died/)

    recorder.add(call())
    const again = await start()
    sender.attach(again.portForWorker())
    await sender.flush()
    expect(await countAll(again)).toBeGreaterThanOrEqual(1)
    sender.close()
  })
})

describe('a process that is killed', () => {
  it('loses nothing that was acknowledged, and leaves a database that can be read and written', {
    timeout: 60_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-'))
    const child = spawn(process.execPath, [fileURLToPath(new URL('./killed.child.ts', import.meta.url)), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    for await (const chunk of child.stdout) {
      text += String(chunk)
      if (text.split('\n').length > 6) break
    }
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const acknowledged = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))
    expect(acknowledged).toBeGreaterThan(0)

    const store = await openStore({ dataFolder: folder, log: silentLog })
    const database = new DatabaseSync(store.file, { readOnly: true })
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    database.close()
    const found = await countAll(store)
    expect(found).toBeGreaterThanOrEqual(acknowledged)
    expect(found % 10).toBe(0)
    await store.analytics.write(batchOf([call()]))
    expect(await countAll(store)).toBe(found + 1)
    await store.close()
    rmSync(folder, { recursive: true })
  })
})
