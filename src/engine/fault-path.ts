import type { MaybePromise } from '../core/async.ts'
import { inApigWords } from './apig-faults.ts'
import { loadContent } from './content.ts'
import { errorMessage } from './error-body.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { FaultRulePlan, Segments } from './plan.ts'
import { run } from './runner.ts'

/**
 * The fault path (Edge, "Handling faults"): the rules of the endpoint in whose segment it happened, the first whose
 * condition holds, at most one; then the default rule, when no rule ran or when it is always enforced. A fault inside a
 * rule ends it all: what the error message holds by then goes out.
 */
export function takeFaultPath(x: Exchange, fault: Fault): MaybePromise<void> {
  setFault(x, fault)
  x.inFaultFlow = true
  const segments: Segments =
    (x.phase === 'target-request' || x.phase === 'target-response') && x.target !== null ? x.target : x.endpoint
  if (segments.faultRules.length === 0 && segments.defaultFaultRule === null) return undefined
  return runRules(x, segments)
}

async function runRules(x: Exchange, segments: Segments): Promise<void> {
  const rule = await firstThatHolds(x, segments.faultRules)
  if (rule !== null && !(await runRule(x, rule))) return
  const last = segments.defaultFaultRule
  if (last === null || (rule !== null && !last.alwaysEnforce)) return
  if (await holds(x, last)) await runRule(x, last)
}

async function firstThatHolds(x: Exchange, rules: readonly FaultRulePlan[]): Promise<FaultRulePlan | null> {
  for (const rule of rules) if (await holds(x, rule)) return rule
  return null
}

async function holds(x: Exchange, rule: FaultRulePlan): Promise<boolean> {
  if (rule.test === null) return true
  if (rule.needs !== 0 && (await loadContent(x, rule.needs)) !== undefined) return false
  return rule.test(x)
}

/** False when a step of the rule ended the fault path by a fault of its own. */
async function runRule(x: Exchange, rule: FaultRulePlan): Promise<boolean> {
  x.flowName = rule.name
  x.faultRule = rule.name
  const outcome = await run(rule.steps, x)
  if (outcome === undefined) return true
  // A fault that was raised brings an answer of its own; of any other the answer is what the rule has made of it so far.
  if (outcome instanceof Fault) {
    if (outcome.response !== null) setFault(x, outcome)
  } else x.error = outcome.message
  return false
}

function setFault(x: Exchange, raised: Fault): void {
  const { dialect } = x.endpoint.proxy.deployed.proxy
  const fault = dialect === 'apig' ? inApigWords(raised) : raised
  x.fault = fault
  x.answeredBy = fault.by
  x.error =
    fault.response ??
    errorMessage(dialect, fault, {
      requestId: x.id,
      accept: x.request.headers.get('accept') ?? x.request.headers.get('content-type'),
    })
}
