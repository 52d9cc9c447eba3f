import type { DeployedProxy, Settings } from '../model/deployment.ts'
import type { FlowHooks } from '../model/entities.ts'
import { type Problem, Problems } from '../model/problem.ts'
import type { Endpoint, FaultRule, Flow, ProxyEndpoint, RouteRule, Step as StepUse } from '../model/proxy.ts'
import { checkAttachments } from './attachment.ts'
import { Balancers } from './balancer.ts'
import type { EngineServices } from './compile-env.ts'
import { type CompileContext, SharedFlows, StepCompiler, withContent } from './compile-steps.ts'
import { compileTarget } from './compile-target.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { Outcome, Step } from './outcome.ts'
import type { EndpointPlan, FaultRulePlan, ProxyPlan, RoutePlan, Segments, TargetPlan, Test } from './plan.ts'
import type { PolicyKinds, SharedFlowPlan } from './policy.ts'
import type { Recording } from './recording/index.ts'
import { run } from './runner.ts'

export interface Compilation {
  /** Not to be used when there are errors among the problems. */
  readonly plan: ProxyPlan
  readonly problems: readonly Problem[]
}

/**
 * Model in, plan out: all that is costly happens here. Gives every problem that shows, and never throws for one. `recording`: the plan
 * is a second one, for the calls of debug sessions.
 */
export function compileProxy(
  deployed: DeployedProxy,
  settings: Settings,
  kinds: PolicyKinds,
  services: EngineServices,
  recording: Recording | null = null,
): Compilation {
  const problems = new Problems()
  const balancers = new Balancers({ deployed, settings, services, problems })
  const told = recording === null ? services : { ...services, outbound: recording.outbound(services.outbound) }
  const context = { deployed, settings, kinds, services: told, problems, balancers, recording }
  const plan = new ProxyCompilation(context).compile()
  return { plan, problems: problems.list }
}

class ProxyCompilation {
  readonly #context: CompileContext
  readonly #sharedFlows: SharedFlows
  readonly #steps: StepCompiler
  readonly #targets = new Map<string, TargetPlan>()

  constructor(context: CompileContext) {
    this.#context = context
    this.#sharedFlows = new SharedFlows(context)
    this.#steps = new StepCompiler(context.deployed.proxy, context, this.#sharedFlows)
  }

  compile(): ProxyPlan {
    const { deployed, settings } = this.#context
    const { proxy } = deployed
    checkAttachments(proxy, this.#context.kinds, this.#context.problems)
    this.#steps.compileAll()
    for (const target of proxy.targetEndpoints) {
      const plan = compileTarget(
        target.name,
        target.connection,
        this.#steps.compiler(),
        this.#context.settings,
        this.#segments(target, 'target'),
        this.#context.balancers.add(target.connection, `target ${target.name}`),
      )
      this.#targets.set(target.name, plan)
    }
    const endpoints: EndpointPlan[] = []
    const plan: ProxyPlan = {
      deployed,
      settings,
      name: proxy.name,
      revision: proxy.revision,
      endpoints,
      balancers: this.#context.balancers.list,
    }
    for (const endpoint of proxy.proxyEndpoints) endpoints.push(this.#endpoint(endpoint, plan))
    return plan
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
    const test = this.#steps.choiceTest(rule.condition, 'ROUTE', rule.name)
    if (rule.url !== null) {
      const connection = { url: rule.url, balancer: null, properties: {}, at: rule.at }
      return {
        name: rule.name,
        ...test,
        target: compileTarget(
          rule.name,
          connection,
          this.#steps.compiler(),
          this.#context.settings,
          this.#hooksAlone(),
          null,
        ),
      }
    }
    return { name: rule.name, ...test, target: rule.target === null ? null : (this.#targets.get(rule.target) ?? null) }
  }

  #segments(endpoint: Endpoint, side: 'proxy' | 'target'): Segments {
    const tree = `${side.toUpperCase()}_${endpoint.name}`
    const rules = endpoint.faultRules.map((rule) => this.#faultRule(rule, tree))
    return {
      request: this.#segment(endpoint, tree, 'request', this.#hook(HOOKS[side].before), []),
      response: this.#segment(endpoint, tree, 'response', [], this.#hook(HOOKS[side].after)),
      // Edge reads the rules of a proxy from the last to the first, those of a target from the first to the last.
      faultRules: side === 'proxy' ? rules.reverse() : rules,
      defaultFaultRule: endpoint.defaultFaultRule === null ? null : this.#faultRule(endpoint.defaultFaultRule, tree),
    }
  }

  #faultRule(rule: FaultRule, tree: string): FaultRulePlan {
    const test = this.#steps.choiceTest(rule.condition, `${tree}_FAULT`, rule.name)
    return { name: rule.name, ...test, steps: this.#steps.uses(rule.steps), alwaysEnforce: rule.alwaysEnforce }
  }

  /** A route without a target endpoint has no flows of its own, but the environment's hooks. */
  #hooksAlone(): Segments {
    return {
      request: stepsOrNull(this.#hook(HOOKS.target.before)),
      response: stepsOrNull(this.#hook(HOOKS.target.after)),
      faultRules: [],
      defaultFaultRule: null,
    }
  }

  /** The steps of a flow hook; none where the environment has no such hook. */
  #hook(hook: keyof FlowHooks): readonly Step[] {
    const { problems, settings } = this.#context
    const attached = settings.entities.flowHooks[hook]
    if (attached === null) return []
    const { sharedFlow: name, continueOnError } = attached
    const flow = this.#sharedFlows.find(name)
    if (flow !== null) return [enterFlow(hook), ...(continueOnError ? [unfailing(flow)] : flow.steps)]
    problems.error('SharedFlowNotFound', NOWHERE, `${hook} names the shared flow ${name}, which is not deployed`)
    return []
  }

  /** PreFlow, the first flow whose condition holds, PostFlow, between the hooks: one flat list. */
  #segment(
    endpoint: Endpoint,
    tree: string,
    side: 'request' | 'response',
    before: readonly Step[],
    after: readonly Step[],
  ): readonly Step[] | null {
    const { preFlow, flows, postFlow } = endpoint
    const cache = side === 'response' ? this.#cacheIn(endpoint) : null
    const inPost = cache !== null && usesOf(postFlow, side).some(({ policy }) => policy === cache)
    const inFlows = cache !== null && flows.some((flow) => flow[side].some(({ policy }) => policy === cache))
    const skipped = (step: Step): Step => (cache === null ? step : unlessHit(cache, step))
    const pre = this.#named('PreFlow', usesOf(preFlow, side), cache)
    const steps = [...before, ...(inPost || inFlows ? pre.map(skipped) : pre)]
    if (flows.some((flow) => flow[side].length > 0)) {
      const choice = this.#choice(endpoint, tree, side, cache)
      steps.push(inPost ? skipped(choice) : choice)
    }
    steps.push(...this.#named('PostFlow', usesOf(postFlow, side), cache))
    steps.push(...after)
    return stepsOrNull(steps)
  }

  /**
   * The ResponseCache policy that a response flow of the proxy populates; null: none does. After a hit the steps before that place are
   * skipped: what they made of the response was kept with it.
   */
  #cacheIn({ preFlow, flows, postFlow }: Endpoint): string | null {
    const caches = this.#context.deployed.proxy.policies.filter(({ kind }) => kind === 'ResponseCache')
    const uses = [preFlow, ...flows, postFlow].flatMap((flow) => usesOf(flow, 'response'))
    return uses.find(({ policy }) => caches.some(({ name }) => name === policy))?.policy ?? null
  }

  /** `cache`: steps before its own place do nothing after a hit. */
  #named(name: string, uses: readonly StepUse[], cache: string | null = null): Step[] {
    const steps = this.#flow(uses, cache)
    return steps.length === 0 ? [] : [enterFlow(name), ...steps]
  }

  #flow(uses: readonly StepUse[], cache: string | null): Step[] {
    const at = cache === null ? -1 : uses.findIndex(({ policy }) => policy === cache)
    if (at <= 0) return this.#steps.uses(uses)
    const skipped = this.#steps.uses(uses.slice(0, at)).map((step) => unlessHit(cache!, step))
    return [...skipped, ...this.#steps.uses(uses.slice(at))]
  }

  #choice(endpoint: Endpoint, tree: string, side: 'request' | 'response', cache: string | null): Step {
    const needs: number[] = []
    const tests: (Test | null)[] = []
    const lists: Step[][] = []
    for (const flow of endpoint.flows) {
      const test = this.#steps.choiceTest(flow.condition, tree, flow.name)
      tests.push(test.test)
      needs.push(test.needs)
      const enter = side === 'request' && 'routeRules' in endpoint ? enterConditional : enterFlow
      lists.push([enter(flow.name), ...this.#flow(flow[side], cache)])
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
}

/** The hooks around the segments of each side (Edge, "Attaching a shared flow to a flow hook"). */
const HOOKS = {
  proxy: { before: 'PreProxyFlowHook', after: 'PostProxyFlowHook' },
  target: { before: 'PreTargetFlowHook', after: 'PostTargetFlowHook' },
} as const satisfies Record<string, Record<'before' | 'after', keyof FlowHooks>>

const NOWHERE = { file: 'flow hooks', line: 1, column: 1 }

const stepsOrNull = (steps: readonly Step[]): readonly Step[] | null => (steps.length === 0 ? null : steps)

/** Runs a shared flow whose faults end it and nothing else. Its steps are there when the deployment is. */
function unfailing(flow: SharedFlowPlan): Step {
  const settled = (outcome: Outcome): Outcome => (outcome instanceof Fault ? undefined : outcome)
  return (x) => {
    const outcome = run(flow.steps, x)
    return outcome instanceof Promise ? outcome.then(settled) : settled(outcome)
  }
}

const usesOf = (flow: Flow | null, side: 'request' | 'response'): readonly StepUse[] => flow?.[side] ?? []

function unlessHit(cache: string, step: Step): Step {
  const hit = `responsecache.${cache}.cachehit`
  return (x) => (x.get(hit) === true ? undefined : step(x))
}

function enterFlow(name: string): Step {
  return (x) => {
    x.flowName = name
    return undefined
  }
}

/** Of the proxy's request: what a call is told apart by. */
function enterConditional(name: string): Step {
  return (x) => {
    x.flowName = name
    x.conditionalFlow = name
    return undefined
  }
}
