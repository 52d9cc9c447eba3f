import type { MaybePromise } from '../core/async.ts'
import { compileProxy } from '../engine/compile.ts'
import type { EngineServices } from '../engine/compile-env.ts'
import type { Fault } from '../engine/fault.ts'
import type { Step } from '../engine/outcome.ts'
import type { EndpointPlan } from '../engine/plan.ts'
import type { PolicyKinds } from '../engine/policy.ts'
import type { StepInfo } from '../engine/recording/call-recorder.ts'
import { recording } from '../engine/recording/index.ts'
import { run } from '../engine/runner.ts'
import { problemLine } from '../model/problem.ts'
import type { Call } from './call.ts'
import type { Served } from './served.ts'
import type { Gate } from './throttle-gate.ts'

/** What the gateway does beside the policies of a proxy, as traces call it. */
const internal = (name: string, type: string): StepInfo => ({
  name,
  displayName: name,
  type,
  enabled: true,
  continueOnError: false,
  internal: true,
  expression: null,
})

const THROTTLE = internal('Throttle', 'Throttle')
const CALLER_THROTTLE = internal('Throttle of the caller', 'Throttle')

export interface CompileServices {
  readonly kinds: PolicyKinds
  readonly engine: EngineServices
}

/** Compiles the plan that records, one for all endpoints of a proxy. Throws when it does not compile: the plan that is served does. */
export function recordedPlan(served: Served, { kinds, engine }: CompileServices): readonly EndpointPlan[] {
  const { deployed, settings, name } = served.endpoint.proxy
  const { plan, problems } = compileProxy(deployed, settings, kinds, engine, recording)
  const error = problems.find(({ severity }) => severity === 'error')
  if (error !== undefined) throw new Error(`${name}: ${problemLine(error)}`)
  return plan.endpoints
}

/** The endpoint as it is served to calls that are recorded. */
export function recordedServed(served: Served, endpoints: readonly EndpointPlan[]): Served {
  const { gate, endpoint } = served
  return {
    ...served,
    endpoint: endpoints.find(({ name }) => name === endpoint.name) ?? endpoint,
    gate: gate === null ? null : new RecordedGate(gate),
    recorder: null,
  }
}

/**
 * An API of the apig dialect: it has no policies, and its steps keep state (circuit breakers, quotas), so the plan stays and what is
 * recorded is each group of its steps.
 */
export function recordedApi(served: Served): Served {
  const { access, endpoint, gate } = served
  const group = (steps: readonly Step[] | null, name: string): readonly Step[] | null =>
    steps === null ? null : [recording.step(internal(name, name), null, (x) => run(steps, x))]
  return {
    ...served,
    access: group(access, 'Access'),
    endpoint: {
      ...endpoint,
      request: group(endpoint.request, 'Request'),
      response: group(endpoint.response, 'Response'),
    },
    gate: gate === null ? null : new RecordedGate(gate),
    recorder: null,
  }
}

class RecordedGate implements Gate {
  readonly #gate: Gate

  constructor(gate: Gate) {
    this.#gate = gate
  }

  get limitsCallers(): boolean {
    return this.#gate.limitsCallers
  }

  admit(call: Call): MaybePromise<Fault | undefined> {
    return recorded(THROTTLE, call, () => this.#gate.admit(call))
  }

  admitCaller(call: Call): MaybePromise<Fault | undefined> {
    return recorded(CALLER_THROTTLE, call, () => this.#gate.admitCaller(call))
  }
}

function recorded(
  info: StepInfo,
  call: Call,
  admit: () => MaybePromise<Fault | undefined>,
): MaybePromise<Fault | undefined> {
  return recording.step(info, null, admit)(call.x!) as MaybePromise<Fault | undefined>
}
