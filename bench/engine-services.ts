import { KeyValueStore } from '../src/catalog/key-value-maps.ts'
import { Refusal } from '../src/engine/access.ts'
import type { EngineServices } from '../src/engine/compile-env.ts'
import { OutboundError } from '../src/engine/policy.ts'
import { MemoryCache } from '../src/stores/memory/cache.ts'
import { MemoryCounters } from '../src/stores/memory/counters.ts'
import { MemoryDocuments } from '../src/stores/memory/documents.ts'
import { MemoryServerStates } from '../src/stores/memory/server-states.ts'

/** All that policies need to be compiled; nothing is called. */
export const engineServices: EngineServices = {
  access: { open: () => ({ ask: () => new Refusal('authFailed', 'nobody_is_asked') }) },
  outbound: { call: () => new OutboundError('url', 'no calls here') },
  counters: new MemoryCounters(MemoryCounters.allocate({ slots: 1_024 }), 1),
  cache: new MemoryCache({ now: Date.now }),
  logFiles: { write: () => undefined },
  servers: new MemoryServerStates(MemoryServerStates.allocate(64)),
  maps: new KeyValueStore({ documents: new MemoryDocuments(), now: Date.now }),
  now: Date.now,
}
