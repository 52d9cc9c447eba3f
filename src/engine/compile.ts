import type { DeployedProxy, Settings } from '../model/deployment.ts'
import { type Problem, Problems } from '../model/problem.ts'
import type { Endpoint, FaultRule, Flow, Policy, ProxyEndpoint, RouteRule, Step as StepUse } from '../model/proxy.ts'
import type { SourceText } from '../model/source.ts'
import { Compiler, type EngineServices, policyEnv } from './compile-env.ts'
import { compileTarget } from './compile-target.ts'
import { loadContent } from './content.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { Outcome, Step } from './outcome.ts'
import type { EndpointPlan, FaultRulePlan, ProxyPlan, RoutePlan, Segments, TargetPlan, Test } from './plan.ts'
import type { PolicyKinds } from './policy.ts'
import { run } from './runner.ts'

export interface Compilation {
  /** Not to be used when there are errors among the problems. */
  readonly plan: ProxyPlan
  readonly problems: readonly Problem[]
}

/** Model in, plan out: all that is costly happens here. Gives every problem that shows, and never throws for one. */
export function compileProxy(
  deployed: DeployedProxy,
  settings: Settings,
  kinds: PolicyKinds,
  services: EngineServices,
): Compilation {
  const problems = new Problems()
  const plan = new ProxyCompilation(deployed, settings, kinds, services, problems).compile()
  return { plan, problems: problems.list }
}

/** A condition together with the bodies it reads. */
interface CompiledTest {
  readonly test: Test | null
  readonly needs: number
}

class ProxyCompilation {
  readonly #deployed: DeployedProxy
  readonly #settings: Settings
  readonly #kinds: PolicyKinds
  readonly #services: EngineServices
  readonly #problems: Problems
  readonly #policies = new Map<string, Policy>()
  readonly #steps = new Map<string, Step | null>()
  readonly #targets = new Map<string, TargetPlan>()

  constructor(
    deployed: DeployedProxy,
    settings: Settings,
    kinds: PolicyKinds,
    services: EngineServices,
    problems: Problems,
  ) {
    this.#deployed = deployed
    this.#settings = settings
    this.#kinds = kinds
    this.#services = services
    this.#problems = problems
    for (const policy of deployed.proxy.policies) this.#policies.set(policy.name, policy)
  }

  compile(): ProxyPlan {
    const { proxy } = this.#deployed
    // Policies that no flow uses are compiled too: their errors are errors of the bundle.
    for (const policy of proxy.policies) this.#policyStep(policy.name)
    for (const target of proxy.targetEndpoints) {
      const plan = compileTarget(target.name, target.connection, this.#compiler(), this.#segments(target, 'target'))
      this.#targets.set(target.name, plan)
    }
    const endpoints: EndpointPlan[] = []
    const plan: ProxyPlan = {
      deployed: this.#deployed,
      settings: this.#settings,
      name: proxy.name,
      revision: proxy.revision,
      endpoints,
    }
    for (const endpoint of proxy.proxyEndpoints) endpoints.push(this.#endpoint(endpoint, plan))
    return plan
  }

  #compiler(): Compiler {
    return new Compiler(this.#problems, this.#services)
  }

  #endpoint(endpoint: ProxyEndpoint, proxy: ProxyPlan): EndpointPlan {
    const postClient = endpoint.postClientFlow
    return {
      ...this.#segments(endpoint, 'proxy'),
      proxy,
      name: endpoint.name,
      basePath: endpoint.basePath,
      virtualHosts: endpoint.virtualHosts,
      properties: endpoint.properties,
      routes: endpoint.routeRules.map((rule) => this.#route(rule)),
      postClient: postClient === null ? null : stepsOrNull(this.#named('PostClientFlow', postClient.response)),
    }
  }

  #route(rule: RouteRule): RoutePlan {
    const test = this.#test(rule.condition)
    if (rule.url !== null) {
      const connection = { url: rule.url, properties: {}, at: rule.at }
      return { name: rule.name, ...test, target: compileTarget(rule.name, connection, this.#compiler(), NO_SEGMENTS) }
    }
    return { name: rule.name, ...test, target: rule.target === null ? null : (this.#targets.get(rule.target) ?? null) }
  }

  #segments(endpoint: Endpoint, side: 'proxy' | 'target'): Segments {
    const rules = endpoint.faultRules.map((rule) => this.#faultRule(rule))
    return {
      request: this.#segment(endpoint, 'request'),
      response: this.#segment(endpoint, 'response'),
      // Edge reads the rules of a proxy from the last to the first, those of a target from the first to the last.
      faultRules: side === 'proxy' ? rules.reverse() : rules,
      defaultFaultRule: endpoint.defaultFaultRule === null ? null : this.#faultRule(endpoint.defaultFaultRule),
    }
  }

  #faultRule(rule: FaultRule): FaultRulePlan {
    const test = this.#test(rule.condition)
    return { name: rule.name, ...test, steps: this.#uses(rule.steps), alwaysEnforce: rule.alwaysEnforce }
  }

  /** PreFlow, the first flow whose condition holds, PostFlow: one flat list. */
  #segment(endpoint: Endpoint, side: 'request' | 'response'): Step[] | null {
    const steps = endpoint.preFlow === null ? [] : this.#named('PreFlow', endpoint.preFlow[side])
    if (endpoint.flows.some((flow) => flow[side].length > 0)) steps.push(this.#choice(endpoint.flows, side))
    if (endpoint.postFlow !== null) steps.push(...this.#named('PostFlow', endpoint.postFlow[side]))
    return stepsOrNull(steps)
  }

  #named(name: string, uses: readonly StepUse[]): Step[] {
    const steps = this.#uses(uses)
    return steps.length === 0 ? [] : [enterFlow(name), ...steps]
  }

  #choice(flows: readonly Flow[], side: 'request' | 'response'): Step {
    const needs: number[] = []
    const tests: (Test | null)[] = []
    const lists: Step[][] = []
    for (const flow of flows) {
      const test = this.#test(flow.condition)
      tests.push(test.test)
      needs.push(test.needs)
      lists.push([enterFlow(flow.name), ...this.#uses(flow[side])])
    }
    const bits = needs.reduce((all, bit) => all | bit, 0)
    const choose = (x: Exchange): Outcome | Promise<Outcome> => {
      for (let i = 0; i < tests.length; i++) {
        const test = tests[i]
        if (test === null || test!(x)) return run(lists[i]!, x)
      }
      return undefined
    }
    return withContent(bits, choose)
  }

  #uses(uses: readonly StepUse[]): Step[] {
    const steps: Step[] = []
    for (const use of uses) {
      // Compiled even where there is no step to guard: its errors are errors of the bundle.
      const { test, needs } = this.#test(use.condition)
      const step = this.#policyStep(use.policy)
      if (step === null) continue
      steps.push(test === null ? step : withContent(needs, (x) => (test(x) ? step(x) : undefined)))
    }
    return steps
  }

  /** The step of a policy, made once however often it is used; null when it is switched off or unknown. */
  #policyStep(name: string): Step | null {
    const known = this.#steps.get(name)
    if (known !== undefined) return known
    const policy = this.#policies.get(name)
    const kind = policy === undefined ? undefined : this.#kinds.get(policy.kind)
    let step: Step | null = null
    if (policy !== undefined && kind !== undefined) {
      const compiler = this.#compiler()
      const inner = kind.compile(
        policy.config,
        policyEnv(compiler, kind, policy, { deployed: this.#deployed, settings: this.#settings }),
      )
      if (policy.enabled) step = withContent(compiler.needs.bits, guarded(inner, policy, kind.prefix))
    }
    this.#steps.set(name, step)
    return step
  }

  #test(source: SourceText | null): CompiledTest {
    if (source === null) return { test: null, needs: 0 }
    const compiler = this.#compiler()
    return { test: compiler.condition(source), needs: compiler.needs.bits }
  }
}

const NO_SEGMENTS: Segments = { request: null, response: null, faultRules: [], defaultFaultRule: null }

const stepsOrNull = (steps: Step[]): Step[] | null => (steps.length === 0 ? null : steps)

function enterFlow(name: string): Step {
  return (x) => {
    x.flowName = name
    return undefined
  }
}

/** Loads the bodies that a step reads before it runs; a step that reads none is left as it is. */
function withContent(bits: number, step: Step): Step {
  if (bits === 0) return step
  return (x) => {
    const loading = loadContent(x, bits)
    if (loading === undefined) return step(x)
    if (loading instanceof Promise) return loading.then((fault) => fault ?? step(x))
    return loading
  }
}

/** What is the same for all policies: the `failed` variable, and continueOnError. */
function guarded(step: Step, policy: Policy, prefix: string): Step {
  const failed = `${prefix}.${policy.name}.failed`
  const settle = (x: Exchange, outcome: Outcome): Outcome => {
    if (!(outcome instanceof Fault)) return outcome
    x.set(failed, true)
    if (!policy.continueOnError) return outcome
    x.set('fault.name', outcome.name)
    return undefined
  }
  return (x) => {
    const outcome = step(x)
    if (outcome === undefined) return undefined
    return outcome instanceof Promise ? outcome.then((late) => settle(x, late)) : settle(x, outcome)
  }
}
