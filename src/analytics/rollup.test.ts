import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallRecord } from './record.ts'
import { callsIn, Recorder } from './rollup.ts'

function call(fields: Partial<CallRecord> = {}): CallRecord {
  return Object.assign(new CallRecord(1_700_000_012_345), { proxy: 'weather', method: 'GET', status: 200 }, fields)
}

const anyCall = fc
  .record({
    timeMs: fc.integer({ min: 0, max: 180_000 }),
    proxy: fc.constantFrom('a', 'b'),
    application: fc.constantFrom('', 'x', 'y'),
    pathTemplate: fc.constantFrom('/a', '/b'),
    status: fc.constantFrom(200, 404, 500),
    authorized: fc.boolean(),
    bytesOut: fc.nat(1000),
    totalMs: fc.nat(1000),
  })
  .map(call)

describe('Recorder', () => {
  it('adds up calls that agree, by minute', () => {
    const recorder = new Recorder()
    const minuteMs = 1_700_000_040_000
    recorder.add(call({ timeMs: minuteMs, totalMs: 3, bytesIn: 10, bytesOut: 100, targetMs: 2, policyMs: 0.5 }))
    recorder.add(
      call({ timeMs: minuteMs + 59_999, totalMs: 5, bytesIn: 1, bytesOut: 200, targetMs: 3, policyMs: 0.25 }),
    )
    recorder.add(call({ timeMs: minuteMs + 60_000 }))
    expect(recorder.take()?.rows).toMatchObject([
      {
        minuteMs,
        calls: 2,
        totalMs: 8,
        bytesIn: 11,
        bytesOut: 300,
        targetMs: 5,
        policyMs: 0.75,
        latency: [7, 1, 8, 1],
      },
      { minuteMs: minuteMs + 60_000, calls: 1 },
    ])
  })

  it('hands over each call once, in rows of a whole minute', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (calls, every) => {
        const recorder = new Recorder()
        const seen = new Map<string, number>()
        const note = (key: string, n: number): Map<string, number> => seen.set(key, (seen.get(key) ?? 0) + n)
        const take = (): void => {
          for (const row of recorder.take()?.rows ?? []) {
            expect(row.minuteMs % 60_000).toBe(0)
            note(
              `${row.minuteMs} ${row.proxy} ${row.application} ${row.pathTemplate} ${row.status} ${row.authorized}`,
              -row.calls,
            )
            note('bytes', -row.bytesOut)
            note('ms', -row.totalMs)
            note('latency', -row.latency.reduce((sum, n, i) => sum + (i % 2 === 1 ? n : 0), 0))
          }
        }
        for (const [i, c] of calls.entries()) {
          recorder.add(c)
          note(
            `${c.timeMs - (c.timeMs % 60_000)} ${c.proxy} ${c.application} ${c.pathTemplate} ${c.status} ${c.authorized}`,
            1,
          )
          note('bytes', c.bytesOut)
          note('ms', c.totalMs)
          note('latency', 1)
          if (i % every === 0) take()
        }
        take()
        expect([...seen.values()].every((n) => n === 0)).toBe(true)
        expect(recorder.take()).toBeNull()
      }),
    )
  })

  it('keeps no reference to the record', () => {
    const recorder = new Recorder()
    const record = call()
    recorder.add(record)
    record.status = 500
    recorder.add(record)
    expect(recorder.take()?.rows.map((row) => [row.status, row.calls])).toEqual([
      [200, 1],
      [500, 1],
    ])
  })

  it('drops and counts what would need more rows than allowed, and goes on with those it has', () => {
    const recorder = new Recorder(3)
    for (let i = 0; i < 10; i++) recorder.add(call({ application: `app${i % 5}`, pathTemplate: `/${i % 5}` }))
    const batch = recorder.take()!
    expect(batch.rows).toHaveLength(3)
    expect(callsIn(batch)).toBe(6)
    expect(batch.droppedCalls).toBe(4)
    expect(recorder.droppedCalls).toBe(4)
    recorder.add(call({ application: 'app9' }))
    expect(recorder.take()).toMatchObject({ droppedCalls: 0, rows: [{ calls: 1 }] })
  })

  it('gives plain data', () => {
    const recorder = new Recorder()
    recorder.add(call({ totalMs: 12 }))
    const batch = recorder.take()!
    expect(structuredClone(batch)).toEqual(batch)
    expect(JSON.parse(JSON.stringify(batch))).toEqual(batch)
  })
})
