import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isXmlReady, prepareXml } from '../../core/xml-document.ts'
import { Fault } from '../../engine/fault.ts'
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

test('whatever a message holds, the step ends with nothing or one of its faults', async () => {
  const body = `<Header name="H.2"><Pattern>{a}-{b.c}</Pattern></Header>
    <QueryParam name="q"><Pattern ignoreCase="true">*x{a.b}</Pattern></QueryParam>
    <FormParam name="f"><Pattern>{f}</Pattern></FormParam>
    <JSONPayload><Variable name="j"><JSONPath>$..a[?(@ > 1)]</JSONPath></Variable>
      <Variable name="k" type="nodeset"><JSONPath>$.{request.header.h}</JSONPath></Variable></JSONPayload>
    <XMLPayload><Variable name="x" type="double"><XPath>//a[@b]/c</XPath></Variable>
      <Variable name="y" type="nodeset"><XPath>//a | //c</XPath></Variable></XMLPayload>`
  const content = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json({ maxDepth: 3 }),
    fc.array(fc.constantFrom('<a b="1">', '<c>', '1', 'x', '</c>', '</a>', '<a/>')).map((parts) => parts.join('')),
    fc.array(fc.constantFrom('f=', '&', '%', 'a', '=')).map((parts) => parts.join('')),
  )
  const types = ['application/json', 'text/xml', 'application/x-www-form-urlencoded', 'application/json; charset=x', '']
  const codes = new Set<string>()
  const property = fc.asyncProperty(
    content,
    fc.constantFrom(...types),
    fc.string(),
    fc.string(),
    async (text, type, header, query) => {
      const { outcome, problemLines } = await run(body, {
        request: { verb: 'POST', uri: `/t?q=${query}`, headers: { 'Content-Type': type, H: header }, content: text },
      })
      expect(problemLines).toEqual([])
      if (outcome === undefined) return
      expect(outcome).toBeInstanceOf(Fault)
      codes.add((outcome as Fault).code)
    },
  )
  await fc.assert(property, { numRuns: 500 })
  expect([...codes].every((code) => /^(steps\.extractvariables\.\w+|entities\.UnresolvedVariable)$/.test(code))).toBe(
    true,
  )
  expect(codes).toContain('steps.extractvariables.ExecutionFailed')
  expect(codes).toContain('steps.extractvariables.InvalidJSONPath')
})
