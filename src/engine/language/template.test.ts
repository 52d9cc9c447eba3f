import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTemplate, type Delimiters, parseTemplate, type TemplateEnv, Unresolved } from './template.ts'
import type { Value } from './value.ts'

type Scope = Readonly<Record<string, Value>>

const resolve = (name: string) => (scope: Scope) => (Object.hasOwn(scope, name) ? scope[name]! : null)

const ENV: TemplateEnv = {
  now: () => 0,
  uuid: () => 'ec3ca9be-d1e1-4ef4-aee4-4a58f3130db8',
  randomInt: (min) => min,
  xpath: (expression, xml, rest) => (xml === '' ? null : [expression, xml, ...rest].join('|')),
  jsonPath: (path, json, wantArray) => (json === '' ? null : `${path}|${json}|${wantArray}`),
}

const SCOPE: Scope = {
  name: 'Ann',
  'user.name': 'jdoe',
  'request.header.x-id': '7',
  _a: 'under',
  $b: 'dollar',
  status: 404,
  list: ['a', 'b'],
  on: true,
  empty: '',
  braces: '{name}',
  alpha: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  seven: 7,
  '12': 'twelve',
}

interface Options extends Delimiters {
  readonly ignoreUnresolved?: boolean
}

type Case = readonly [text: string, expected: string, options?: Options]

const named = (cases: readonly Case[]) => cases.map(([text, expected, options = {}]) => ({ text, expected, options }))

function render(text: string, { ignoreUnresolved = false, ...delimiters }: Options = {}): string {
  const made = compileTemplate(parseTemplate(text, delimiters), resolve, { ignoreUnresolved }, ENV)(SCOPE)
  return made instanceof Unresolved ? `unresolved ${made.name}` : made
}

describe('message templates', () => {
  const cases: readonly Case[] = [
    ['', ''],
    ['plain', 'plain'],
    ['{name}', 'Ann'],
    ['Hello {user.name}!', 'Hello jdoe!'],
    ['{name}{name}', 'AnnAnn'],
    ['{name} and {user.name}.', 'Ann and jdoe.'],
    ['id={request.header.x-id}', 'id=7'],
    ['{_a}{$b}', 'underdollar'],
    ['{status} {on} {list}', '404 true [a, b]'],
    ['[{empty}]', '[]'],
    // a value is never expanded again
    ['{braces}', '{name}'],
    // what opens no reference is text
    ['{', '{'],
    ['}', '}'],
    ['{}', '{}'],
    ['{{name}}', '{Ann}'],
    ['{ name }', '{ name }'],
    ['{name }', '{name }'],
    ['{name', '{name'],
    ['name}', 'name}'],
    ['{12}', '{12}'],
    ['[0-9]{12} {2,4}', '[0-9]{12} {2,4}'],
    ['{"a": "{name}", "b": {"c": [{}]}}', '{"a": "Ann", "b": {"c": [{}]}}'],
    ['{\n  "status" : "{status}"\n}', '{\n  "status" : "404"\n}'],
    ["{name['x']}", "{name['x']}"],
    ['{a.b[0]}', '{a.b[0]}'],
    ['{environment.{name}}', '{environment.Ann}'],
    ['p { color: red }', 'p { color: red }'],
    ['p{margin:0;padding:0}', 'p{margin:0;padding:0}'],
    ['function(){go(1); stop(2)}', 'function(){go(1); stop(2)}'],
    ['new Map({zoom: 4, center: paris})', 'new Map({zoom: 4, center: paris})'],
    ['f({lat:48.8,lng:2.3})', 'f({lat:48.8,lng:2.3})'],
    ['{$}', '{$}'],
    // escapes
    ['\\{name\\}', '{name}'],
    ['\\{name}', '{name}'],
    ['{name}\\}', 'Ann}'],
    ['a\\b\\n', 'a\\b\\n'],
    ['\\\\{name}', '\\{name}'],
    ['\\', '\\'],
    // defaults
    ['{nobody:Unknown}', 'Unknown'],
    ['{nobody:}', ''],
    ['{name:Unknown}', 'Ann'],
    ['{nobody:Unknown user}', 'Unknown user'],
    ['{empty:x}', ''],
    ['{protocol:https}://{site:example.com:8080}/p', 'https://example.com:8080/p'],
    ['{nobody:{name}}', '{nobody:Ann}'],
    // unresolved
    ['{nobody}', 'unresolved nobody'],
    ['a {nobody} b', 'unresolved nobody'],
    ['{name}{nobody}{other}', 'unresolved nobody'],
    ['a {nobody} b', 'a  b', { ignoreUnresolved: true }],
    ['{name}-{nobody}', 'Ann-', { ignoreUnresolved: true }],
    // dollar in URLs
    [`http://h/?w=$\{request.header.x-id}`, 'http://h/?w=$7'],
    [`http://h/?w=$\{request.header.x-id}&a={name}`, 'http://h/?w=7&a=Ann', { dollar: true }],
    [`$\{name}$\{name}`, 'AnnAnn', { dollar: true }],
    [`$$\{name}`, '$Ann', { dollar: true }],
    [`$ {name} $\{} $`, `$ Ann $\{} $`, { dollar: true }],
    // delimiters of one's own
    ['{"a": "@name#", "b": "{name}"}', '{"a": "Ann", "b": "{name}"}', { prefix: '@', suffix: '#' }],
    ['%name#', 'Ann', { prefix: '%', suffix: '#' }],
    ['%name% 5%', 'Ann 5%', { prefix: '%', suffix: '%' }],
    ['$name$', 'Ann', { prefix: '$', suffix: '$' }],
    ['\\@name#', '@name#', { prefix: '@', suffix: '#' }],
    ['@toUpperCase(name)#', 'ANN', { prefix: '@', suffix: '#' }],
    ['{name}', 'Ann', { prefix: '', suffix: '' }],
  ]
  test.each(named(cases))('$text -> $expected', ({ text, expected, options }) => {
    expect(render(text, options)).toBe(expected)
  })

  const calls: readonly Case[] = [
    ['{toUpperCase(name)}', 'ANN'],
    ['{toLowerCase(nobody:FOO)}', 'foo'],
    ['{toLowerCase(name:FOO)}', 'ann'],
    ["{toUpperCase('abc')}", 'ABC'],
    ["<{toUpperCase('a,b)}')}>", '<A,B)}>'],
    ['hello {substring(alpha,seven)}', 'hello HIJKLMNOPQRSTUVWXYZ'],
    ["{substring(alpha,'0',seven)}", 'ABCDEFG'],
    ['{substring(alpha, 0, 4)}', 'ABCD', { ignoreUnresolved: true }],
    ['{substring(ABCDEF,-4)}', 'CDEF', { ignoreUnresolved: true }],
    ['{createUuid()}', 'ec3ca9be-d1e1-4ef4-aee4-4a58f3130db8'],
    ['{ createUuid() }', '{ createUuid() }'],
    ['{createUuid() }', '{createUuid() }'],
    // a bare word that is no variable is text only when unresolved names are ignored
    ['{randomLong(10)}', 'unresolved 10'],
    ['{randomLong(10)}', '10', { ignoreUnresolved: true }],
    ['{randomLong(seven)}', '7'],
    ['{toUpperCase(nobody)}', 'unresolved nobody'],
    ['{toUpperCase(nobody)}', 'NOBODY', { ignoreUnresolved: true }],
    ['{toUpperCase(12)}', 'TWELVE'],
    // no nesting
    ['{toLowerCase(toUpperCase(name))}', 'touppercase(name)', { ignoreUnresolved: true }],
    ['{toUpperCase({name})}', '{toUpperCase(Ann)}'],
    // arguments that make no sense
    ['{substring(name,x)}', '', { ignoreUnresolved: true }],
    ["{substring(name,'x')}", 'unresolved substring'],
    // not set, and yet welcome
    ['{firstnonnull(nobody,name)}', 'Ann'],
    ['{firstnonnull(empty,name)}', ''],
    ["{firstnonnull(nobody,other,'fallback value')}", 'fallback value'],
    ['{firstnonnull(nobody)}', 'unresolved firstnonnull'],
    ['{firstnonnull(nobody)}', '', { ignoreUnresolved: true }],
    ['{firstnonnull(nobody,other)}', '', { ignoreUnresolved: true }],
    // engines from outside
    ["{xpath('/a/b',name)}", '/a/b|Ann'],
    ["{xpath('/a/b',name,'string','p:urn:x')}", '/a/b|Ann|string|p:urn:x'],
    ["{xpath('/a/b',empty)}", ''],
    ['{jsonPath($.a,name)}', '$.a|Ann|false', { ignoreUnresolved: true }],
    ["{jsonPath('$.a',name,true)}", '$.a|Ann|true', { ignoreUnresolved: true }],
    ["{jsonPath('$.a',name,'TRUE')}", '$.a|Ann|true'],
    ["{jsonPath('$.a',empty)}", ''],
    [
      "{jsonPath($.results[?(@.name == 'Mae West')][0].address.line1,name)}",
      "$.results[?(@.name == 'Mae West')][0].address.line1|Ann|false",
      { ignoreUnresolved: true },
    ],
    [`{jsonPath('$.r[?(@.n == "Mae, West")].l',name)}`, '$.r[?(@.n == "Mae, West")].l|Ann|false'],
  ]
  test.each(named(calls))('$text -> $expected', ({ text, expected, options }) => {
    expect(render(text, options)).toBe(expected)
    expect(parseTemplate(text, options).problems).toEqual([])
  })

  const problems: readonly (readonly [text: string, at: number, message: RegExp])[] = [
    ['{invalidFunction(xyz)}', 1, /no template function invalidFunction; a brace .* is written \\\{/],
    ['a {touppercase(name)}', 3, /no template function touppercase; write toUpperCase/],
    ['{substring(name)}', 1, /takes 2 to 3 arguments, not 1: substring\(text,start\[,end\]\)/],
    ['{toUpperCase()}', 1, /takes 1 argument, not 0/],
    ['{createUuid(name)}', 1, /takes 0 arguments, not 1/],
    ["{replaceAll(name,'(?=x)','')}", 1, /bad regular expression: look-ahead/],
    ["{xeger('a(?=b)')}", 1, /plain groups only/],
    ["{timeFormatUTC('yyyy-JJ',seven)}", 1, /JJ means nothing in a time format/],
    ["{hmacSha256(name,name,'utf-16')}", 1, /key encoding utf-16 is unknown/],
    ["{hmacSha256(name,name,'hex','utf-8')}", 1, /output encoding utf-8 is unknown/],
  ]
  test.each(problems)('problem of %s', (text, at, message) => {
    const { problems } = parseTemplate(text)
    expect(problems).toEqual([{ at, message: expect.stringMatching(message) }])
    expect(render(text, { ignoreUnresolved: true })).toBeTypeOf('string')
  })

  test('all problems are listed', () => {
    expect(parseTemplate('{a(b)} {name} {c(d)}').problems.map(({ at }) => at)).toEqual([1, 15])
  })

  test('names are resolved once, when it is compiled', () => {
    let resolved = 0
    const counting = (name: string) => {
      resolved++
      return resolve(name)
    }
    const made = compileTemplate(
      parseTemplate('{name} {toUpperCase(name)}'),
      counting,
      { ignoreUnresolved: false },
      ENV,
    )
    expect([made(SCOPE), made(SCOPE), resolved]).toEqual(['Ann ANN', 'Ann ANN', 2])
  })
})

describe('properties', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '\\',
      '$',
      'name',
      '(',
      ')',
      ',',
      "'",
      ':',
      ' ',
      '"',
      'toUpperCase',
      'xeger',
      '12',
      '.',
      '@',
      '[',
      ']',
    ],
  )
  const almost = fc.array(piece, { maxLength: 24 }).map((parts) => parts.join(''))
  const options = fc.record({
    ignoreUnresolved: fc.boolean(),
    dollar: fc.boolean(),
    prefix: fc.constantFrom('{', '@', '$', 'n'),
    suffix: fc.constantFrom('}', '#', '$', 'e'),
  })

  test('any text parses and renders', () => {
    fc.assert(
      fc.property(fc.oneof(almost, fc.string()), options, (text, chosen) => {
        expect(render(text, chosen)).toBeTypeOf('string')
      }),
      { numRuns: 2000 },
    )
  })

  test('with unresolved names ignored there is always a text', () => {
    fc.assert(
      fc.property(almost, (text) => {
        const made = compileTemplate(parseTemplate(text), resolve, { ignoreUnresolved: true }, ENV)(SCOPE)
        expect(made).toBeTypeOf('string')
      }),
      { numRuns: 1000 },
    )
  })

  test('text without a delimiter is returned unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/[{}]/.test(text))
        expect(render(text)).toBe(text)
      }),
    )
  })

  test('escaped, any text is returned unchanged', () => {
    fc.assert(
      fc.property(almost, (text) => {
        expect(render(text.replace(/[{}]/g, '\\$&'))).toBe(text)
      }),
    )
  })

  test.each([
    ['{a(', 40_000],
    ["{a('", 40_000],
    ['{a:', 40_000],
    ['{', 200_000],
    ['{name}', 30_000],
    ['\\{', 100_000],
    ['{a((((', 20_000],
  ])('%s many times ends in time', (text, times) => {
    const startedAt = performance.now()
    render(text.repeat(times))
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
