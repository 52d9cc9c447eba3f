import { parentPort, workerData } from 'node:worker_threads'
import { Recorder } from '../analytics/rollup.ts'
import { BatchSender } from '../analytics/sender.ts'
import { openLog } from '../core/log.ts'
import type { WorkerSetup } from '../gateway/protocol.ts'
import { GatewayThread } from '../gateway/thread.ts'
import { POLICY_KINDS } from '../policies/index.ts'
import { RemoteCache } from '../stores/memory/cache-port.ts'
import type { CounterTable } from '../stores/memory/counter-table.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { RemoteKeyValueMaps } from '../stores/memory/key-value-port.ts'
import { MemoryServerStates, type ServerStateTable } from '../stores/memory/server-states.ts'

// The entry of a gateway thread: puts its parts together and hands it to the main thread's orders.

const setup = workerData as WorkerSetup
const log = openLog(setup.logLevel, `gateway ${setup.number}`)
const recorder = new Recorder()
let sender: BatchSender | null = null

// A bug in one call must not cut the connections of all others.
process.on('uncaughtException', (error) => log.error({ error: error.stack }, 'a bug: an exception nobody caught'))
process.on('unhandledRejection', (reason) =>
  log.error({ error: reason instanceof Error ? reason.stack : String(reason) }, 'a bug: a rejection nobody caught'),
)

new GatewayThread({
  main: parentPort!,
  log,
  recorder,
  publish: {
    kinds: POLICY_KINDS,
    counters: new MemoryCounters(setup.counters as CounterTable, setup.number),
    cache: new RemoteCache(setup.cache),
    servers: new MemoryServerStates(setup.servers as ServerStateTable),
    maps: new RemoteKeyValueMaps(setup.maps),
    hostMap: setup.hostMap,
  },
  attach(store) {
    if (sender === null) {
      sender = new BatchSender(recorder, store)
      sender.start()
    } else sender.attach(store)
  },
  flush: () => sender?.flush() ?? Promise.reject(new Error('no store thread was ever there')),
})
