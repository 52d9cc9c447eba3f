import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { prepareXml, withDocument, XmlFailure } from '../../core/xml-document.ts'
import { compileXPath, evaluateMarkup, evaluateText, xpathText, xpathValueText } from './xpath.ts'
import { analyseXPath, isXPathProblem, type XPathType } from './xpath-syntax.ts'

beforeAll(() => prepareXml())

const PREFIXES = new Set(['p'])

describe('what an XPath gives', () => {
  test.each<[xpath: string, type: XPathType]>([
    ['/', 'nodes'],
    ['/a/b', 'nodes'],
    ['//a', 'nodes'],
    ['.', 'nodes'],
    ['..', 'nodes'],
    ['*', 'nodes'],
    ['@*', 'nodes'],
    ['p:a/p:*', 'nodes'],
    ['a[1]/b[@c = "d"]/text()', 'nodes'],
    ['child::a/descendant-or-self::node()/self::b', 'nodes'],
    ['a | b', 'nodes'],
    ['(a | b)[1]/c', 'nodes'],
    ['id("x")/a', 'nodes'],
    ["processing-instruction('x')", 'nodes'],
    ['and', 'nodes'],
    ['div div div', 'number'],
    ['* * *', 'number'],
    ['-a', 'number'],
    ['1 - 2', 'number'],
    ['a-b', 'nodes'],
    ['count(//a) mod 2', 'number'],
    ['.5', 'number'],
    ["'text'", 'text'],
    ["concat('a', 'b', string(c))", 'text'],
    ['a = b', 'boolean'],
    ['not(a) and (b or c)', 'boolean'],
    ['1 < 2 != 3 >= 4', 'boolean'],
    ['a/@b:c'.replace('b:', 'p:'), 'nodes'],
    ['xml:lang', 'nodes'],
    ['  /a  ', 'nodes'],
  ])('%s', (xpath, type) => {
    expect(analyseXPath(xpath, PREFIXES)).toMatchObject({ type })
  })
})

describe('what is no XPath', () => {
  test.each<[xpath: string, at: number]>([
    ['', 0],
    ['/a[', 3],
    ['/a]', 2],
    ['a b', 2],
    ['//', 2],
    ['a//', 3],
    ['a/', 2],
    ['a[]', 2],
    ['a[1', 3],
    ['(a', 2],
    ['q:a', 0],
    ['p:', 1],
    ['a/q:*', 2],
    ['$x', 0],
    ['foo()', 0],
    ['a/foo()', 2],
    ['p:foo()', 0],
    ['count()', 0],
    ['count(a, b)', 0],
    ["count('a')", 0],
    ['a[name(1)]', 2],
    ['substring("a")', 0],
    ['sideways::a', 0],
    ["'open", 0],
    ['a # b', 2],
    ['1 | a', 0],
    ['"x"/a', 0],
    ['a = ', 4],
    ['a and', 5],
    ['.[1]', 1],
    [`${'('.repeat(60)}a`, 40],
    ['a'.repeat(5000), 0],
  ])('%s', (xpath, at) => {
    const result = analyseXPath(xpath, PREFIXES)
    expect(isXPathProblem(result) && result.at).toBe(at)
  })
})

describe('what is costly', () => {
  test.each<[xpath: string, merges: boolean, rereads: boolean, axes: readonly string[]]>([
    ['/a/b[1]/@c', false, false, []],
    ['//a/b[@c = "d"][last()]', false, false, []],
    ['//a[.//b]', false, false, []],
    ['//a[count(b) > 1]', false, false, []],
    ['//a[contains(., "x") and b = "y"]', false, false, []],
    ['/a//b', true, false, []],
    ['//a//b', true, false, []],
    ['//a | //b', true, false, []],
    ['//a[b = c]', true, false, []],
    ['//a[. = /b]', true, true, []],
    ['//a[/b]', false, true, []],
    ['//a/..', true, false, ['parent']],
    ['..', false, false, ['parent']],
    ['//a/following-sibling::b', true, false, ['following-sibling']],
    ['//a[preceding-sibling::b]', false, false, ['preceding-sibling']],
    ['//ancestor::a', true, false, ['ancestor']],
    ['(//a)//b', true, false, []],
    ['(//a)/b', false, false, []],
  ])('%s', (xpath, merges, rereads, strangeAxes) => {
    expect(analyseXPath(xpath, PREFIXES)).toMatchObject({ merges, rereads, strangeAxes })
  })
})

/** Documents that make expressions costly, each of about `count` elements. */
const HOSTILE: Readonly<Record<string, (count: number) => string>> = {
  flat: (count) => `<r>${'<i a="1"/>'.repeat(count)}</r>`,
  deep: (count) => `<r>${('<i>'.repeat(240) + '</i>'.repeat(240)).repeat(count / 240)}</r>`,
  attributes: (count) =>
    `<r>${`<i ${Array.from({ length: 50 }, (_, i) => `a${i}="1"`).join(' ')}/>`.repeat(count / 50)}</r>`,
  pairs: (count) => `<r>${'<b><i>x</i></b>'.repeat(count / 2)}</r>`,
}

describe('bounds', () => {
  // Without the limits the first of these would take minutes.
  test.each([
    '//i/following-sibling::i',
    '//i/following::*',
    '//i//i//i',
    '//i/ancestor::*',
    '//i | //b | //i',
    '//@* | //@*',
    '//i[. = //i]',
    '//i[string(/) = "a"]',
    '//i[count(preceding-sibling::i) = 3]',
    '//i[count(//i[count(//i) = 2]) = 4]',
  ])('%s ends soon on any document', (expression) => {
    const compiled = compileXPath(expression, {})
    if ('message' in compiled) throw new Error(compiled.message)
    for (const make of Object.values(HOSTILE)) {
      for (const count of [2400, 48_000]) {
        const started = performance.now()
        withDocument(make(count), (document) => evaluateText(compiled, document))
        // Half a second on a quiet machine.
        expect(performance.now() - started).toBeLessThan(4000)
      }
    }
  })

  test('small documents have no limit that one meets', () => {
    const text = (expression: string) => xpathText(expression, HOSTILE['pairs']!(200), ['string'])
    expect(text('count(//i/following::*)')).toBe('198')
    expect(text('count(//i | //b)')).toBe('200')
    expect(text('count(//b//i)')).toBe('100')
    expect(text('count(//i/ancestor::*)')).toBe('101')
  })

  test('paths of the usual kind work on large documents', () => {
    const document = `<r>${'<item id="1"><name>x</name></item>'.repeat(20_000)}<item id="2"><name>y</name></item></r>`
    expect(xpathText('/r/item[20001]/name', document, ['string'])).toBe('y')
    expect(xpathText("//item[@id='2']/name", document, ['string'])).toBe('y')
    expect(xpathText('count(//name)', document, ['string'])).toBe('20001')
  })
})

describe('the template function', () => {
  const XML = '<a xmlns:n="urn:n"><b id="1">x &amp; y</b><b>z</b><n:c>5</n:c></a>'
  test.each<[xpath: string, rest: string[], expected: string | null]>([
    ['/a/b', [], '<b xmlns:n="urn:n" id="1">x &amp; y</b><b>z</b>'.replace(' xmlns:n="urn:n"', '')],
    ['/a/b', ['nodeset'], '<b id="1">x &amp; y</b><b>z</b>'],
    ['/a/b', ['node'], '<b id="1">x &amp; y</b>'],
    ['/a/b', ['string'], 'x & y'],
    ['/a/b/text()', [], 'x &amp; yz'],
    ['/a/b/@id', [], '1'],
    ['count(/a/b)', [], '2'],
    ['count(/a/b)', ['number'], '2'],
    ['/a/b = "z"', ['boolean'], 'true'],
    ['//p:c', ['string', 'p:urn:n'], '5'],
    ['//p:c', ['p:urn:n'], '<n:c xmlns:n="urn:n">5</n:c>'],
    ['//p:c', [], null],
    ['//z', [], null],
    ['//z', ['string'], null],
    ['/a[', [], null],
    ['/a', Array.from({ length: 11 }, (_, i) => `p${i}:u`), null],
  ])('%s %j', (xpath, rest, expected) => {
    expect(xpathText(xpath, XML, rest)).toBe(expected)
  })

  test.each(['', '<a', '<!DOCTYPE a><a/>'])('of %s it is nothing', (xml) => {
    expect(xpathText('/a', xml, [])).toBeNull()
  })
})

test.each([
  [1, '1'],
  [-1.5, '-1.5'],
  [0.1, '0.1'],
  [1e21, '1000000000000000000000'],
  [1e-7, '0.0000001'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  [true, 'true'],
  ['x', 'x'],
])('%s as XPath writes it', (value, expected) => {
  expect(xpathValueText(value)).toBe(expected)
})

const { expression } = fc.letrec<{ expression: string; path: string; step: string }>((tie) => {
  const test = fc.constantFrom(
    'a',
    'b',
    '*',
    'text()',
    'node()',
    '@x',
    '@*',
    'p:a',
    '.',
    '..',
    'div',
    'child::a',
    'following::b',
  )
  const step = fc.oneof(
    { depthSize: 'small' },
    test,
    fc
      .tuple(fc.constantFrom('a', '*', 'descendant::b', '@x'), tie('expression'))
      .map(([one, inside]) => `${one}[${inside}]`),
  )
  const path = fc
    .tuple(fc.constantFrom('', '/', '//'), fc.array(step, { minLength: 1, maxLength: 3 }), fc.constantFrom('/', '//'))
    .map(([start, steps, join]) => start + steps.join(join))
  return {
    step,
    path,
    expression: fc.oneof(
      { depthSize: 'small' },
      path,
      fc.constantFrom('1', "'a'", 'last()', 'position()', 'true()', '-1', '.5'),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom(' and ', ' = ', '<', '>=', ' div ', '*', ' - ', '|', '!='),
          tie('expression'),
        )
        .map((parts) => parts.join('')),
      fc
        .tuple(fc.constantFrom('count', 'string', 'not', 'sum', 'name', 'number'), tie('expression'))
        .map(([f, one]) => `${f}(${one})`),
      tie('expression').map((one) => `(${one})`),
    ) as fc.Arbitrary<string>,
  }
})

test('what is found good, libxml2 evaluates, and gives what was foretold', () => {
  const document = '<a xmlns:q="urn:p" x="1"><b>2</b><q:a y="3"><a x="5">t<b/></a></q:a></a>'
  let good = 0
  const property = fc.property(expression, (text) => {
    const compiled = compileXPath(text, { p: 'urn:p' })
    if ('message' in compiled) return
    good++
    const result = withDocument(document, (one) => evaluateText(compiled, one))
    const markup = withDocument(document, (one) => evaluateMarkup(compiled, one))
    expect(result instanceof XmlFailure && result.message).toBe(false)
    if (!(result instanceof XmlFailure)) {
      const given = { string: 'text', number: 'number', boolean: 'boolean', object: 'nodes' }[typeof result as 'string']
      expect([given, given === 'text' ? 'nodes' : given]).toContain(compiled.analysis.type)
      if (compiled.analysis.type !== 'nodes') expect(markup).toBeNull()
    }
  })
  fc.assert(property, { numRuns: 3000 })
  expect(good).toBeGreaterThan(1000)
})

test('any text as XPath, any text as document', () => {
  const token = fc.constantFrom(...'/ // [ ] ( ) @ . .. * | = a b : :: - 1 $ " and text() count('.split(' '))
  const text = fc.oneof(
    fc.string(),
    fc.array(token, { maxLength: 12 }).map((parts) => parts.join('')),
  )
  const xml = fc.oneof(
    fc.string(),
    fc.string().map((inside) => `<a>${inside}</a>`),
  )
  const property = fc.property(text, xml, (path, document) => {
    const result = analyseXPath(path, PREFIXES)
    if (isXPathProblem(result)) {
      expect(result.at).toBeGreaterThanOrEqual(0)
      expect(result.at).toBeLessThanOrEqual(path.length)
    }
    xpathText(path, document, ['string', 'p:u'])
  })
  fc.assert(property, { numRuns: 3000 })
})
