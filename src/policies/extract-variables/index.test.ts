import { describe, expect, test } from 'vitest'
import type { Value } from '../../engine/language/value.ts'
import { type MessageGiven, messageOf, type RunOptions, runPolicy } from '../test-kit.ts'
import extractVariables from './index.ts'

const run = (body: string, options: RunOptions = {}) =>
  runPolicy(extractVariables, `<ExtractVariables name="EV">${body}</ExtractVariables>`, options)

/** Runs without a fault and gives the variables of these names. */
async function extract(body: string, options: RunOptions, ...names: string[]): Promise<Value[]> {
  const { exchange, outcome, problemLines } = await run(body, options)
  expect(problemLines.filter((line) => line.startsWith('error'))).toEqual([])
  expect(outcome).toBeUndefined()
  return names.map((name) => exchange.get(name))
}

const json = (content: string, headers = {}): MessageGiven => ({
  verb: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  content,
})

describe('patterns', () => {
  const withPath = async (body: string, pathSuffix: string, name: string): Promise<Value> => {
    const { exchange, again } = await run(body)
    exchange.pathSuffix = pathSuffix
    expect(await again()).toBeUndefined()
    return exchange.get(name)
  }

  test('URIPath looks at the path suffix of a request', async () => {
    const body =
      '<Source>request</Source><URIPath><Pattern ignoreCase="true">/Resource1/{id}</Pattern></URIPath><VariablePrefix>uri</VariablePrefix>'
    expect(await withPath(body, '/resource1/42', 'uri.id')).toBe('42')
    expect(await withPath(body, '/resource2/42', 'uri.id')).toBeNull()
    expect(await withPath(body, '', 'uri.id')).toBeNull()
  })

  test('of several patterns the one with the most segments counts, of equal ones the first', async () => {
    const body = `<URIPath><Pattern>/**/{last}</Pattern><Pattern>/a/b/{x}</Pattern><Pattern>/a/{y}/c</Pattern></URIPath>`
    expect(await withPath(body, '/a/b/c', 'x')).toBe('c')
    expect(await withPath(body, '/a/b/c', 'y')).toBeNull()
    expect(await withPath(body, '/q/b/c', 'last')).toBe('c')
  })

  test('URIPath and QueryParam do nothing with a response', async () => {
    const body =
      '<Source>response</Source><URIPath><Pattern>/{a}</Pattern></URIPath><QueryParam name="q"><Pattern>{q}</Pattern></QueryParam>'
    expect(await extract(body, { phase: 'proxy-response', response: {} }, 'a', 'q')).toEqual([null, null])
  })

  test.each<[place: string, request: MessageGiven, body: string, expected: Value]>([
    [
      'QueryParam',
      { uri: '/t?code=dbn88271' },
      '<QueryParam name="code"><Pattern ignoreCase="true">DBN{v}</Pattern></QueryParam>',
      '88271',
    ],
    [
      'QueryParam, case kept',
      { uri: '/t?code=dbnAbC' },
      '<QueryParam name="code"><Pattern ignoreCase="true">DBN{v}</Pattern></QueryParam>',
      'AbC',
    ],
    [
      'QueryParam, other case',
      { uri: '/t?code=dbn1' },
      '<QueryParam name="code"><Pattern>DBN{v}</Pattern></QueryParam>',
      null,
    ],
    ['QueryParam, decoded', { uri: '/t?q=a%20b' }, '<QueryParam name="q"><Pattern>{v}</Pattern></QueryParam>', 'a b'],
    ['the second QueryParam', { uri: '/t?w=1&w=2' }, '<QueryParam name="w.2"><Pattern>{v}</Pattern></QueryParam>', '2'],
    ['a QueryParam that is not there', { uri: '/t' }, '<QueryParam name="w"><Pattern>{v}</Pattern></QueryParam>', null],
    [
      'Header',
      { headers: { Authorization: 'Bearer abc' } },
      '<Header name="authorization"><Pattern>Bearer {v}</Pattern></Header>',
      'abc',
    ],
    [
      'the second value of a Header',
      { headers: { Accept: 'a/b, c/d' } },
      '<Header name="Accept.2"><Pattern>{v}</Pattern></Header>',
      'c/d',
    ],
    [
      'all values of a Header',
      { headers: { Accept: 'a/b, c/d' } },
      '<Header name="Accept.values"><Pattern>{v}</Pattern></Header>',
      '[a/b, c/d]',
    ],
    [
      'a star',
      { headers: { T: 'text/xml;charset=UTF-16' } },
      '<Header name="T"><Pattern>*;charset={v}</Pattern></Header>',
      'UTF-16',
    ],
    [
      'escapes',
      { uri: '/t?q=%7Buser%7D Steve' },
      '<QueryParam name="q"><Pattern>%{user%} {v}</Pattern></QueryParam>',
      'Steve',
    ],
    [
      'FormParam',
      { verb: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, content: 'greeting=hello+Ann' },
      '<FormParam name="greeting"><Pattern>hello {v}</Pattern></FormParam>',
      'Ann',
    ],
    [
      'FormParam of another type',
      { verb: 'POST', headers: { 'Content-Type': 'text/plain' }, content: 'greeting=hello+Ann' },
      '<FormParam name="greeting"><Pattern>hello {v}</Pattern></FormParam>',
      null,
    ],
    ['Variable', { verb: 'PUT' }, '<Variable name="request.verb"><Pattern>P{v}T</Pattern></Variable>', 'U'],
    [
      'Variable that is a content',
      { verb: 'POST', content: 'hello Ann' },
      '<Variable name="request.content"><Pattern>hello {v}</Pattern></Variable>',
      'Ann',
    ],
  ])('%s', async (_, request, body, expected) => {
    expect(await extract(body, { request }, 'v')).toEqual([expected])
  })

  test('extractions run in document order, and the last one that finds something wins', async () => {
    const body =
      '<QueryParam name="t"><Pattern>{token}</Pattern></QueryParam><Header name="T"><Pattern>{token}</Pattern></Header>'
    expect(await extract(body, { request: { uri: '/t?t=q', headers: { T: 'h' } } }, 'token')).toEqual(['h'])
    expect(await extract(body, { request: { uri: '/t?t=q' } }, 'token')).toEqual(['q'])
  })
})

describe('source and targets', () => {
  const HEADER = '<Header name="H"><Pattern>{v}</Pattern></Header>'

  test('a source that does not exist', async () => {
    const { outcome } = await run(`<Source>response</Source>${HEADER}`)
    expect(outcome).toMatchObject({
      code: 'steps.extractvariables.SourceMessageNotAvailable',
      status: 500,
      text: 'response message is not available for ExtractVariable: EV',
    })
    const callout = await run(
      '<Source>calloutResponse</Source><JSONPayload><Variable name="a"><JSONPath>$.a</JSONPath></Variable></JSONPayload>',
    )
    expect(callout.outcome).toMatchObject({ text: 'calloutResponse message is not available for ExtractVariable: EV' })
  })

  test('without Source it is the message of the segment', async () => {
    const options = { request: { headers: { H: 'in' } }, response: { headers: { H: 'out' } } }
    expect(await extract(HEADER, { ...options, phase: 'target-request' }, 'v')).toEqual(['in'])
    expect(await extract(HEADER, { ...options, phase: 'target-response' }, 'v')).toEqual(['out'])
  })

  test('a.b.c cannot be set while a.b has a value', async () => {
    const body =
      '<QueryParam name="color"><Pattern>{color}</Pattern></QueryParam><QueryParam name="next"><Pattern>{color.next}</Pattern></QueryParam><VariablePrefix>var</VariablePrefix>'
    const { outcome, exchange } = await run(body, { request: { uri: '/t?color=blue&next=red' } })
    expect(outcome).toMatchObject({
      code: 'steps.extractvariables.SetVariableFailed',
      text: 'Failed to set variable var.color.next value red from ExtractVariables: EV',
    })
    expect(exchange.get('var.color')).toBe('blue')
    expect(await extract(body, { request: { uri: '/t?next=red' } }, 'var.color.next')).toEqual(['red'])
  })

  test('a message is no value in that sense, and its parts can be set', async () => {
    const mine = messageOf('request', {})
    const { exchange } = await run('<QueryParam name="q"><Pattern>{mine.header.X}</Pattern></QueryParam>', {
      request: { uri: '/t?q=1' },
      variables: { mine },
    })
    expect(mine.headers.get('x')).toBe('1')
    expect(exchange.get('mine.header.X')).toBeNull()
  })

  test('a read-only variable', async () => {
    const { outcome } = await run('<Header name="H"><Pattern>{messageid}</Pattern></Header>', {
      request: { headers: { H: '1' } },
    })
    expect(outcome).toMatchObject({ code: 'steps.extractvariables.ImmutableVariable', status: 500 })
  })

  test('clearPayload drops the payload after a success only', async () => {
    const body = (source: string) =>
      `<Source clearPayload="true">${source}</Source><JSONPayload><Variable name="v"><JSONPath>$.a</JSONPath></Variable></JSONPayload>`
    for (const source of ['request', 'request.content']) {
      const done = await run(body(source), { request: json('{"a":1}') })
      expect(done.exchange.get('v')).toBe('1')
      expect(done.exchange.request.content).toBe('')
      const failed = await run(body(source), { request: json('{}') })
      expect(failed.exchange.request.content).toBe('{}')
    }
  })
})

describe('deployment', () => {
  const payload = (inside: string): string => `<XMLPayload>${inside}</XMLPayload>`
  test.each<[code: string, body: string, text: string]>([
    [
      'NothingToExtract',
      '',
      'ExtractVariables EV: at least one of URIPath, QueryParam, Header, FormParam, XMLPayload, JSONPayload is mandatory.',
    ],
    ['NothingToExtract', '<JSONPayload/><URIPath name="name"/>', 'ExtractVariables EV: at least one of URIPath'],
    [
      'MissingName',
      '<QueryParam><Pattern>{a}</Pattern></QueryParam>',
      'Required attribute name is missing in QueryParam',
    ],
    [
      'MissingName',
      '<JSONPayload><Variable><JSONPath>$.a</JSONPath></Variable></JSONPayload>',
      'Required attribute name is missing in Variable',
    ],
    [
      'PatternWithoutVariable',
      '<URIPath><Pattern>/a/b/</Pattern></URIPath>',
      'Pattern /a/b/ should have atleast one variable in ExtractVariables stepDefinition EV',
    ],
    ['PatternWithoutVariable', '<URIPath><Pattern/></URIPath>', 'Pattern  should have atleast one variable'],
    [
      'InvalidPattern',
      '<QueryParam name="a"><Pattern>{*}</Pattern></QueryParam>',
      'Pattern {*} is invalid in ExtractVariables stepDefinition EV',
    ],
    ['InvalidPattern', '<URIPath><Pattern>/a**/{b}</Pattern></URIPath>', '** is a whole segment'],
    [
      'NoJSONPathsToEvaluate',
      '<JSONPayload><Variable name="t"/></JSONPayload>',
      'ExtractVariables EV: no jsonpaths to evaluate in variable t.',
    ],
    [
      'EmptyJSONPathExpression',
      '<JSONPayload><Variable name="t"><JSONPath> </JSONPath></Variable></JSONPayload>',
      'ExtractVariables EV: JSONPath expression is empty in variable t.',
    ],
    [
      'JSONPathCompilationFailed',
      '<JSONPayload><Variable name="t"><JSONPath>$.a[</JSONPath></Variable></JSONPayload>',
      'at character 5 of $.a[',
    ],
    [
      'NoXPathsToEvaluate',
      payload('<Variable name="t" type="boolean"></Variable>'),
      'ExtractVariables EV: no xpaths to evaluate in variable t.',
    ],
    [
      'EmptyXPathExpression',
      payload('<Variable name="t"><XPath/></Variable>'),
      'ExtractVariables EV: XPath expression is empty in variable t.',
    ],
    [
      'XPathCompilationFailed',
      payload('<Variable name="t"><XPath>/a:b</XPath></Variable>'),
      'the prefix a is not declared',
    ],
    [
      'XPathCompilationFailed',
      payload('<Variable name="t"><XPath>/a[</XPath></Variable>'),
      'Failed to compile xpath /a[',
    ],
    [
      'CannotBeConvertedToNodeset',
      payload('<Variable name="t" type="nodeset"><XPath>123</XPath></Variable>'),
      'ExtractVariables EV: Result of xpath 123 cannot be converted to nodeset',
    ],
    [
      'DuplicatePrefix',
      payload('<Namespaces><Namespace prefix="a">u</Namespace><Namespace prefix="a">u</Namespace></Namespaces>'),
      'ExtractVariables EV: Duplicate prefix a.',
    ],
    [
      'NONEmptyPrefixMappedToEmptyURI',
      payload('<Namespaces><Namespace prefix="a"/></Namespaces><Variable name="t"><XPath>/b</XPath></Variable>'),
      'ExtractVariables EV: Non-empty prefix a cannot be mapped to empty uri.',
    ],
    [
      'InvalidType',
      payload('<Variable name="t" type="strng"><XPath>/a</XPath></Variable>'),
      'there is no type strng (did you mean string?)',
    ],
  ])('%s: %s', async (code, body, text) => {
    const { problemLines } = await run(body)
    const errors = problemLines.filter((line) => line.startsWith('error'))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(`error: ${code}: `)
    expect(errors[0]).toContain(text)
  })

  test('the place of an error is that of the expression', async () => {
    const { problems } = await run(
      '\n<JSONPayload>\n<Variable name="t"><JSONPath>\n  $.a[</JSONPath></Variable></JSONPayload>',
    )
    expect(problems[0]?.at).toMatchObject({ line: 4, column: 3 })
  })

  test('what Edge lets pass is a warning', async () => {
    const { problemLines } = await run(
      `<URIPath name="name"/><QueryParam name="name"/><Variable name="name"/><XMLPayload/>
       <JSONPayload><Variable name="a"><JSONPath>$.a</JSONPath></Variable></JSONPayload><Typo/>`,
      { request: json('{"a":1}') },
    )
    expect(problemLines).toHaveLength(5)
    for (const line of problemLines) expect(line).toMatch(/^warning: (EmptyElement|UnknownElement): /)
  })

  test('axes that Edge does not have are a warning', async () => {
    const { problemLines } = await run(payload('<Variable name="t"><XPath>//a/..</XPath></Variable>'))
    expect(problemLines).toEqual([
      'warning: UnsupportedXPathAxis: Edge has no parent axis; here it works on small documents',
    ])
  })
})
