import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PublishedApi } from '../../model/apig.ts'
import type { Endpoint, FaultRule, Flow, ProxyEndpoint, Step, TargetEndpoint } from '../../model/proxy.ts'
import type { Service } from '../../model/service.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions, ProxySummary, ServedProxy } from '../options.ts'
import type {
  EndpointFlows,
  FlowAnswer,
  FlowStep,
  ProxiesAnswer,
  ProxyListAnswer,
  ProxyPageAnswer,
  ProxyRoute,
  ProxyTarget,
} from './answers.ts'
import { noParameters } from './parameters.ts'
import { serviceAnswer } from './scope.ts'

/** `/proxies`, `/proxies/{name}`: what is served, and what a proxy consists of. */
export function proxyRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get('/proxies', { schema: { querystring: noParameters } }, (): ProxiesAnswer => {
    const services = options.services()
    return { proxies: options.proxies().map((proxy) => listed(proxy, services)) }
  })
  scope.get(
    '/proxies/:name',
    { schema: { querystring: noParameters } },
    (request: FastifyRequest<{ Params: { name: string } }>) => page(options, request.params.name),
  )
}

function listed(proxy: ProxySummary, services: readonly Service[]): ProxyListAnswer {
  const { name, revision, basePaths, dialect, deployedAtMs, policies } = proxy
  return { name, revision, basePaths, service: serviceOf(services, proxy.serviceId), dialect, deployedAtMs, policies }
}

function serviceOf(services: readonly Service[], id: string | null): ProxyListAnswer['service'] {
  const service = services.find((one) => one.id === id)
  return service === undefined ? null : serviceAnswer(service)
}

function page(options: AdminOptions, name: string): ProxyPageAnswer {
  const served = options.proxy(name)
  if (served === null) throw new AdminError(404, 'unknown_proxy', `There is no proxy ${name}; /api/proxies lists them.`)
  return served.kind === 'api' ? apiPage(served.name, served.versions) : proxyPage(options, served)
}

function proxyPage(
  options: AdminOptions,
  { deployed, revisions }: Extract<ServedProxy, { kind: 'proxy' }>,
): ProxyPageAnswer {
  const { proxy, serviceId, throttle } = deployed
  return {
    name: proxy.name,
    revision: proxy.revision,
    revisions,
    displayName: proxy.displayName,
    description: proxy.description,
    basePaths: proxy.proxyEndpoints.map(({ basePath }) => basePath),
    dialect: proxy.dialect,
    service: serviceOf(options.services(), serviceId),
    throttle: throttle?.name ?? null,
    flows: [
      ...proxy.proxyEndpoints.map((endpoint) => flowsOf('proxy', endpoint)),
      ...proxy.targetEndpoints.map((endpoint) => flowsOf('target', endpoint)),
    ],
    routes: proxy.proxyEndpoints.flatMap(routesOf),
    targets: proxy.targetEndpoints.map(targetOf),
    policies: proxy.policies.map(({ name, displayName, kind, enabled, continueOnError }) => ({
      name,
      displayName,
      type: kind,
      enabled,
      continueOnError,
    })),
  }
}

/** APIs of the apig dialect have no flows: each environment has its version, with one back end. */
function apiPage(name: string, versions: readonly PublishedApi[]): ProxyPageAnswer {
  const first = versions[0]!
  return {
    name,
    revision: 1,
    revisions: [1],
    displayName: first.apiName,
    description: '',
    basePaths: [...new Set(versions.map(({ path }) => path))],
    dialect: 'apig',
    service: null,
    throttle: first.throttle?.name ?? null,
    flows: [],
    routes: versions.map(({ stage, method }) => ({
      endpoint: stage,
      name: method,
      condition: null,
      target: stage,
    })),
    targets: [],
    policies: [],
  }
}

function flowsOf(endpoint: 'proxy' | 'target', of: Endpoint): EndpointFlows {
  const rules = of.defaultFaultRule === null ? of.faultRules : [...of.faultRules, of.defaultFaultRule]
  return {
    endpoint,
    name: of.name,
    preFlow: flowOf(of.preFlow),
    flows: of.flows.map((flow) => flowOf(flow)!),
    postFlow: flowOf(of.postFlow),
    faultRules: rules.map(ruleOf),
    postClientFlow: 'postClientFlow' in of ? flowOf((of as ProxyEndpoint).postClientFlow) : null,
  }
}

function flowOf(flow: Flow | null): FlowAnswer | null {
  if (flow === null) return null
  return {
    name: flow.name,
    condition: flow.condition?.text ?? null,
    request: flow.request.map(stepOf),
    response: flow.response.map(stepOf),
  }
}

const ruleOf = ({ name, condition, steps }: FaultRule): FlowAnswer => ({
  name,
  condition: condition?.text ?? null,
  request: steps.map(stepOf),
  response: [],
})

const stepOf = ({ policy, condition }: Step): FlowStep => ({ step: policy, condition: condition?.text ?? null })

function routesOf({ name, routeRules }: ProxyEndpoint): ProxyRoute[] {
  return routeRules.map((rule) => ({
    endpoint: name,
    name: rule.name,
    condition: rule.condition?.text ?? null,
    target: rule.target ?? (rule.url === null ? null : plainUrl(rule.url.text)),
  }))
}

function targetOf({ name, connection }: TargetEndpoint): ProxyTarget {
  if ('local' in connection) {
    const { local } = connection
    const place = 'path' in local ? local.path.text : `${local.proxy.text} (${local.endpoint.text})`
    return { name, url: `local: ${place}`, loadBalancer: null }
  }
  const { url, balancer } = connection
  return {
    name,
    url: url === null ? null : plainUrl(url.text),
    loadBalancer:
      balancer === null
        ? null
        : { algorithm: balancer.algorithm, servers: balancer.servers.map((server) => server.name) },
  }
}

/** Without user, password and query. */
const plainUrl = (url: string): string => url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1').replace(/\?.*$/s, '')
