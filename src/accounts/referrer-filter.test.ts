import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilters } from './referrer-filter.ts'

describe('referrer filters', () => {
  it('none: nothing is asked', () => expect(compileFilters([])).toBeNull())

  it.each([
    [['foo.example.org'], 'foo.example.org', true],
    [['foo.example.org'], 'xfoo.example.org', false],
    [['*.bar.example.org'], 'foo.bar.example.org', true],
    [['*.bar.example.org'], 'foo.barxexample.org', false],
    [['a', '*b*'], 'xxbxx', true],
    [['a*a'], 'a', false],
    [['*'], '', true],
    [['a.*.c'], 'a.b.c.d', false],
    [['nobody'], '*', true],
  ])('%j %s', (filters, referrer, passes) => expect(compileFilters(filters)!(referrer)).toBe(passes))

  it('does what the regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
    fc.assert(
      fc.property(
        text,
        text.filter((one) => one !== '*'),
        (filter, referrer) => {
          const source = filter
            .split('*')
            .map((part) => part.replaceAll('.', '\\.'))
            .join('.*')
          expect(compileFilters([filter])!(referrer)).toBe(new RegExp(`^${source}$`).test(referrer))
        },
      ),
    )
  })
})
