import type { Exchange } from '../engine/exchange.ts'
import type { Outcome, Step } from '../engine/outcome.ts'
import type { EndpointPlan, FaultRulePlan, ProxyPlan, Segments } from '../engine/plan.ts'
import { run } from '../engine/runner.ts'
import type { Backend, PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, Settings } from '../model/deployment.ts'
import { accessSteps, clientAddress } from './access.ts'
import { answerSteps, corsStep, gatewayResponses } from './answers.ts'
import { type CompiledBackend, chooseBackend, compileBackend, mockStep, routeTo } from './backend.ts'
import { type CompiledBreaker, compileBreaker } from './breaker.ts'
import { quotaStep, rateRulesStep } from './limits.ts'
import { validationStep } from './parameters.ts'
import type { ApigServices } from './services.ts'

/** A published API as the gateway runs it: who may call before the throttles, everything else in its endpoint. */
export interface CompiledApi {
  readonly api: PublishedApi
  readonly endpoint: EndpointPlan
  readonly access: readonly Step[]
  /** Answers preflights of an API that takes no OPTIONS itself; null: nothing is to be answered. */
  readonly preflight: readonly Step[] | null
}

/** `services` may be used for longer than one publication: what they give of credentials is that of the latest. */
export function compileApi(api: PublishedApi, settings: Settings, services: ApigServices): CompiledApi {
  const cors = api.corsPolicy === null ? null : corsStep(api.corsPolicy)
  const rules = api.rateRules === null ? null : rateRulesStep(api, api.rateRules, settings.rateLimitFields, services)
  const access: Step[] = [addressOf(services)]
  if (cors !== null) access.push(cors)
  access.push(...accessSteps(api, services))
  if (rules !== null) access.push(rules)
  const takesOptions = api.method === 'ANY' || api.method === 'OPTIONS'
  const preflight = cors === null || takesOptions ? null : [cors]
  return { api, endpoint: endpointPlan(api, settings, services), access, preflight }
}

function addressOf(services: ApigServices): Step {
  return (x) => {
    x.address = clientAddress(x, services)
    return undefined
  }
}

function endpointPlan(api: PublishedApi, settings: Settings, services: ApigServices): EndpointPlan {
  const breaker = breakerOf(api, services)
  const faultSteps: Step[] = breaker === null ? [] : [breaker.judge]
  const words = gatewayResponses(api.responses)
  if (words !== null) faultSteps.push(words)
  const segments: Segments = {
    request: null,
    response: breaker === null ? null : [breaker.judge],
    faultRules: [],
    defaultFaultRule: faultSteps.length === 0 ? null : alwaysRun(faultSteps),
  }
  const backends = [api.backend, ...api.branches.map((branch) => branch.backend)].map((backend) =>
    compileBackend(api, backend, segments, services.gatewayId),
  )
  const downgrade = api.breaker?.downgrade ?? null
  const all =
    downgrade?.kind === 'http' ? [...backends, compileBackend(api, downgrade, segments, services.gatewayId)] : backends
  const answers = answerSteps(api)
  return {
    request: requestSteps(api, backends, breaker?.guard ?? null, services),
    response: answers.length === 0 ? null : answers,
    faultRules: [],
    defaultFaultRule: segments.defaultFaultRule,
    proxy: proxyPlan(api, settings),
    name: api.stage,
    basePath: api.path,
    virtualHosts: [],
    properties: {},
    routes: all.filter(({ target }) => target !== null).map(routeTo),
    postClient: null,
  }
}

/** Quota, parameters, circuit breaker, backend. */
function requestSteps(
  api: PublishedApi,
  backends: readonly CompiledBackend[],
  guard: Step | null,
  services: ApigServices,
): Step[] {
  const steps: Step[] = []
  if (api.auth.type === 'APP') steps.push(quotaStep(services))
  const validation = validationStep(api)
  if (validation !== null) steps.push(validation)
  const choose = chooseBackend(api)
  const byBackend = new Map<Backend, readonly Step[]>(backends.map(({ backend, steps }) => [backend, steps]))
  if (guard !== null) steps.push(guard)
  if (backends.length === 1) steps.push(unlessChosen(backends[0]!.steps))
  else steps.push((x) => (isChosen(x) ? undefined : run(byBackend.get(choose(x))!, x)))
  return steps
}

/** An open breaker has chosen the backend of its downgrade. */
function unlessChosen(steps: readonly Step[]): Step {
  return (x) => (isChosen(x) ? undefined : run(steps, x))
}

const isChosen = (x: Exchange): boolean => !x.copyPathSuffix

function breakerOf(api: PublishedApi, services: ApigServices): CompiledBreaker | null {
  const { breaker } = api
  if (breaker === null) return null
  const { downgrade } = breaker
  let downgraded: Step | null = null
  if (downgrade?.kind === 'mock') downgraded = mockStep(downgrade)
  else if (downgrade !== null && downgrade !== undefined) {
    const noSegments: Segments = { request: null, response: null, faultRules: [], defaultFaultRule: null }
    const { steps } = compileBackend(api, downgrade, noSegments, services.gatewayId)
    downgraded = (x): Outcome | Promise<Outcome> => run(steps, x)
  }
  return compileBreaker(breaker, downgraded, services)
}

function alwaysRun(steps: readonly Step[]): FaultRulePlan {
  return { name: 'gateway response', test: null, needs: 0, steps, alwaysEnforce: true }
}

/** Group and API together name it in statistics and logs. */
export const proxyName = (api: PublishedApi): string => `${api.groupName}/${api.apiName}`

function proxyPlan(api: PublishedApi, settings: Settings): ProxyPlan {
  const name = proxyName(api)
  const deployed: DeployedProxy = {
    proxy: {
      dialect: 'apig',
      name,
      revision: 1,
      displayName: name,
      description: '',
      proxyEndpoints: [],
      targetEndpoints: [],
      policies: [],
      resources: [],
    },
    serviceId: null,
    throttle: api.throttle,
  }
  return {
    deployed,
    settings: { ...settings, environment: api.stage },
    name,
    revision: 1,
    endpoints: [],
    balancers: [],
  }
}
