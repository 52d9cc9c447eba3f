import { apigFault } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import { reasonOf } from '../engine/fault.ts'
import { Message } from '../engine/message.ts'
import { Reply, type Step } from '../engine/outcome.ts'
import type { RoutePlan, Segments, TargetPlan } from '../engine/plan.ts'
import type { Backend, HttpBackend, MockBackend, PublishedApi } from '../model/apig.ts'
import { branchTest } from './branches.ts'
import { encodePath, encodeSegment } from './encoding.ts'
import { hopOf } from './hops.ts'
import { mappingStep, pathNames } from './parameters.ts'
import { stateOf } from './state.ts'

/** The steps that send a call to one backend, and its target plan; null for a mock, whose last step is the answer. */
export interface CompiledBackend {
  readonly backend: Backend
  readonly steps: readonly Step[]
  readonly target: TargetPlan | null
}

const CONNECT_TIMEOUT_MS = 3_000
const MAPPING_FAILED = apigFault('MappingFailed')

export function compileBackend(
  api: PublishedApi,
  backend: Backend,
  segments: Segments,
  gatewayId: string,
): CompiledBackend {
  if (backend.kind === 'mock') return { backend, steps: [mockStep(backend)], target: null }
  const mapping = mappingStep(api, backend.parameters)
  const steps: Step[] = [chosen(backend)]
  if (mapping !== null) steps.push(mapping)
  if (backend.method !== 'ANY') steps.push(methodStep(backend.method))
  return { backend, steps, target: targetPlan(api, backend, segments, gatewayId) }
}

/** Which backend a call goes to: the first policy that applies, else the default. */
export function chooseBackend(api: PublishedApi): (x: Exchange) => Backend {
  const branches = api.branches.map((branch) => ({ test: branchTest(api, branch), backend: branch.backend }))
  if (branches.length === 0) return () => api.backend
  return (x) => {
    for (const { test, backend } of branches) if (test(x)) return backend
    return api.backend
  }
}

export const routeTo = ({ backend, target }: CompiledBackend): RoutePlan => ({
  name: 'backend',
  test: (x) => stateOf(x).backend === backend,
  needs: 0,
  target,
})

function chosen(backend: Backend): Step {
  return (x) => {
    stateOf(x).backend = backend
    x.copyPathSuffix = false
    return undefined
  }
}

function methodStep(method: string): Step {
  return (x) => {
    x.request.verb = method
    return undefined
  }
}

/** Mock: the answer is written in the API itself. */
export function mockStep({ status, body, headers }: MockBackend): Step {
  const typed = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-type')
  const all = typed ? headers : ['Content-Type', 'application/json', ...headers]
  return () => new Reply(Message.response(status, reasonOf(status), all.slice(), body), true)
}

function targetPlan(api: PublishedApi, backend: HttpBackend, segments: Segments, gatewayId: string): TargetPlan {
  const { timeoutMs, hostHeader, retries } = backend
  const fixed = api.prefix || /[{}]/.test(backend.path) ? null : backend.origin + backend.path
  return {
    ...segments,
    name: 'backend',
    url: urlOf(api, backend),
    fixedUrl: fixed,
    local: null,
    balancer: null,
    needs: 0,
    tls: null,
    success: () => true,
    connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    ioTimeoutMs: timeoutMs,
    retainRequestHeaders: null,
    retainResponseHeaders: null,
    retainQuery: null,
    retries,
    hop: hopOf(api, gatewayId),
    hostHeader,
  }
}

/** The URL of a call: path parameters filled in, and behind a prefix what it left. */
function urlOf(api: PublishedApi, backend: HttpBackend): (x: Exchange) => string | Fault {
  const names = pathNames(api.path)
  const parts = backend.path.split(/\{([^{}]+)\}/)
  // Odd ones are names.
  const own = parts.map((part, i) => (i % 2 === 0 ? -1 : names.indexOf(part.replace(/\+$/, ''))))
  return (x) => {
    const { backendPath, pathValues, rest } = stateOf(x)
    let path = parts[0]!
    for (let i = 1; i < parts.length; i += 2) {
      const name = parts[i]!.replace(/\+$/, '')
      const value = backendPath?.get(name) ?? encodedValue(pathValues[own[i]!], parts[i]!)
      if (value === undefined) return MAPPING_FAILED
      path += value + parts[i + 1]!
    }
    if (api.prefix && rest !== '') path = path.replace(/\/$/, '') + encodePath(rest)
    return backend.origin + path
  }
}

function encodedValue(value: string | undefined, name: string): string | undefined {
  if (value === undefined) return undefined
  return name.endsWith('+') ? encodePath(value) : encodeSegment(value)
}
