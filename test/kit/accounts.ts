import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Directory } from '../../src/accounts/directory.ts'
import { Limits } from '../../src/accounts/limits.ts'
import { ProxySettingsStore } from '../../src/accounts/proxy-settings.ts'
import { type FileAccounts, Registry } from '../../src/accounts/registry.ts'
import { UsageRecorder } from '../../src/accounts/usage-recorder.ts'
import { startAdmin } from '../../src/admin/server.ts'
import { BackendDoor, backendProtocolError } from '../../src/backend/door.ts'
import { ManualClock } from '../../src/core/clock.ts'
import { Tally } from '../../src/core/tally.ts'
import { SERVER_LIMITS } from '../../src/gateway/protocol.ts'
import type { UsageAmount } from '../../src/model/usage.ts'
import { MemoryCounters } from '../../src/stores/memory/counters.ts'
import { RollupDatabase } from '../../src/stores/sqlite/analytics.ts'
import { openDatabase } from '../../src/stores/sqlite/database.ts'
import { openDocuments } from '../../src/stores/sqlite/documents.ts'
import { loadSealKey, sealed } from '../../src/stores/sqlite/sealed.ts'
import { StoredUsageReader, UsageDatabase } from '../../src/stores/sqlite/usage.ts'
import { listen } from '../../src/wire/server.ts'
import { demoOptions, demoToken } from '../browser/demo-gateway.ts'

/** Accounts, the backend door and the admin door in this process, over real sockets and files, by a clock that a test sets. */
export class AccountsInProcess {
  readonly clock: ManualClock
  readonly backend: string
  readonly admin: string
  readonly token: string = demoToken
  readonly registry: Registry
  /** Of the backend door. */
  readonly answers: Tally
  readonly drain: () => Promise<void>
  /** As if it had been used and written. */
  readonly use: (...amounts: readonly UsageAmount[]) => void
  readonly stop: () => Promise<void>

  private constructor(parts: Omit<AccountsInProcess, 'token'>) {
    this.clock = parts.clock
    this.backend = parts.backend
    this.admin = parts.admin
    this.registry = parts.registry
    this.answers = parts.answers
    this.drain = parts.drain
    this.use = parts.use
    this.stop = parts.stop
  }

  static async start(files: FileAccounts, nowMs: number): Promise<AccountsInProcess> {
    const clock = new ManualClock(nowMs)
    const data = mkdtempSync(join(tmpdir(), 'postern-accounts-'))
    const documents = sealed(openDocuments(data), loadSealKey(data))
    const database = openDatabase(data, nowMs)
    const usage = new UsageDatabase(database.writer, database.reader, () => clock.now())
    const rollups = new RollupDatabase(database.writer, database.reader, usage, clock)
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1 << 16 }), 1)
    const directory = new Directory(documents, counters.keys)
    const registry = new Registry(
      { store: documents, now: () => clock.now(), changed: async () => directory.forget() },
      files,
    )
    const recorder = new UsageRecorder()
    const answers = new Tally()
    const write = (): void => {
      const batch = recorder.take()
      if (batch !== null) rollups.writeAll([{ rows: [], droppedCalls: 0, usage: batch }])
    }
    const door = new BackendDoor({
      directory,
      limits: new Limits(counters, new StoredUsageReader(database.file)),
      recorder,
      clock,
      answers,
      kept: async () => write(),
      version: 'test',
      crashed: (error) => {
        throw error
      },
    })
    const server = await listen({
      host: '127.0.0.1',
      port: 0,
      reusePort: false,
      limits: SERVER_LIMITS,
      onRequest: (down) => door.accept(down),
      protocolError: backendProtocolError,
    })
    const admin = await startAdmin(
      demoOptions({
        clock,
        services: () => registry.services,
        accounts: {
          backendUrl: () => `http://127.0.0.1:${server.port}`,
          registry,
          proxies: new ProxySettingsStore(documents, () => clock.now()),
          usage,
        },
      }),
    )
    return new AccountsInProcess({
      clock,
      registry,
      answers,
      backend: `http://127.0.0.1:${server.port}`,
      admin: `http://127.0.0.1:${admin.port}`,
      drain: async () => {
        await door.drained()
        write()
      },
      use: (...amounts) => rollups.writeAll([{ rows: [], droppedCalls: 0, usage: { amounts, errors: [] } }]),
      stop: async () => {
        await server.close(0)
        await admin.close(0)
        database.close()
        documents.close()
        rmSync(data, { recursive: true, force: true })
      },
    })
  }
}
