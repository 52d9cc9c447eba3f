import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileCondition, parseCondition, variablesOf } from './condition.ts'
import type { Condition, Operand, Operator } from './condition-ast.ts'
import { OPERATORS } from './condition-operators.ts'
import { printCondition } from './condition-print.ts'
import { isBareName } from './condition-tokens.ts'
import type { Value } from './value.ts'

type Scope = Readonly<Record<string, Value>>

const resolve = (name: string) => (scope: Scope) => (Object.hasOwn(scope, name) ? scope[name]! : null)

function parsed(text: string): Condition {
  const result = parseCondition(text)
  if (!result.ok) throw new Error(`${text.slice(0, 200)}: ${result.at}: ${result.message}`)
  return result.condition
}

const holds = (text: string, scope: Scope): boolean => compileCondition(parsed(text), resolve)(scope)

const SCOPE: Scope = {
  'proxy.pathsuffix': '/pets/12',
  'request.verb': 'GET',
  'request.header.help!me': 'yes',
  'response.status.code': 404,
  'fault.name': 'InvalidApiKey',
  ten: '10',
  nine: '9',
  half: 0.5,
  on: true,
  off: false,
  yes: 'true',
  Yes: 'TRUE',
  empty: '',
  list: ['a', 'b'],
  message: { content: 'x' },
  glob: '/pets/*',
  regex: '[A-Z]+',
  broken: '(',
}

describe('conditions', () => {
  const cases: readonly (readonly [text: string, expected: boolean])[] = [
    // spellings
    ['request.verb = "GET"', true],
    ['request.verb="GET"', true],
    ['request.verb =="GET"', true],
    ['request.verb EQUALS "GET"', true],
    ['request.verb is "GET"', true],
    ['request.verb is not "GET"', false],
    ['request.verb IsNot "POST"', true],
    ['request.verb NotEquals "POST"', true],
    ['request.verb = "get"', false],
    ['request.verb := "get"', true],
    ['request.verb EqualsCaseInsensitive "gets"', false],
    ['request.verb =| "G"', true],
    ['request.verb startswith "g"', false],
    ['not (request.verb = "POST")', true],
    ['NOT request.verb = "POST"', true],
    ['!request.verb = "GET"', false],
    ['! ! on', true],
    ['not(off)AND(on)', true],
    ['(on)\n  and\n\t(request.verb = "GET")\n', true],
    ['\'request.header.help!me\' = "yes"', true],
    ['proxy.pathsuffix Not MatchesPath "/pets"', true],
    ['proxy.pathsuffix not ~~ "/pets/[0-9]+"', false],
    ['proxy.pathsuffix /~ "/pets/*"', true],
    // blank
    ['', true],
    [' \n ', true],
    // precedence
    ['on or off and off', true],
    ['(on or off) and off', false],
    ['off and off or on', true],
    ['off || on && on', true],
    ['not off or off', true],
    // bare operands
    ['on', true],
    ['yes', true],
    ['Yes', false],
    ['empty', false],
    ['unset', false],
    ['list', false],
    ['true', true],
    ['FALSE', false],
    ['null', false],
    // type widening
    ['response.status.code = 404', true],
    ['response.status.code = "404"', true],
    ['response.status.code = 404l', true],
    ['response.status.code = 404.0', true],
    ['response.status.code = "404.0"', false],
    ['response.status.code >= 400 and response.status.code < 500', true],
    ['response.status.code GreaterThan 404', false],
    ['response.status.code LesserThanOrEquals 404', true],
    ['half < 0.51f', true],
    ['half > -3d', true],
    ['half = .5', true],
    ['ten > 9', false],
    ['ten > nine', false],
    ['ten = 10', true],
    ['ten = 10d', false],
    ['on = "true"', true],
    ['on = true', true],
    ['yes = true', true],
    ['on = 1', true],
    ['off < on', true],
    ['on > 0', true],
    ['404 = response.status.code', true],
    ['"GET" = request.verb', true],
    ['1 < 2', true],
    ['"b" > "a"', true],
    // collections and objects compare with nothing
    ['list = "[a, b]"', false],
    ['list != "[a, b]"', false],
    ['list ~ "*"', false],
    ['list !~ "*"', false],
    ['message = "x"', false],
    ['message > 1', false],
    ['message != null', true],
    ['message = message', false],
    // patterns
    ['proxy.pathsuffix ~/ "/pets/{id}"', true],
    ['proxy.pathsuffix LikePath "/pets"', false],
    ['proxy.pathsuffix Like "/pets*"', true],
    ['proxy.pathsuffix Matches "/pet"', false],
    ['proxy.pathsuffix JavaRegex "/pets/\\d+"', true],
    ['proxy.pathsuffix ~~ "/pets"', false],
    ['response.status.code ~ "4*"', true],
    ['response.status.code ~~ "4.."', true],
    ['proxy.pathsuffix !~ "/cats*"', true],
    ['proxy.pathsuffix ~/ glob', true],
    ['proxy.pathsuffix ~ glob', true],
    ['request.verb ~~ regex', true],
    ['request.verb ~~ broken', false],
    ['request.verb =| empty', true],
    // presence
    ['unset = null', true],
    ['unset is null', true],
    ['fault.name is not null', true],
    ['empty is null', false],
    ['empty = ""', true],
    ['null = unset', true],
    ['null is not fault.name', true],
    ["request.verb = 'GET'", false],
  ]
  test.each(cases)('%s -> %s', (text, expected) => {
    expect(holds(text, SCOPE)).toBe(expected)
  })

  // Apigee, conditions reference: null operands. [operator, left null, right null, both null].
  const nulls: readonly (readonly [Operator, boolean, boolean, boolean])[] = [
    ['Equals', false, false, true],
    ['EqualsCaseInsensitive', false, false, true],
    ['StartsWith', false, false, false],
    ['NotEquals', true, true, false],
    ['GreaterThan', true, false, false],
    ['GreaterThanOrEquals', false, true, true],
    ['LesserThan', true, false, false],
    ['LesserThanOrEquals', true, false, true],
    ['Matches', false, false, false],
    ['JavaRegex', false, false, false],
    ['MatchesPath', false, false, false],
    ['NotMatches', true, false, false],
  ]
  test.each(nulls)('null operands of %s', (operator, left, right, both) => {
    const symbol = OPERATORS[operator].symbols[0]
    for (const [text, expected] of [
      [`unset ${symbol} "5"`, left],
      [`unset ${symbol} ten`, left],
      [`null ${symbol} "5"`, left],
      [`null ${symbol} ten`, left],
      [`ten ${symbol} null`, right],
      [`ten ${symbol} unset`, right],
      [`"10" ${symbol} unset`, right],
      [`"10" ${symbol} null`, right],
      [`unset ${symbol} null`, both],
      [`unset ${symbol} unset`, both],
      [`null ${symbol} unset`, both],
      [`null ${symbol} null`, both],
    ] as const) {
      expect([text, holds(text, SCOPE)]).toEqual([text, expected])
    }
  })

  test('every operator is in the table of nulls', () => {
    expect(nulls.map(([operator]) => operator).sort()).toEqual(Object.keys(OPERATORS).sort())
  })

  test('variablesOf lists each variable once', () => {
    const names = variablesOf(parsed(`a = "x" and (b or not a = c) and 'd e' is null and "t" = f`))
    expect(names).toEqual(['a', 'b', 'c', 'd e', 'f'])
  })

  test('short-circuits', () => {
    const read: string[] = []
    const noting = (name: string) => (scope: Scope) => {
      read.push(name)
      return resolve(name)(scope)
    }
    compileCondition(parsed('off and a or on or b'), noting)(SCOPE)
    expect(read).toEqual(['off', 'on'])
  })
})

describe('what is wrong with a condition', () => {
  const errors: readonly (readonly [text: string, at: number, message: RegExp])[] = [
    ['request.verb = ', 15, /ends where a value to compare with/],
    ['request.verb = "GET', 15, /double quote is not closed/],
    ["request.verb = 'GET", 15, /single quote is not closed/],
    ['(request.verb = "GET"', 0, /\( is never closed/],
    ['request.verb = "GET")', 20, /closes nothing/],
    ['request.verb = "GET" and', 24, /ends where/],
    ['and a', 0, /the operator and stands/],
    ['a and and b', 6, /the operator and/],
    ['a = "x" b', 8, /b is left over: and, or or the end/],
    ['true of false', 5, /of is no operator/],
    ['a SeemsLike "b"', 2, /SeemsLike is no operator/],
    ['a === "b"', 2, /=== is no operator; write =/],
    ['a <> "b"', 2, /write !=/],
    ['a =~ "b"', 2, /write ~~/],
    ['a contains "b"', 2, /write ~ "\*text\*"/],
    ['a LessThan 5', 2, /write < or LesserThan/],
    ['a & b', 2, /write && \(or and\)/],
    ['{a = "5"}', 0, /unexpected "\{"; variables stand without braces/],
    ['a = {5}', 4, /unexpected/],
    ['"a"', 0, /alone is no condition/],
    ['5', 0, /alone is no condition/],
    ['a > 20.20.20', 4, /no number/],
    ['a > 20three', 4, /no number; a name that begins with a digit/],
    ['a = 1.5l', 4, /a long has no fraction/],
    ['a ~~ "[a"', 6, /bad regular expression: the bracket/],
    ['a ~~ "x(?=y)"', 7, /look-ahead/],
    ['a = = "b"', 4, /= stands where a value/],
    ['a = like', 4, /the operator like stands/],
    ['a = (b)', 4, /\( stands where/],
    ['(a b)', 3, /b is no operator/],
    ['(a = "b" c)', 9, /and, or or \) was expected/],
    [`${'('.repeat(201)}a${')'.repeat(201)}`, 200, /at most 200 deep/],
    [`${'!'.repeat(201)}a`, 200, /at most 200 deep/],
    ['a'.repeat(65_537), 65_536, /at most 65536 characters/],
  ]
  test.each(errors)('error %#', (text, at, message) => {
    const result = parseCondition(text)
    expect(result).toMatchObject({ ok: false, at })
    expect(result.ok ? '' : result.message).toMatch(message)
  })

  test('200 levels are fine', () => {
    expect(holds(`${'('.repeat(200)}on${')'.repeat(200)}`, SCOPE)).toBe(true)
  })

  const warned: readonly (readonly [text: string, at: number, message: RegExp])[] = [
    [`request.verb = 'GET'`, 15, /a text is written "GET"/],
    [`a = 'application/json'`, 4, /single quotes/],
    [`a = ''`, 4, /single quotes/],
    ['a /~ "/x"', 2, /taken as ~\//],
  ]
  test.each(warned)('warns of %s', (text, at, message) => {
    const result = parseCondition(text)
    expect(result).toMatchObject({ ok: true, warnings: [{ at, message: expect.stringMatching(message) }] })
  })

  test.each([`'a!b' = "c"`, `a = 'request.header.b!c'`, `a = 'ratelimit.Quota 1.failed'`, 'a = b'])(
    'does not warn of %s',
    (text) => {
      expect(parseCondition(text)).toMatchObject({ ok: true, warnings: [] })
    },
  )
})

describe('properties', () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.replaceAll("'", '_'))
  const number = fc.oneof(
    fc.record({ value: fc.integer(), type: fc.constantFrom('integer' as const, 'long' as const) }),
    fc.record({
      value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value + 0),
      type: fc.constantFrom('float' as const, 'double' as const),
    }),
  )
  const operand: fc.Arbitrary<Operand> = fc.oneof(
    fc.record({ kind: fc.constant('variable' as const), name }),
    fc.record({ kind: fc.constant('text' as const), value: fc.string().map((text) => text.replaceAll('"', '')) }),
    number.map((n) => ({ kind: 'number' as const, ...n })),
    fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.constant({ kind: 'null' as const }),
  )
  const operators = Object.keys(OPERATORS) as Operator[]
  const tree = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4 },
      fc.record({
        kind: fc.constant('compare' as const),
        operator: fc.constantFrom(...operators.filter((operator) => operator !== 'JavaRegex')),
        left: operand,
        right: operand,
      }),
      fc.record({
        kind: fc.constant('test' as const),
        operand: operand.filter(({ kind }) => kind !== 'text' && kind !== 'number'),
      }),
      fc.record({ kind: fc.constant('not' as const), of: tie('condition') }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('condition'), { minLength: 2, maxLength: 4 }),
      }),
    ),
  })).condition

  test('what is printed parses to the same condition', () => {
    fc.assert(
      fc.property(tree, (condition) => {
        expect(parsed(printCondition(condition))).toEqual(condition)
      }),
      { numRuns: 500 },
    )
  })

  test('compiled against literals and against variables, a comparison gives the same', () => {
    const value = fc.oneof(
      fc.constantFrom<Value>(null, true, false, '', 'true', '1', '10', '9', 'a', 1, 10, 9, 0.5, 404),
      fc.constant<Value>(['a']),
    )
    const literal = operand.filter(({ kind }) => kind !== 'variable')
    fc.assert(
      fc.property(fc.constantFrom(...operators), value, literal, (operator, left, right) => {
        fc.pre(operator !== 'JavaRegex')
        // Literals with a decimal point keep it as text; a variable does not know that it was one.
        fc.pre(right.kind !== 'number' || right.type === 'integer' || right.type === 'long')
        const value = right.kind === 'null' || right.kind === 'variable' ? null : right.value
        const variable = (of: string): Operand => ({ kind: 'variable', name: of })
        const scope: Scope = { l: left, r: value }
        const a = compileCondition({ kind: 'compare', operator, left: variable('l'), right }, resolve)(scope)
        const b = compileCondition(
          { kind: 'compare', operator, left: variable('l'), right: variable('r') },
          resolve,
        )(scope)
        expect(a).toBe(b)
      }),
      { numRuns: 1000 },
    )
  })

  test('any text is parsed or refused with a place in it, and runs', () => {
    const words = fc.constantFrom(
      'a',
      '"x"',
      "'y'",
      'and',
      'or',
      'not',
      '!',
      '(',
      ')',
      '=',
      '~~',
      '~/',
      '>',
      'is',
      '12',
      '',
    )
    const almost = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(' '))
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        const result = parseCondition(text)
        if (result.ok) expect(typeof compileCondition(result.condition, resolve)(SCOPE)).toBe('boolean')
        else expect(result.at >= 0 && result.at <= text.length).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('long conditions of one level take no stack', () => {
    const text = Array.from({ length: 9000 }, () => 'off').join(' or ')
    expect(holds(text, SCOPE)).toBe(false)
    expect(variablesOf(parsed(text))).toEqual(['off'])
  })

  test('names with operator characters are quoted', () => {
    expect(['a.b', 'a-b', 'is', 'a b', 'a=b', '1a', 'é'].map(isBareName)).toEqual([
      ...[true, true, false, false, false, false, true],
    ])
  })
})
