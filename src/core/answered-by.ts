/**
 * Who gave the client its answer: the gateway itself (no route, loop guard, time-out), a policy (refusal, raised fault,
 * cache hit, echo), a callout that failed, the target, or nobody because the client went away first.
 */
export type AnsweredBy = 'gateway' | 'policy' | 'callout' | 'target' | 'client'
