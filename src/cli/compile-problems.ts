import type { KeyValueMaps } from '../core/key-value-maps.ts'
import { Refusal } from '../engine/access.ts'
import { compileProxy } from '../engine/compile.ts'
import { OutboundError } from '../engine/policy.ts'
import type { DeployedProxy, Settings } from '../model/deployment.ts'
import type { Problem } from '../model/problem.ts'
import { ALL_KINDS } from '../policies/index.ts'
import { MemoryCache } from '../stores/memory/cache.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { MemoryServerStates } from '../stores/memory/server-states.ts'

/** Compiling calls nobody; who tries all the same is told. */
const services = {
  access: { open: () => ({ ask: () => new Refusal('authFailed', 'nobody_is_asked') }) },
  outbound: { call: () => new OutboundError('url', 'not while compiling') },
  counters: new MemoryCounters(MemoryCounters.allocate({ slots: 1_024 }), 1),
  cache: new MemoryCache({ now: Date.now }),
  logFiles: { write: () => undefined },
  servers: new MemoryServerStates(MemoryServerStates.allocate(64)),
  maps: { run: () => ({ done: false, why: 'not while compiling' }) } satisfies KeyValueMaps,
  now: Date.now,
}

/** What only shows when a proxy is compiled: bad conditions, templates, patterns. */
export function problemsOfProxy(deployed: DeployedProxy, settings: Settings): readonly Problem[] {
  return compileProxy(deployed, settings, ALL_KINDS, services).problems
}
