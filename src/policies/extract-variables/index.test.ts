import { describe, expect, test } from 'vitest'
import { isXmlReady, prepareXml } from '../../core/xml-document.ts'
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
const xml = (content: string, type = 'text/xml'): MessageGiven => ({
  verb: 'POST',
  headers: { 'Content-Type': type },
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

describe('JSON', () => {
  const PODS = '[{"name":"pod1","region":"us-east-1"},{"name":"pod2","region":"us-west-2"}]'
  const variable = (path: string, attributes = ''): string =>
    `<JSONPayload><Variable name="v"${attributes}><JSONPath>${path}</JSONPath></Variable></JSONPayload>`

  test.each<[path: string, document: string, expected: Value]>([
    ['$.[0].name', PODS, 'pod1'],
    ['$.[*].name', PODS, '["pod1","pod2"]'],
    ["$.[?(@.region=='{wanted}')].name", PODS, '["pod2"]'],
    [
      '$.results[0].geometry.location.lat',
      '{"results":[{"geometry":{"location":{"lat":37.42291810}}}]}',
      '37.42291810',
    ],
    ['$.id', '{"id":12345678901234567890}', '12345678901234567890'],
    ['$.user', '{"user":{"a": [1, 2]}}', '{"a":[1,2]}'],
    ['$.ok', '{"ok":true}', 'true'],
    ['$.none', '{"none":null}', null],
    ['$..nothing', '{}', '[]'],
    ['query', '{"query":"x"}', 'x'],
  ])('%s', async (path, document, expected) => {
    const options = { request: json(document), variables: { wanted: 'us-west-2' } }
    expect(await extract(variable(path), options, 'v')).toEqual([expected])
  })

  test.each<[type: string, document: string, expected: Value]>([
    ['string', '1.50', '1.50'],
    ['integer', '36.2312', 36],
    ['integer', '"17"', 17],
    ['long', '9007199254740993', '9007199254740993'],
    ['long', '4294967296', 4294967296],
    ['float', '39.5', 39.5],
    ['double', '"-1e3"', -1000],
    ['boolean', 'true', true],
    ['boolean', '"False"', false],
    ['nodeset', '{"b":"c"}', '{"b":"c"}'],
    ['nodeset', '"text"', '"text"'],
    ['Integer', '1', 1],
  ])('type %s of %s', async (type, value, expected) => {
    expect(await extract(variable('$.a', ` type="${type}"`), { request: json(`{"a":${value}}`) }, 'v')).toEqual([
      expected,
    ])
  })

  test.each([
    ['boolean', '36.231', 'Unable to cast value 36.231 as BOOLEAN.'],
    ['integer', '"x"', 'Unable to cast value x as INTEGER.'],
    ['integer', '4294967296', 'Unable to cast value 4294967296 as INTEGER.'],
    ['long', '1e30', 'Unable to cast value 1e30 as LONG.'],
    ['double', '""', 'Unable to cast value  as DOUBLE.'],
  ])('no %s is %s', async (type, value, text) => {
    const { outcome, exchange } = await run(variable('$.a', ` type="${type}"`), { request: json(`{"a":${value}}`) })
    expect(outcome).toMatchObject({ code: 'steps.extractvariables.UnableToCast', status: 500, text })
    expect(exchange.get('extractvariables.EV.failed')).toBe(true)
  })

  test('only of messages that say they are JSON; of variables always', async () => {
    const document = '{"a":"b"}'
    const of = (type: string) =>
      extract(variable('$.a'), { request: { verb: 'POST', headers: { 'Content-Type': type }, content: document } }, 'v')
    expect(await of('application/json; charset=utf-8')).toEqual(['b'])
    expect(await of('application/hal+json')).toEqual(['b'])
    expect(await of('text/plain')).toEqual([null])
    expect(await of('text/json')).toEqual([null])
    const content = `<Source>request.content</Source>${variable('$.a')}`
    expect(await extract(content, { request: { verb: 'POST', content: document } }, 'v')).toEqual(['b'])
    expect(await extract(`<Source>mine</Source>${variable('$.a')}`, { variables: { mine: document } }, 'v')).toEqual([
      'b',
    ])
    const callout = messageOf('response', { headers: { 'Content-Type': 'application/json' }, content: document })
    expect(await extract(`<Source>mine</Source>${variable('$.a')}`, { variables: { mine: callout } }, 'v')).toEqual([
      'b',
    ])
  })

  test('a path that leads nowhere is a fault unless IgnoreUnresolvedVariables', async () => {
    const request = json('{"firstName":"Ann"}')
    const { outcome } = await run(variable('$.Name'), { request })
    expect(outcome).toMatchObject({
      code: 'steps.extractvariables.InvalidJSONPath',
      text: 'Invalid JSON path $.Name in policy EV.',
    })
    const ignoring = `<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>${variable('$.Name')}`
    expect(await extract(ignoring, { request }, 'v')).toEqual([null])
  })

  test('a template in a path', async () => {
    const path = variable("$.['{key}']")
    const request = json('{"a":1}')
    expect(await extract(path, { request, variables: { key: 'a' } }, 'v')).toEqual(['1'])
    expect((await run(path, { request })).outcome).toMatchObject({ code: 'entities.UnresolvedVariable' })
    // A value can break out of its quotes: that is no path then, and no fault of the gateway.
    const hostile = await run(path, { request, variables: { key: "a'" } })
    expect(hostile.outcome).toMatchObject({ text: "Invalid JSON path $.['a''] in policy EV." })
  })

  test('several paths: the first that finds something', async () => {
    const body =
      '<JSONPayload><Variable name="v"><JSONPath>$.a</JSONPath><JSONPath>$.b</JSONPath></Variable></JSONPayload>'
    expect(await extract(body, { request: json('{"b":2}') }, 'v')).toEqual(['2'])
    expect((await run(body, { request: json('{}') })).outcome).toMatchObject({
      text: 'Invalid JSON path $.a in policy EV.',
    })
  })

  test.each([
    ['an empty body', ''],
    ['a malformed one', '[ "args": ["name" : "amar" ] ]'],
  ])('%s cannot be read', async (_, content) => {
    const { outcome } = await run(variable('$.a'), { request: json(content) })
    expect(outcome).toMatchObject({
      code: 'steps.extractvariables.ExecutionFailed',
      text: 'Failed to execute the ExtractVariables: EV',
    })
  })

  test.each([
    ['<Source>request.content</Source>', {}],
    ['<Source>calloutResponse.content</Source>', {}],
    ['<Source>mine</Source>', { variables: { mine: 'no JSON' } }],
  ])('a variable that is no JSON: %s', async (source, options) => {
    const { outcome } = await run(`${source}${variable('$.a')}`, options)
    const name = /<Source>(.*)<\/Source>/.exec(source)![1]
    expect(outcome).toMatchObject({
      code: 'steps.extractvariables.JsonPathParsingFailure',
      text: `ExtractVariables EV: Json path parsing failed for for flow variables ${name}`,
    })
  })
})

describe('XML', () => {
  const SOAP =
    '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><q:login xmlns:q="urn:x"><q:id kind="c">ACME-42</q:id></q:login></S:Body></S:Envelope>'
  const payload = (variables: string, attributes = ''): string =>
    `<XMLPayload${attributes}><Namespaces><Namespace prefix="e">http://schemas.xmlsoap.org/soap/envelope/</Namespace><Namespace prefix="n">urn:x</Namespace></Namespaces>${variables}</XMLPayload>`
  const variable = (xpath: string, type = 'string', name = 'v'): string =>
    `<Variable name="${name}" type="${type}"><XPath>${xpath}</XPath></Variable>`

  test('the first step that needs it loads libxml2', async () => {
    const { outcome, exchange } = await run(payload(variable('/e:Envelope/e:Body/n:login/n:id')), {
      request: xml(SOAP),
    })
    expect(outcome).toBeUndefined()
    expect(exchange.get('v')).toBe('ACME-42')
    expect(isXmlReady()).toBe(true)
    expect(prepareXml()).toBeUndefined()
  })

  test.each<[xpath: string, type: string, document: string, expected: Value]>([
    ['/e:Envelope/e:Body/n:login/n:id/text()', 'string', SOAP, 'ACME-42'],
    ['//n:id/@kind', 'string', SOAP, 'c'],
    ['//n:id', 'nodeset', SOAP, '<q:id xmlns:q="urn:x" kind="c">ACME-42</q:id>'],
    ['//n:other', 'string', SOAP, null],
    ['//n:other', 'nodeset', SOAP, null],
    ['count(//n:id)', 'integer', SOAP, 1],
    ['count(//n:id)', 'string', SOAP, '1'],
    ['//n:id = "ACME-42"', 'boolean', SOAP, true],
    ['/a/b', 'nodeset', '<a><b>1</b><b>2</b></a>', '<b>1</b><b>2</b>'],
    ['/a/b', 'string', '<a><b>1</b><b>2</b></a>', '1'],
    ['/a/b', 'float', '<a><b> 2.5 </b></a>', 2.5],
    ['/a/b', 'boolean', '<a><b>false</b></a>', false],
    ['//city', 'string', '<r><city>San <i>Jose</i></city></r>', 'San Jose'],
  ])('%s as %s', async (xpath, type, document, expected) => {
    const escaped = xpath.replaceAll('"', '&quot;')
    expect(await extract(payload(variable(escaped, type)), { request: xml(document) }, 'v')).toEqual([expected])
  })

  test.each([
    ['text/xml; charset=utf-8', 'b'],
    ['application/xml', 'b'],
    ['application/soap+xml', 'b'],
    ['text/plain', null],
    ['application/json', null],
  ])('content of type %s', async (type, expected) => {
    expect(await extract(payload(variable('/a')), { request: xml('<a>b</a>', type) }, 'v')).toEqual([expected])
  })

  test('a variable is XML whatever it says', async () => {
    expect(
      await extract(`<Source>mine</Source>${payload(variable('/a'))}`, { variables: { mine: '<a>b</a>' } }, 'v'),
    ).toEqual(['b'])
  })

  test('bytes are read in the encoding that the document declares, text is not', async () => {
    const document = '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'
    const { exchange, again } = await run(payload(variable('/a')), { request: xml(document) })
    expect(exchange.get('v')).toBe('é')
    exchange.request.body.set(Buffer.from(document, 'latin1'))
    expect(await again()).toBeUndefined()
    expect(exchange.get('v')).toBe('é')
  })

  test('stopPayloadProcessing ends with the first variable that is set', async () => {
    const body = payload(
      variable('/a/none', 'string', 'x') + variable('/a/b', 'string', 'y') + variable('/a/c', 'string', 'z'),
      ' stopPayloadProcessing="true"',
    )
    expect(await extract(body, { request: xml('<a><b>1</b><c>2</c></a>') }, 'x', 'y', 'z')).toEqual([null, '1', null])
  })

  test.each([
    ['empty', ''],
    ['malformed', '<a>'],
    ['with a DTD', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['too large', `<a>${' '.repeat(1024 * 1024)}</a>`],
    ['nested too deeply', '<a>'.repeat(300) + '</a>'.repeat(300)],
  ])('a payload that is %s', async (_, content) => {
    const { outcome } = await run(payload(variable('/a')), { request: xml(content) })
    expect(outcome).toMatchObject({ code: 'steps.extractvariables.ExecutionFailed', status: 500 })
  })

  test('UnableToCast', async () => {
    const { outcome } = await run(payload(variable('/a', 'integer')), { request: xml('<a>x</a>') })
    expect(outcome).toMatchObject({ text: 'Unable to cast value x as INTEGER.' })
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
