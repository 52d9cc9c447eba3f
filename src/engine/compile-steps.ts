import type { MaybePromise } from '../core/async.ts'
import type { DeployedProxy, Settings } from '../model/deployment.ts'
import type { Problems } from '../model/problem.ts'
import type { Policy, Resource, Step as StepUse } from '../model/proxy.ts'
import type { SourceText } from '../model/source.ts'
import type { Balancers } from './balancer.ts'
import { Compiler, type EngineServices, policyEnv } from './compile-env.ts'
import { loadContent } from './content.ts'
import type { Caller, Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { Outcome, Step } from './outcome.ts'
import type { Test } from './plan.ts'
import type { PolicyKinds, SharedFlowPlan } from './policy.ts'
import type { StepInfo } from './recording/call-recorder.ts'
import { type Recording, shown } from './recording/index.ts'

/** What is the same for all that one deployment compiles. */
export interface CompileContext {
  readonly deployed: DeployedProxy
  readonly settings: Settings
  readonly kinds: PolicyKinds
  readonly services: EngineServices
  readonly problems: Problems
  readonly balancers: Balancers
  /** The plan tells what it does; null: it does not. */
  readonly recording: Recording | null
}

/** What has policies of its own: a proxy, a shared flow. */
export interface StepOwner {
  readonly policies: readonly Policy[]
  readonly resources: readonly Resource[]
}

/** A condition together with the bodies it reads. */
export interface CompiledTest {
  readonly test: Test | null
  readonly needs: number
}

/** The shared flows that one deployment uses, each compiled once however often it is called, also by itself. */
export class SharedFlows {
  readonly #context: CompileContext
  readonly #plans = new Map<string, SharedFlowPlan>()

  constructor(context: CompileContext) {
    this.#context = context
  }

  /** Null: there is none of that name. */
  find(name: string): SharedFlowPlan | null {
    const known = this.#plans.get(name)
    if (known !== undefined) return known
    const flow = this.#context.settings.entities.sharedFlows.find((one) => one.name === name)
    if (flow === undefined) return null
    const plan: { name: string; steps: readonly Step[] } = { name, steps: [] }
    // Before its steps: one of them may call this flow.
    this.#plans.set(name, plan)
    const steps = new StepCompiler(flow, this.#context, this)
    steps.compileAll()
    plan.steps = steps.uses(flow.steps)
    return plan
  }
}

/** Compiles the policies of one owner, and the places where flows use them. */
export class StepCompiler {
  readonly #owner: StepOwner
  readonly #context: CompileContext
  readonly #sharedFlows: SharedFlows
  readonly #policies = new Map<string, Policy>()
  readonly #steps = new Map<string, Step | null>()

  constructor(owner: StepOwner, context: CompileContext, sharedFlows: SharedFlows) {
    this.#owner = owner
    this.#context = context
    this.#sharedFlows = sharedFlows
    for (const policy of owner.policies) this.#policies.set(policy.name, policy)
  }

  compiler(): Compiler {
    const { problems, services, recording } = this.#context
    return new Compiler(problems, services, recording)
  }

  /** Policies that no flow uses are compiled too: their errors are errors of the bundle. */
  compileAll(): void {
    for (const name of this.#policies.keys()) this.#policyStep(name)
  }

  uses(uses: readonly StepUse[]): Step[] {
    const { recording } = this.#context
    const steps: Step[] = []
    for (const use of uses) {
      // Compiled even where there is no step to guard: its errors are errors of the bundle.
      const { test, needs } = this.test(use.condition)
      const step = this.#policyStep(use.policy)
      if (recording !== null) {
        steps.push(withContent(needs, recording.step(this.#info(use), test, step)))
        continue
      }
      if (step === null) continue
      steps.push(test === null ? step : withContent(needs, (x) => (test(x) ? step(x) : undefined)))
    }
    return steps
  }

  test(source: SourceText | null): CompiledTest {
    if (source === null) return { test: null, needs: 0 }
    const compiler = this.compiler()
    return { test: compiler.condition(source), needs: compiler.needs.bits }
  }

  /** The same of what lets a flow, a route or a rule through. `tree`: where it is asked, for traces. */
  choiceTest(source: SourceText | null, tree: string, of: string): CompiledTest {
    const { recording } = this.#context
    const { test, needs } = this.test(source)
    if (recording === null || test === null) return { test, needs }
    return { test: recording.test(tree, of, source!.text, test), needs }
  }

  /** What a trace tells of a step. */
  #info({ policy: name, condition }: StepUse): StepInfo {
    const policy = this.#policies.get(name)
    return {
      name,
      displayName: policy?.displayName ?? name,
      type: policy?.kind ?? 'unknown',
      enabled: policy?.enabled ?? false,
      continueOnError: policy?.continueOnError ?? false,
      internal: false,
      expression: condition === null ? null : shown(condition.text),
    }
  }

  /** The step of a policy, made once however often it is used; null when it is switched off or unknown. */
  #policyStep(name: string): Step | null {
    const known = this.#steps.get(name)
    if (known !== undefined) return known
    const policy = this.#policies.get(name)
    const kind = policy === undefined ? undefined : this.#context.kinds.get(policy.kind)
    let step: Step | null = null
    if (policy !== undefined && kind !== undefined) {
      const compiler = this.compiler()
      const { deployed, settings, balancers } = this.#context
      const owner = {
        deployed,
        settings,
        resources: this.#owner.resources,
        sharedFlows: this.#sharedFlows,
        balancers,
      }
      const inner = kind.compile(policy.config, policyEnv(compiler, kind, policy, owner))
      if (policy.enabled) {
        const own = guarded(inner, policy, kind.prefix)
        step = withContent(compiler.needs.bits, kind.identifies === true ? identifying(own) : own)
      }
    }
    this.#steps.set(name, step)
    return step
  }
}

/** Loads the bodies that a step reads before it runs; a step that reads none is left as it is. */
export function withContent(bits: number, step: Step): Step {
  if (bits === 0) return step
  return (x) => {
    const loading = loadContent(x, bits)
    if (loading === undefined) return step(x)
    if (loading instanceof Promise) return loading.then((fault) => fault ?? step(x))
    return loading
  }
}

/** Behind a policy that identifies: the caller is known, so the throttle's limits of users and applications are asked. */
function identifying(step: Step): Step {
  const known = (x: Exchange, outcome: Outcome): MaybePromise<Outcome> => {
    if (outcome !== undefined) return outcome
    x.caller ??= developerApp(x)
    if (x.caller === null) return undefined
    const gate = x.callerGate
    x.callerGate = null
    return gate === null ? undefined : gate.admitCaller(x)
  }
  return (x) => {
    const outcome = step(x)
    return outcome instanceof Promise ? outcome.then((late) => known(x, late)) : known(x, outcome)
  }
}

/** As Edge's policies tell it. */
function developerApp(x: Exchange): Caller | null {
  const application = x.get('developer.app.id')
  const account = x.get('developer.id')
  return typeof application === 'string' && typeof account === 'string' ? { application, account } : null
}

/** Of steps inside each other (a shared flow) the innermost has refused. */
function noteRefusal(x: Exchange, policy: Policy, fault: Fault): void {
  if (x.inFaultFlow || x.refusal === fault) return
  x.refusal = fault
  x.refusedBy = policy
}

/** What is the same for all policies: the `failed` variable, and continueOnError. */
function guarded(step: Step, policy: Policy, prefix: string): Step {
  const failed = `${prefix}.${policy.name}.failed`
  const settle = (x: Exchange, outcome: Outcome): Outcome => {
    if (!(outcome instanceof Fault)) return outcome
    x.set(failed, true)
    if (!policy.continueOnError) {
      noteRefusal(x, policy, outcome)
      return outcome
    }
    x.set('fault.name', outcome.name)
    return undefined
  }
  return (x) => {
    const outcome = step(x)
    if (outcome === undefined) return undefined
    return outcome instanceof Promise ? outcome.then((late) => settle(x, late)) : settle(x, outcome)
  }
}
