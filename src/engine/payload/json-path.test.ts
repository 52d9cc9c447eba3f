import fc from 'fast-check'
import { query } from 'jsonpath-rfc9535'
import { describe, expect, test } from 'vitest'
import { jsonPathText } from './json-path.ts'
import { STEPS_MAX, selectJson } from './json-path-eval.ts'
import { isProblem, parseJsonPath } from './json-path-parser.ts'
import { bareText, type Json, jsonArrayText, jsonText, parseJson } from './json-text.ts'

/** What a path finds, as JSON; 'none' when it leads nowhere, the message when it is no path. */
function found(path: string, document: Json): unknown {
  const parsed = parseJsonPath(path)
  if (isProblem(parsed)) return parsed.message
  const result = selectJson(parsed, document)
  if (result.kind === 'one') return result.value
  return result.kind === 'many' ? [...result.values] : result.kind
}

const STORE = {
  book: [
    { title: 'A', price: 8.95, tags: ['x'], isbn: 'i1' },
    { title: 'B', price: 12, tags: [] },
    { title: 'C', price: 22, tags: ['x', 'y'], isbn: 'i3' },
  ],
  'a name': 1,
  'a.b': 2,
  limit: 10,
  empty: {},
}

describe('paths', () => {
  test.each<[path: string, expected: unknown]>([
    ['$', STORE],
    ['$.limit', 10],
    ['limit', 10],
    ['book[0].title', 'A'],
    ['$.book[1].title', 'B'],
    ['$.book.[1].title', 'B'],
    ['$.book[-1].title', 'C'],
    ['$.book[3]', 'none'],
    ['$.nothing.at.all', 'none'],
    ['$.limit.x', 'none'],
    ["$['a name']", 1],
    ['$["a.b"]', 2],
    ["$.['limit']", 10],
    [' $.limit ', 10],
    ["$['li\\u006dit']", 10],
    ["$['limit','a name']", { limit: 10, 'a name': 1 }],
    ["$.book[*]['title','isbn']", [{ title: 'A', isbn: 'i1' }, { title: 'B' }, { title: 'C', isbn: 'i3' }]],
    ["$['book','empty'][0].title", ['A']],
    ['$.book[*].title', ['A', 'B', 'C']],
    ['$.book.*.title', ['A', 'B', 'C']],
    ['$.book[0,2].title', ['A', 'C']],
    ['$.book[1:].title', ['B', 'C']],
    ['$.book[:2].title', ['A', 'B']],
    ['$.book[-2:].title', ['B', 'C']],
    ['$.book[0:3:2].title', ['A', 'C']],
    ['$.book[::2].title', ['A', 'C']],
    ['$.book[5:].title', []],
    ['$.book[-9:-2].title', ['A']],
    ['$..title', ['A', 'B', 'C']],
    ['$..book[0].title', ['A']],
    ['$..[0].title', ['A']],
    ['$..tags[*]', ['x', 'x', 'y']],
    ['$..nothing', []],
    ['$.empty.*', []],
    ['$.__proto__', 'none'],
    ['$.constructor', 'none'],
    ['$.book.length()', 3],
    ['$.book.size()', 3],
    ['$.book[0].title.length()', 1],
    ['$.limit.length()', 'none'],
    ['$..title.length()', 3],
    ['$.book[*].price.max()', 22],
    ['$.book[*].price.min()', 8.95],
    ['$.book[1:].price.sum()', 34],
    ['$.book[1:].price.avg()', 17],
    ['$.empty.*.sum()', 'none'],
    ['$.book.first()', STORE.book[0]],
    ['$.book.last()', STORE.book[2]],
    ['$.book[0].keys()', ['title', 'price', 'tags', 'isbn']],
  ])('%s', (path, expected) => {
    expect(found(path, STORE as unknown as Json)).toEqual(expected)
  })
})

describe('filters', () => {
  test.each<[filter: string, titles: string]>([
    ['?(@.price < 10)', 'A'],
    ['?(@.price<=12)', 'AB'],
    ['?@.price > 10', 'BC'],
    ['?(@.price >= $.limit)', 'BC'],
    ['?(@.isbn)', 'AC'],
    ['?(!@.isbn)', 'B'],
    ["?(@.title == 'A')", 'A'],
    ["?(@['title'] != 'A')", 'BC'],
    ["?('A' == @.title)", 'A'],
    ["?(@.title == 'A' || @.title == 'B' && @.isbn)", 'A'],
    ["?((@.title == 'A' || @.title == 'B') && @.price == 12)", 'B'],
    ['?(@.title in [\'A\', "C"])', 'AC'],
    ["?(@.title nin ['A'])", 'BC'],
    ["?(@.tags contains 'y')", 'C'],
    ["?(@.isbn contains '3')", 'C'],
    ['?(@.tags size 1)', 'A'],
    ['?(@.tags empty true)', 'B'],
    ["?(@.tags subsetof ['x'])", 'AB'],
    ["?(@.tags anyof ['y', 'z'])", 'C'],
    ["?(@.tags noneof ['y', 'z'])", 'AB'],
    ['?(@.title =~ /[ab]/i)', 'AB'],
    ['?(@.title =~ /./)', 'ABC'],
    ["?(@.price == '12')", 'B'],
    ["?(@.price > 'x')", ''],
    ['?(@.tags.length() > 1)', 'C'],
    ["?(@.tags[?(@ == 'y')])", 'C'],
    ['?(@.isbn == null)', ''],
    ['?(@.price == 1.2e1)', 'B'],
  ])('%s', (filter, titles) => {
    expect(found(`$.book[${filter}].title`, STORE as unknown as Json)).toEqual([...titles])
  })

  test('of an object a filter looks at the object', () => {
    expect(found('$.a[?(@.b == 1)].c', { a: { b: 1, c: 2 } })).toEqual([2])
  })
})

describe('what is no path', () => {
  test.each([
    ['', 0],
    ['  ', 0],
    ['$.', 2],
    ['$..', 3],
    ['$a', 1],
    ['$.a b', 4],
    ['$[', 2],
    ['$[]', 2],
    ["$['a", 2],
    ["$['a'", 5],
    ["$['a',1]", 6],
    ['$[1,]', 4],
    ['$[1:2:0]', 5],
    ['$[(@.length-1)]', 2],
    ['$.a.nope()', 4],
    ['$.a.length(1)', 11],
    ['$.a.length().b', 12],
    ['$[?(1)]', 5],
    ['$[?(@.a ==)]', 10],
    ['$[?(@.a = 1)]', 8],
    ['$[?(@.a =~ 1)]', 11],
    ['$[?(@.a == /x/)]', 11],
    ['$[?(@.a =~ /(/)]', 12],
    ['$[?(@.a =~ /a(?=b)/)]', 12],
    ['$[?(@.a in [1, @.b])]', 15],
    ['$[?(@.a', 7],
    [`$[?(${'('.repeat(40)}`, 35],
    [`$.${'a'.repeat(9000)}`, 0],
  ])('%s', (path, at) => {
    const parsed = parseJsonPath(path)
    expect(isProblem(parsed) && parsed.message).toMatch(/\S/)
    expect(isProblem(parsed) && parsed.at).toBe(at)
  })
})

describe('texts', () => {
  test.each([
    ['1.0', '1.0'],
    ['12345678901234567890', '12345678901234567890'],
    ['1e5', '1e5'],
    ['-0', '-0'],
    ['10', '10'],
    ['37.42291810', '37.42291810'],
    ['{"a":[1.10,2]}', '{"a":[1.10,2]}'],
    ['{"b" : "\\u00e9"}', '{"b":"é"}'],
    ['"x"', 'x'],
    ['true', 'true'],
    ['\ufeff1', '1'],
  ])('%s stays what it is', (text, expected) => {
    expect(bareText(parseJson(text)!)).toBe(expected)
  })

  test('null is null, and no JSON is undefined', () => {
    expect(bareText(parseJson('null')!)).toBeNull()
    for (const text of ['', ' ', '{', "{'a':1}", '[1,]', 'nul', '1 2']) expect(parseJson(text)).toBeUndefined()
  })

  test('a member named __proto__ is a member', () => {
    const document = parseJson('{"__proto__":{"a":1.0}}')!
    expect(jsonText(document)).toBe('{"__proto__":{"a":1.0}}')
    expect(bareText(found('$.__proto__.a', document) as Json)).toBe('1.0')
    expect(jsonText(found("$['__proto__','a']", document) as Json)).toBe('{"__proto__":{"a":1.0}}')
  })

  test.each<[path: string, document: string, all: boolean, expected: string | null]>([
    ['$.a', '{"a":1}', false, '1'],
    ['$.a', '{"a":1}', true, '[1]'],
    ['$..b', '[{"b":"x"},{"b":2}]', false, 'x'],
    ['$..b', '[{"b":"x"},{"b":2}]', true, '["x",2]'],
    ['$.z', '{"a":1}', false, null],
    ['$..z', '{"a":1}', false, null],
    ['$..z', '{"a":1}', true, null],
    ['$.a', 'no', false, null],
    ['$[', '{}', false, null],
  ])('the template function: %s of %s, all: %s', (path, document, all, expected) => {
    expect(jsonPathText(path, document, all)).toBe(expected)
  })
})

describe('bounds', () => {
  test('a document that is nested deeper than the stack', () => {
    const nested = (leaf: string): string => `${'['.repeat(200_000)}${leaf}${']'.repeat(200_000)}`
    const text = nested('1')
    const document = parseJson(text)!
    expect(parseJson(nested('1.0'))).toBeDefined()
    expect(found('$[0][0].x', document)).toBe('none')
    expect(found('$..x', document)).toEqual([])
    // Whether such a document can be printed is the engine's affair; it must not throw.
    expect([undefined, text]).toContain(jsonText(document))
    expect([null, text]).toContain(jsonPathText('$', text, false))
  })

  test('too many values', () => {
    const list: Json = Array.from({ length: STEPS_MAX / 2 }, () => 1)
    expect(found('$[*]', list)).toHaveLength(STEPS_MAX / 2)
    expect(found('$[?($..x)]', list)).toBe('limit')
    expect(found('$[*][*][*]', [list, list, list])).toBe('limit')
    expect(found('$[?(@ in $[*])]', list)).toBe('limit')
  })

  test('too long a result', () => {
    const long = 'x'.repeat(5_000_000)
    expect(jsonArrayText([long, long, long])).toHaveLength(15_000_010)
    expect(jsonArrayText([long, long, long, long])).toBeUndefined()
  })
})

const anyJson = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>

test('any text as path, on any document', () => {
  const part = fc.constantFrom(
    ...'$@.*[]()?:,\'"=!<>&|~/ -1ab'.split(''),
    '..',
    '[?(',
    ')]',
    '==',
    '.length()',
    'in',
    '\\',
  )
  const path = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 20 }).map((parts) => parts.join('')),
  )
  let good = 0
  const property = fc.property(path, anyJson, (text, document) => {
    const parsed = parseJsonPath(text)
    if (isProblem(parsed)) {
      expect(parsed.at).toBeGreaterThanOrEqual(0)
      expect(parsed.at).toBeLessThanOrEqual(text.length)
      return
    }
    good++
    selectJson(parsed, document)
    jsonPathText(text, JSON.stringify(document), true)
  })
  fc.assert(property, { numRuns: 5000 })
  expect(good).toBeGreaterThan(20)
})

test('what RFC 9535 and Jayway share gives what an implementation of the RFC gives', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    name.map((one) => `.${one}`),
    name.map((one) => `..${one}`),
    name.map((one) => `['${one}']`),
    fc.integer({ min: -3, max: 3 }).map((one) => `[${one}]`),
    // From zero up: the library takes [-3:-1] of two members for nothing, where the RFC has the first one.
    fc.tuple(fc.nat(3), fc.integer({ min: -1, max: 3 })).map(([a, b]) => `[${a}:${b}]`),
    fc.constantFrom('[*]', '.*', '..*', '[0,1]', '[::2]', '[1:]'),
  )
  const leaf = fc.constantFrom<Json>(1, 'x', null, true, 2.5)
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 3 }),
    ) as fc.Arbitrary<Json>,
  }))
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), tree, (steps, document) => {
    const path = `$${steps.join('')}`
    const parsed = parseJsonPath(path)
    if (isProblem(parsed)) throw new Error(`${path}: ${parsed.message}`)
    const result = selectJson(parsed, document)
    const values = result.kind === 'one' ? [result.value] : result.kind === 'many' ? [...result.values] : []
    const sorted = (list: readonly unknown[]): string[] => list.map((one) => JSON.stringify(one)).sort()
    expect(sorted(values)).toEqual(sorted(query(document as never, path)))
  })
  fc.assert(property, { numRuns: 3000 })
})
