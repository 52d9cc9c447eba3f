import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTraceparent, spanId, traceparentOf } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('traceparent', () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    // Only the last bit is known today.
    [`00-${TRACE}-${SPAN}-ff`, true],
    [`01-${TRACE}-${SPAN}-01-what-comes-later`, true],
    [`cc-${TRACE}-${SPAN}-02`, false],
  ])('%s is read', (text, sampled) => {
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, parentId: SPAN, sampled })
  })

  test.each([
    '',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ])('"%s" is none', (text) => {
    expect(parseTraceparent(text)).toBeNull()
  })

  test('what is written is read again, and nothing else throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.boolean(), (text, sampled) => {
        parseTraceparent(text)
        const id = spanId()
        const read = parseTraceparent(traceparentOf(TRACE, id, sampled))
        return id.length === 16 && read?.traceId === TRACE && read.parentId === id && read.sampled === sampled
      }),
    )
  })

  test('span ids do not come twice', () => {
    expect(new Set(Array.from({ length: 10_000 }, spanId)).size).toBe(10_000)
  })
})
