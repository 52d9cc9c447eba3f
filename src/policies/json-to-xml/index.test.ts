import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { readXmlTree, XmlTreeFailure } from '../../engine/payload/xml-tree.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import jsonToXml from './index.ts'

const run = (body: string, options: RunOptions = {}) =>
  runPolicy(jsonToXml, `<JSONToXML name="JX">${body}</JSONToXML>`, options)

/** What the request's payload becomes, without the declaration. */
async function converted(options: string, content: string): Promise<string> {
  const body = `<Options><OmitXmlDeclaration>true</OmitXmlDeclaration>${options}</Options>`
  const { exchange, outcome } = await run(body, { request: { content } })
  return outcome instanceof Fault ? `${outcome.code}: ${outcome.text}` : exchange.request.content
}

const REPLACE = '<InvalidCharsReplacement>_</InvalidCharsReplacement>'

describe('JSONToXML', () => {
  test.each([
    ['', '{"a":"v"}', '<a>v</a>'],
    [
      '',
      '{"a":1.50,"b":12345678901234567890,"c":true}',
      '<Root><a>1.50</a><b>12345678901234567890</b><c>true</c></Root>',
    ],
    ['', '{"a":{}}', '<a/>'],
    ['', '{}', '<Root/>'],
    ['', '{"a":"<&>\\"\\r"}', '<a>&lt;&amp;&gt;"&#13;</a>'],
    ['', '{"a":{"b":[1,{"c":2}],"d":[]}}', '<a><b>1</b><b><c>2</c></b></a>'],
    ['', '{"a":{"b":[[1,2],[3]]}}', '<a><b><Item>1</Item><Item>2</Item></b><b><Item>3</Item></b></a>'],
    ['', '{"a":[1,2]}', '<Root><a>1</a><a>2</a></Root>'],
    ['<ObjectRootElementName>r</ObjectRootElementName>', '{"a":1,"b":2}', '<r><a>1</a><b>2</b></r>'],
    ['', '[1,{"a":2}]', '<Array><Item>1</Item><Item><a>2</a></Item></Array>'],
    [
      '<ArrayRootElementName>l</ArrayRootElementName><ArrayItemElementName>i</ArrayItemElementName>',
      '[1,[2]]',
      '<l><i>1</i><i><i>2</i></i></l>',
    ],
    ['', '{"a":null}', '<a>NULL</a>'],
    ['<NullValue>I_AM_NULL</NullValue>', '{"a":null}', '<a>I_AM_NULL</a>'],
    ['', '{"a":{"@x":"1","@y":null,"b":2}}', '<a x="1" y="NULL"><b>2</b></a>'],
    ['', '{"a":{"#attrs":{"x":"\\"<\\n"},"#text":"v"}}', '<a x="&quot;&lt;&#10;">v</a>'],
    ['<AttributePrefix>B_</AttributePrefix>', '{"a":{"B_x":"1"}}', '<a x="1"/>'],
    ['<AttributeBlockName>F</AttributeBlockName>', '{"a":{"F":{"x":"1"}}}', '<a x="1"/>'],
    ['<TextNodeName>T</TextNodeName>', '{"a":{"T":["v","w"],"b":1}}', '<a>vw<b>1</b></a>'],
    [
      '',
      '{"a":{"#namespaces":{"$default":"http://d","n":"http://n"},"n:b":1}}',
      '<a xmlns="http://d" xmlns:n="http://n"><n:b>1</n:b></a>',
    ],
    [
      '<NamespaceBlockName>ns</NamespaceBlockName><DefaultNamespaceNodeName>&amp;</DefaultNamespaceNodeName><NamespaceSeparator>***</NamespaceSeparator>',
      '{"a":{"ns":{"&":"http://d","n":"http://n"},"n***b":1}}',
      '<a xmlns="http://d" xmlns:n="http://n"><n:b>1</n:b></a>',
    ],
    [REPLACE, '{"First%%%name":"J","1st":"\\u0000\\ud800"}', '<Root><First_name>J</First_name><_st>_</_st></Root>'],
    ['<Indent>true</Indent>', '{"a":{"b":1,"c":{"d":2}}}', '<a>\n  <b>1</b>\n  <c>\n    <d>2</d>\n  </c>\n</a>'],
  ])('%s: %s', async (options, json, xml) => {
    expect(await converted(options, json)).toBe(xml)
    expect(readXmlTree(xml)).not.toBeInstanceOf(XmlTreeFailure)
  })

  test('the message gets a declaration and the content type of its payload', async () => {
    const request = { content: '{"a":1}', headers: { 'Content-Type': 'application/json' } }
    const { exchange } = await run('', { request })
    expect(exchange.request.content).toBe('<?xml version="1.0" encoding="UTF-8"?><a>1</a>')
    expect(exchange.request.headers.raw).toEqual(['Content-Type', 'application/xml'])
  })

  test('a text becomes a text', async () => {
    const body = '<Source>in</Source><OutputVariable>out</OutputVariable>'
    const { exchange } = await run(body, { variables: { in: '[]' } })
    expect(exchange.get('out')).toBe('<?xml version="1.0" encoding="UTF-8"?><Array/>')
  })

  test.each([
    ['SourceUnavailable', '<Source>response</Source>', {}, 'Source response is not available'],
    ['OutputVariableIsNotAvailable', '<Source>in</Source>', { in: '{}' }, 'OutputVariable is required'],
    ['InvalidSourceType', '<Source>in</Source><OutputVariable>o</OutputVariable>', { in: 7 }, 'neither'],
    ['InCompatibleTypes', '<Source>in</Source><OutputVariable>request</OutputVariable>', { in: '{}' }, 'different'],
    ['InCompatibleTypes', '<Source>request</Source><OutputVariable>o</OutputVariable>', { o: 'text' }, 'different'],
    ['ExecutionFailed', '<Source>in</Source><OutputVariable>client.ip</OutputVariable>', { in: '{}' }, 'read-only'],
  ])('%s: %s', async (name, body, variables, text) => {
    const { outcome } = await run(body, { variables, request: { content: '{}' } })
    expect(outcome).toMatchObject({ code: `steps.jsontoxml.${name}`, status: 500 })
    expect((outcome as Fault).text).toMatch(/^JSONToXML\[JX\]: /)
    expect((outcome as Fault).text).toContain(text)
  })

  test.each([
    ['empty', ''],
    ['no JSON', '{'],
    ['a scalar', '"a"'],
    ['a name that XML cannot have', '{"a b":1}'],
    ['markup in a name', '{"a><b":1}'],
    ['an empty name', '{"":1}'],
    ['a character that XML cannot have', '{"a":"\\u0000"}'],
    ['an attribute that is an object', '{"a":{"#attrs":{"x":{}}}}'],
    ['an attribute twice', '{"a":{"#attrs":{"x":1},"@x":2}}'],
    ['deep arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['deep objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['a long name that repeats', `{"${'a'.repeat(5_000_000)}":[${'0,'.repeat(2_000_000)}0]}`],
  ])('%s ends in ExecutionFailed, soon', async (_, content) => {
    const start = performance.now()
    expect(await converted('', content)).toMatch(/^steps.jsontoxml.ExecutionFailed: JSONToXML\[JX\]: Execution failed/)
    expect(performance.now() - start).toBeLessThan(3000)
  })

  test('10 MB of text are converted', async () => {
    expect(await converted('', `{"a":"${'x'.repeat(10_000_000)}"}`)).toHaveLength(10_000_007)
  })

  test.each([
    [
      '<ArrayRootElementName>a b</ArrayRootElementName>',
      'error: InvalidElementName: a b in <ArrayRootElementName> is no name of an XML element',
    ],
    [
      '<InvalidCharsReplacement>%</InvalidCharsReplacement>',
      'error: InvalidCharsReplacement: % cannot stand in the name of an XML element; _ can',
    ],
    ['<Indent>yes</Indent>', 'warning: InvalidBoolean: Indent must be true or false; false is used'],
    ['<Null/>', 'warning: UnknownElement: <Null> is not known in Options and has no effect'],
  ])('deployment of %s', async (options, problem) => {
    expect((await run(`<Options>${options}</Options>`)).problemLines).toEqual([problem])
  })
})
