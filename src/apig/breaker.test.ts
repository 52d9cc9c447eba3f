import { expect, test } from 'vitest'
import type { Exchange } from '../engine/exchange.ts'
import { Message } from '../engine/message.ts'
import { Reply, type Step } from '../engine/outcome.ts'
import type { Breaker, Expression } from '../model/apig.ts'
import { delayed } from '../stores/conformance/delayed.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { compileBreaker } from './breaker.ts'
import type { ApigServices } from './services.ts'

const T0 = 1_790_000_000_000
const SERVER_ERROR: Expression = { kind: 'compare', left: '$context.statusCode', operator: '>=', right: '500' }

function breaker(rule: Breaker['rule'], options: { downgraded?: Step; later?: boolean } = {}) {
  let nowMs = T0
  const memory = new MemoryCounters(MemoryCounters.allocate({ slots: 1_024 }), 1)
  const counters = options.later ? delayed(memory) : memory
  const services = { counters, now: () => nowMs } as unknown as ApigServices
  const definition = { scope: 's', unhealthy: SERVER_ERROR, rule, windowMs: 10_000, openMs: 5_000, downgrade: null }
  const { guard, judge } = compileBreaker(definition, options.downgraded ?? null, services)
  return {
    advance: (ms: number) => {
      nowMs += ms
    },
    /** One call whose backend answers so: what the caller gets. */
    call: async (status: number): Promise<number | string> => {
      const state = { probed: false }
      const x = {
        dialectState: state,
        fault: null,
        response: { status },
        targetSentAt: 0,
        targetReceivedAt: 0,
      } as unknown as Exchange
      const outcome = await guard(x)
      if (outcome instanceof Reply) return 'downgraded'
      if (outcome !== undefined) return (outcome as { status: number }).status
      x.targetSentAt = 1
      await judge(x)
      // Counters that answer later count later.
      await new Promise((resolve) => setImmediate(resolve))
      return status
    },
  }
}

test.each([false, true])(
  'a counter opens at once, closes after its time and begins anew (later: %s)',
  async (later) => {
    const one = breaker({ mode: 'counter', failures: 2 }, { later })
    expect([await one.call(500), await one.call(200), await one.call(500), await one.call(200)]).toEqual([
      500, 200, 500, 503,
    ])
    one.advance(5_001)
    expect([await one.call(500), await one.call(200), await one.call(500), await one.call(200)]).toEqual([
      500, 200, 500, 503,
    ])
  },
)

test('failures of an earlier window do not count', async () => {
  const one = breaker({ mode: 'counter', failures: 2 })
  await one.call(500)
  one.advance(10_001)
  expect([await one.call(500), await one.call(200)]).toEqual([500, 200])
})

test('a percentage needs the least number of calls', async () => {
  const one = breaker({ mode: 'percentage', callsMin: 4, percent: 50 })
  expect([await one.call(500), await one.call(500), await one.call(200), await one.call(500)]).toEqual([
    500, 500, 200, 500,
  ])
  expect(await one.call(200)).toBe(503)
})

test('an open breaker serves its downgrade, which is not judged', async () => {
  const reply = new Reply(Message.response(200, 'OK', [], 'mock'))
  const one = breaker({ mode: 'counter', failures: 1 }, { downgraded: () => reply })
  expect([await one.call(500), await one.call(500), await one.call(500)]).toEqual([500, 'downgraded', 'downgraded'])
  one.advance(5_001)
  expect(await one.call(200)).toBe(200)
})
