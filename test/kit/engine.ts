import { KeyValueStore } from '../../src/catalog/key-value-maps.ts'
import { readBundle } from '../../src/dialects/apigee/index.ts'
import { Refusal } from '../../src/engine/access.ts'
import { compileProxy } from '../../src/engine/compile.ts'
import type { EngineServices } from '../../src/engine/compile-env.ts'
import { type Client, Exchange } from '../../src/engine/exchange.ts'
import { Fault } from '../../src/engine/fault.ts'
import { takeFaultPath } from '../../src/engine/fault-path.ts'
import { Message } from '../../src/engine/message.ts'
import { type OutboundAnswer, OutboundError } from '../../src/engine/policy.ts'
import { run } from '../../src/engine/runner.ts'
import { defaultSettings } from '../../src/model/deployment.ts'
import { POLICY_KINDS } from '../../src/policies/index.ts'
import { MemoryCache } from '../../src/stores/memory/cache.ts'
import { MemoryCounters } from '../../src/stores/memory/counters.ts'
import { MemoryDocuments } from '../../src/stores/memory/documents.ts'
import { MemoryServerStates } from '../../src/stores/memory/server-states.ts'

/** All that policies need, and no server: `answer` is what every callout gets. */
export function engineServices(answer: OutboundAnswer | OutboundError): EngineServices {
  return {
    access: { open: () => ({ ask: () => new Refusal('authFailed', 'nobody_is_asked') }) },
    outbound: { call: () => Promise.resolve(answer) },
    counters: new MemoryCounters(MemoryCounters.allocate({ slots: 1_024 }), 1),
    cache: new MemoryCache({ now: Date.now }),
    logFiles: { write: () => undefined },
    servers: new MemoryServerStates(MemoryServerStates.allocate(64)),
    maps: new KeyValueStore({ documents: new MemoryDocuments(), now: Date.now }),
    now: Date.now,
  }
}

export const CLIENT: Client = { address: '127.0.0.1', port: 1, secure: false, host: 'h', localPort: 80 }

/** A proxy at /p with the given fault rules, whose request PreFlow runs `steps`; gives a function that runs one request. */
export function compileProxies(
  rules: string,
  policies: readonly string[],
  steps: readonly string[],
): (uri: string) => Promise<Exchange> {
  const flow = steps.map((name) => `<Step><Name>${name}</Name></Step>`).join('')
  const files = new Map<string, string>([
    ['apiproxy/p.xml', '<APIProxy name="p"/>'],
    ...policies.map((xml, i) => [`apiproxy/policies/${i}.xml`, xml] as const),
    [
      'apiproxy/proxies/default.xml',
      `<ProxyEndpoint name="default">${rules}<PreFlow><Request>${flow}</Request></PreFlow>
       <HTTPProxyConnection><BasePath>/p</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    ],
  ])
  const { proxy, problems } = readBundle(files, POLICY_KINDS)
  if (proxy === null) throw new Error(JSON.stringify(problems))
  const services = engineServices(new OutboundError('url', 'no calls here'))
  const compiled = compileProxy({ proxy, serviceId: null, throttle: null }, defaultSettings, POLICY_KINDS, services)
  const errors = compiled.problems.filter((problem) => problem.severity === 'error')
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  const endpoint = compiled.plan.endpoints[0]!
  return async (uri) => {
    const request = Message.streaming('request', ['Host', 'h'], null)
    request.uri = uri
    const x = new Exchange('id', endpoint, CLIENT, request, '/p', '', 1, 0, 0)
    const outcome = await run(endpoint.request ?? [], x)
    if (outcome instanceof Fault) await takeFaultPath(x, outcome)
    return x
  }
}
