import type { Exchange } from '../exchange.ts'
import { Fault } from '../fault.ts'
import { parseCondition } from '../language/condition.ts'
import { printEdgeCondition } from '../language/condition-print.ts'
import type { Outcome, Step } from '../outcome.ts'
import type { Test } from '../plan.ts'
import type { Outbound } from '../policy.ts'
import type { Variable } from '../variables.ts'
import type { OpenStep, StepInfo } from './call-recorder.ts'
import { recorderOf } from './traced-exchange.ts'

/** How a plan is compiled whose calls are recorded. Its steps run with a `TracedExchange` and with no other. */
export interface Recording {
  /** Tells what is read and written through it. */
  variable(variable: Variable): Variable
  /** `step` null: the policy is switched off. `test` null: it has no condition. */
  step(info: StepInfo, test: Test | null, step: Step | null): Step
  /** Which flow, route or rule is taken. */
  test(tree: string, of: string, text: string, test: Test): Test
  outbound(outbound: Outbound): Outbound
}

export const recording: Recording = {
  variable: ({ name, get, set }) => ({
    name,
    get: (x) => recorderOf(x).reading(name, () => get(x)),
    set: (x, value) => recorderOf(x).writing(name, value, () => set(x, value)),
  }),
  step: recordedStep,
  test(tree, of, text, test) {
    const expression = shown(text)
    return (x) => recorderOf(x).decide(x, tree, of, expression, test)
  },
  outbound: (outbound) => ({
    call(x, request) {
      const answered = recorderOf(x).callout(request)
      const answer = outbound.call(x, request)
      if (answer instanceof Promise) void answer.then(answered)
      else answered(answer)
      return answer
    },
  }),
}

/** A condition as traces show it: words for operators, parentheses around it (as Edge prints them). */
export function shown(text: string): string {
  const parsed = parseCondition(text)
  return parsed.ok ? `(${printEdgeCondition(parsed.condition)})` : text
}

function recordedStep(info: StepInfo, test: Test | null, step: Step | null): Step {
  const expression = info.expression ?? ''
  return (x) => {
    const recorder = recorderOf(x)
    const open = recorder.stepBegins(x, info)
    if (step === null) return end(x, open, undefined, 'disabled')
    if (test !== null && !recorder.decideStep(open, x, expression, test)) return end(x, open, undefined, 'skipped')
    const outcome = step(x)
    if (!(outcome instanceof Promise)) return end(x, open, outcome)
    const paused = recorder.pauses(open)
    return outcome.then((late) => {
      if (paused) recorder.resumes()
      return end(x, open, late)
    })
  }
}

function end(x: Exchange, open: OpenStep, outcome: Outcome, how?: 'skipped' | 'disabled'): Outcome {
  const fault = outcome instanceof Fault ? outcome : null
  recorderOf(x).stepEnds(x, open, how ?? (outcome === undefined ? 'done' : fault === null ? 'reply' : 'fault'), fault)
  return outcome
}
