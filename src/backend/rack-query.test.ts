import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PARAMETERS_MAX, type Param, QueryError, QueryReader } from './rack-query.ts'

const plain = (value: Param): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]))
  return Array.isArray(value) ? value.map(plain) : value
}
function read(...texts: string[]): { params: unknown; isUtf8: boolean } {
  const reader = new QueryReader()
  for (const text of texts) reader.read(text)
  return { params: plain(reader.params), isUtf8: reader.isUtf8 }
}

describe("Rack's parameters", () => {
  it.each([
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=1&a=2', { a: '2' }],
    ['a', { a: null }],
    ['a=', { a: '' }],
    ['usage[hits]=1&usage[x]=2', { usage: { hits: '1', x: '2' } }],
    ['usage%5Bhits%5D=1', { usage: { hits: '1' } }],
    ['t[0][usage][hits]=1&t[7][usage][hits]=2', { t: { 0: { usage: { hits: '1' } }, 7: { usage: { hits: '2' } } } }],
    ['a[]=1&a[]=2', { a: ['1', '2'] }],
    ['a[][b]=1&a[][c]=2&a[][b]=3', { a: [{ b: '1', c: '2' }, { b: '3' }] }],
    ['a=1+2%203', { a: '1 2 3' }],
    ['a=%C3%BC', { a: 'ü' }],
    ['__proto__[x]=1', { ['__proto__']: { x: '1' } }],
    ['[]=1&=2&&', {}],
  ])('%s', (text, params) => expect(JSON.stringify(read(text).params)).toBe(JSON.stringify(params)))

  it('reads a form into the query', () => {
    expect(read('service_id=1', 't[0][a]=b').params).toEqual({ service_id: '1', t: { 0: { a: 'b' } } })
  })

  it.each([
    ['usage[]=1&usage[hits]=1', /syntax errors/],
    ['usage=1&usage[hits]=1', /syntax errors/],
    ['a=%', /invalid %-encoding/],
    ['a%zz=1', /invalid %-encoding/],
    [`a${'[b]'.repeat(100)}=1`, /syntax errors/],
    ['a&'.repeat(PARAMETERS_MAX + 1), /total number of query parameters \(4098\) exceeds limit \(4096\)/],
    [`a=${'x'.repeat(4 * 1024 * 1024)}`, /total query size exceeds limit/],
  ])('refuses %.40s', (text, message) => {
    expect(() => read(text)).toThrow(QueryError)
    expect(() => read(text)).toThrow(message)
  })

  it('notes what is not UTF-8', () => {
    expect(['a=%ff', 'a=\xff', 'a=%C3%BC', 'a=%EF%BF%BD'].map((text) => read(text).isUtf8)).toEqual([
      false,
      false,
      true,
      true,
    ])
  })

  it('whatever comes is read or refused', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '[', ']', '=', '&', '%', '4', '1'), maxLength: 40 })
    fc.assert(
      fc.property(text, (query) => {
        try {
          read(query)
        } catch (error) {
          expect(error).toBeInstanceOf(QueryError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
