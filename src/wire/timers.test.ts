import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Timed, TimerWheel } from './timers.ts'

class Entry extends Timed {
  fired = 0
  onFire: (() => void) | null = null

  override onDeadline(): void {
    this.fired++
    this.onFire?.()
  }
}

// An interval that never comes: these wheels are moved by hand.
const manualWheel = (): TimerWheel => new TimerWheel(1_000_000)

test('a deadline is never early and at most two ticks late', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 3000 }), (delayTicks, startTick) => {
      const wheel = manualWheel()
      wheel.advance(startTick)
      const entry = new Entry()
      wheel.set(entry, delayTicks * wheel.tickMs)
      wheel.advance(delayTicks)
      expect(entry.fired).toBe(0)
      wheel.advance(2)
      expect(entry.fired).toBe(1)
      wheel.advance(3000)
      expect(entry.fired).toBe(1)
    }),
    { numRuns: 50 },
  )
})

test('setting, clearing and removing at random agrees with a plain model', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), entry: fc.nat(4), ticks: fc.nat(1500) }),
    fc.record({ kind: fc.constant('clear' as const), entry: fc.nat(4) }),
    fc.record({ kind: fc.constant('remove' as const), entry: fc.nat(4) }),
    fc.record({ kind: fc.constant('advance' as const), ticks: fc.nat(1200) }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const wheel = manualWheel()
      const entries = Array.from({ length: 5 }, () => new Entry())
      const dueTicks: (number | null)[] = entries.map(() => null)
      const fired = entries.map(() => 0)
      let tick = 0
      for (const step of actions) {
        if (step.kind === 'advance') {
          tick += step.ticks
          wheel.advance(step.ticks)
          dueTicks.forEach((due, i) => {
            if (due === null || due > tick) return
            fired[i]!++
            dueTicks[i] = null
          })
          expect(entries.map((entry) => entry.fired)).toEqual(fired)
        } else if (step.kind === 'set') {
          wheel.set(entries[step.entry]!, step.ticks * wheel.tickMs)
          dueTicks[step.entry] = tick + 1 + step.ticks
        } else {
          wheel[step.kind](entries[step.entry]!)
          dueTicks[step.entry] = null
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('a deadline may remove its neighbours and set itself again', () => {
  const wheel = manualWheel()
  const entries = [new Entry(), new Entry(), new Entry()]
  for (const entry of entries) wheel.set(entry, 0)
  const [first, second, third] = entries as [Entry, Entry, Entry]
  first.onFire = () => {
    wheel.remove(second)
    wheel.remove(third)
    wheel.set(first, 0)
  }
  wheel.advance(1)
  expect(entries.map((entry) => entry.fired)).toEqual([1, 0, 0])
  wheel.advance(1)
  expect(first.fired).toBe(2)
})

test('the wheel of a thread moves by itself', async () => {
  const wheel = new TimerWheel(5)
  const entry = new Entry()
  await new Promise<void>((resolve) => {
    const keepAlive = setInterval(() => {}, 1000)
    entry.onFire = () => {
      clearInterval(keepAlive)
      resolve()
    }
    wheel.set(entry, 20)
  })
  expect(entry.fired).toBe(1)
})
