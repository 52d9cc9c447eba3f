import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseThrottle } from './throttle.ts'

const good = { name: 'gold', intervalCount: 1, unit: 'minute', limits: { api: 10 } }

function paths(fields: Record<string, unknown>): string[] {
  const { throttle, problems } = parseThrottle({ ...good, ...fields })
  expect(throttle === null).toBe(problems.length > 0)
  return problems.map((problem) => problem.path)
}

function special(type: unknown, id: unknown, limit: unknown): unknown {
  return { type, id, limit }
}

describe('a throttle', () => {
  it('is read, with what may be left out, and frozen', () => {
    const specials = [special('app', 'app1', 5), special('user', 'app1', 10)]
    const { throttle, problems } = parseThrottle({ ...good, specials })
    expect(problems).toEqual([])
    expect(throttle).toEqual({ ...good, shared: false, limits: { api: 10, user: 0, app: 0, ip: 0 }, specials })
    for (const part of [throttle, throttle?.limits, throttle?.specials, throttle?.specials[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a name of two letters', { name: 'ab' }, ['name']],
    ['a name of 64', { name: `a${'_'.repeat(63)}` }, []],
    ['a name of 65', { name: `a${'_'.repeat(64)}` }, ['name']],
    ['a name that starts with a digit', { name: '1xy' }, ['name']],
    ['a name with a blank', { name: 'go ld' }, ['name']],
    ['a Chinese name', { name: '流控策略_1' }, []],
    ['no name', { name: undefined }, ['name']],
    ['an interval of 0', { intervalCount: 0 }, ['intervalCount']],
    ['the longest interval', { intervalCount: 2_147_483_647 }, []],
    ['a longer one', { intervalCount: 2_147_483_648 }, ['intervalCount']],
    ['half an interval', { intervalCount: 0.5 }, ['intervalCount']],
    ['an interval as text', { intervalCount: '1' }, ['intervalCount']],
    ['a unit in the plural', { unit: 'minutes' }, ['unit']],
    ['no unit', { unit: undefined }, ['unit']],
    ['shared as text', { shared: 'yes' }, ['shared']],
    ['limits that are none', { limits: 5 }, ['limits']],
    ['no limit at all', { limits: { api: 0 } }, ['limits']],
    ['no limits but a special one', { limits: {}, specials: [special('app', 'a', 1)] }, []],
    ['only an ip limit', { limits: { ip: 5 } }, []],
    ['a negative limit', { limits: { api: 1, ip: -1 } }, ['limits.ip']],
    ['a limit beyond all', { limits: { api: 2_147_483_648 } }, ['limits.api']],
    ['falling limits', { limits: { api: 10, user: 10, app: 10, ip: 10 } }, []],
    ['user over api', { limits: { api: 10, user: 11 } }, ['limits.user']],
    ['app over user', { limits: { api: 10, user: 5, app: 6 } }, ['limits.app']],
    ['app over api, no user limit', { limits: { api: 10, app: 11 } }, ['limits.app']],
    ['app below api, no user limit', { limits: { api: 10, app: 9 } }, []],
    ['ip over api', { limits: { api: 10, ip: 11 } }, ['limits.ip']],
    ['ip over user', { limits: { api: 10, user: 1, ip: 9 } }, []],
    ['any limits where api has none', { limits: { user: 5, app: 5, ip: 99 } }, []],
    ['an unknown key', { perSecond: 1 }, ['perSecond']],
    ['an unknown limit', { limits: { api: 1, apis: 1 } }, ['limits.apis']],
    ['an unknown key of a special', { specials: [{ type: 'app', id: 'a', limit: 1, x: 1 }] }, ['specials.0.x']],
    ['specials that are no list', { specials: {} }, ['specials']],
    ['a special that is nothing', { specials: [null] }, ['specials.0']],
    ['a special type of its own', { specials: [special('ip', 'a', 1)] }, ['specials.0.type']],
    ['a special without id', { specials: [special('app', '', 1)] }, ['specials.0.id']],
    ['a special limit of 0', { specials: [special('app', 'a', 0)] }, ['specials.0.limit']],
    ['a special limit over api', { specials: [special('app', 'a', 11)] }, ['specials.0.limit']],
    ['a special twice', { specials: [special('app', 'a', 1), special('app', 'a', 2)] }, ['specials.1']],
    ['thirty specials of each type', { specials: many(30, 30) }, []],
    ['thirty-one of a type', { specials: many(31, 3) }, ['specials']],
    ['a thousand specials', { specials: many(0, 1000) }, ['specials']],
  ])('%s', (_, fields, expected) => {
    expect(paths(fields)).toEqual(expected)
  })

  it('reports all problems at once, and says what would be right', () => {
    const { problems } = parseThrottle({ name: '1x', intervalCount: -1, unit: 'week', limits: { api: 1, user: 2 } })
    expect(problems).toEqual([
      { path: 'limits.user', message: 'is 2, more than the api limit of 1; it may be at most that' },
      { path: 'name', message: 'must be 3 to 64 letters, digits and underscores, the first a letter, not "1x"' },
      { path: 'intervalCount', message: 'must be a whole number from 1 to 2147483647, not -1' },
      { path: 'unit', message: 'must be one of second, minute, hour, day, not "week"' },
    ])
  })

  it('stands any input', () => {
    const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true })
    const near = fc.record(
      {
        name: anything,
        intervalCount: anything,
        unit: anything,
        shared: anything,
        limits: anything,
        specials: anything,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(anything, near), (fields) => {
        const { throttle, problems } = parseThrottle(fields)
        expect(throttle === null).toBe(problems.length > 0)
        for (const { message } of problems) expect(message.length).toBeLessThan(300)
      }),
      { numRuns: 500 },
    )
  })
})

function many(apps: number, users: number): unknown[] {
  return [
    ...Array.from({ length: apps }, (_, i) => special('app', `a${i}`, 1)),
    ...Array.from({ length: users }, (_, i) => special('user', `u${i}`, 1)),
  ]
}
