import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Directory } from '../accounts/directory.ts'
import { Limits } from '../accounts/limits.ts'
import { UsageRecorder } from '../accounts/usage-recorder.ts'
import { GroupFlush } from '../analytics/group-flush.ts'
import { Recorder } from '../analytics/rollup.ts'
import { BatchSender } from '../analytics/sender.ts'
import { BackendDoor, backendProtocolError } from '../backend/door.ts'
import { systemClock } from '../core/clock.ts'
import { openLog } from '../core/log.ts'
import { Tally } from '../core/tally.ts'
import type { WorkerSetup } from '../gateway/protocol.ts'
import { GatewayThread } from '../gateway/thread.ts'
import { ALL_KINDS } from '../policies/index.ts'
import { RemoteLogFiles } from '../stores/log-files.ts'
import { RemoteCache } from '../stores/memory/cache-port.ts'
import type { CounterTable } from '../stores/memory/counter-table.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { RemoteKeyValueMaps } from '../stores/memory/key-value-port.ts'
import { MemoryServerStates, type ServerStateTable } from '../stores/memory/server-states.ts'
import { DocumentReader } from '../stores/sqlite/documents.ts'
import { StoredUsageReader } from '../stores/sqlite/usage.ts'
import { BatchParts } from './batch-parts.ts'

// The entry of a gateway thread: puts its parts together and hands it to the main thread's orders.

const setup = workerData as WorkerSetup
const log = openLog(setup.logLevel, `gateway ${setup.number}`)
const recorder = new Recorder()
const usage = new UsageRecorder()
let sender: BatchSender | null = null

async function flush(): Promise<void> {
  if (sender === null) throw new Error('no store thread was ever there')
  await sender.flush()
}

const bug = (error: unknown, text: string): void =>
  log.error({ error: error instanceof Error ? error.stack : String(error) }, text)

// A bug in one call must not cut the connections of all others.
process.on('uncaughtException', (error) => bug(error, 'a bug: an exception nobody caught'))
process.on('unhandledRejection', (reason) => bug(reason, 'a bug: a rejection nobody caught'))

const counters = new MemoryCounters(setup.counters as CounterTable, setup.number)
const directory = new Directory(new DocumentReader(setup.dataFolder, setup.sealKey), counters.keys)
const limits = new Limits(counters, new StoredUsageReader(join(setup.dataFolder, 'postern.db')))
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const doorAnswers = new Tally()
const kept = new GroupFlush(() => flush())
const backend = new BackendDoor({
  directory,
  limits,
  recorder: usage,
  clock: systemClock,
  answers: doorAnswers,
  kept: () => kept.wait(),
  version,
  crashed: (error) => bug(error, 'a bug: the backend door threw'),
})

new GatewayThread({
  main: parentPort!,
  log,
  recorder,
  workers: setup.workers,
  gatewayId: setup.gatewayId,
  publish: {
    kinds: ALL_KINDS,
    counters,
    cache: new RemoteCache(setup.cache),
    logFiles: new RemoteLogFiles(setup.logFiles),
    servers: new MemoryServerStates(setup.servers as ServerStateTable),
    maps: new RemoteKeyValueMaps(setup.maps),
    hostMap: setup.hostMap,
    debugSecret: setup.debugSecret,
  },
  accounts: { directory, limits, recorder: usage },
  version,
  telemetry: setup.telemetry,
  backend: {
    answers: doorAnswers,
    accept: (down) => backend.accept(down),
    protocolError: backendProtocolError,
  },
  accountsChanged: () => directory.forget(),
  attach(store) {
    if (sender === null) {
      sender = new BatchSender(new BatchParts(recorder, usage), store)
      sender.start()
    } else sender.attach(store)
  },
  async flush() {
    await backend.drained()
    await flush()
  },
})
