import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import xmlToJson from './index.ts'

const run = (body: string, options: RunOptions = {}) =>
  runPolicy(xmlToJson, `<XMLToJSON name="XJ">${body}</XMLToJSON>`, options)

/** What the request's payload becomes. */
async function converted(options: string, content: string): Promise<string> {
  const style = options.startsWith('<Format') ? options : `<Options>${options}</Options>`
  const { exchange, outcome } = await run(style, { request: { content } })
  return outcome instanceof Fault ? `${outcome.code}: ${outcome.text}` : exchange.request.content
}

const SEPARATOR = '<NamespaceSeparator>***</NamespaceSeparator>'
const BLOCK = '<NamespaceBlockName>#ns</NamespaceBlockName><DefaultNamespaceNodeName>&amp;</DefaultNamespaceNodeName>'
const NAMESPACED = '<a xmlns="http://ns.com" xmlns:n="http://n.com"><n:b n:c="1">v</n:b></a>'
const TEACHERS =
  '<teachers><teacher><name>A</name><students><name>s1</name><name>s2</name></students></teacher></teachers>'
const MIXED = '<a><b>v1</b><c>v2<d>v3</d>v4</c></a>'

describe('XMLToJSON', () => {
  test.each([
    ['', '<a>v</a>', '{"a":"v"}'],
    ['', '<a><b/><c> v </c></a>', '{"a":{"b":{},"c":"v"}}'],
    ['', '<a><b>1</b><c>x</c><b>2</b></a>', '{"a":{"b":["1","2"],"c":"x"}}'],
    ['', '<a><![CDATA[<x>]]>&amp;&#65;<!-- c -->b</a>', '{"a":"<x>&Ab"}'],
    ['', '<a><__proto__>1</__proto__><constructor/></a>', '{"a":{"__proto__":"1","constructor":{}}}'],
    ['', '<a x="1">v</a>', '{"a":{"x":"1","#text":"v"}}'],
    [
      '<RecognizeNumber>true</RecognizeNumber>',
      '<a><b>100</b><c>1.50</c><d>007</d></a>',
      '{"a":{"b":100,"c":1.50,"d":"007"}}',
    ],
    ['<RecognizeBoolean>true</RecognizeBoolean>', '<a><b>true</b><c>True</c></a>', '{"a":{"b":true,"c":"True"}}'],
    ['<RecognizeNull>true</RecognizeNull>', '<a><b></b><c>v</c></a>', '{"a":{"b":null,"c":"v"}}'],
    ['<RecognizeNull>true</RecognizeNull><NullValue>NULL</NullValue>', '<a><b/></a>', '{"a":{"b":"NULL"}}'],
    ['<TextNodeName>T</TextNodeName>', MIXED, '{"a":{"b":"v1","c":{"T":["v2","v4"],"d":"v3"}}}'],
    [
      '<TextNodeName>T</TextNodeName><TextAlwaysAsProperty>true</TextAlwaysAsProperty>',
      MIXED,
      '{"a":{"b":{"T":"v1"},"c":{"T":["v2","v4"],"d":{"T":"v3"}}}}',
    ],
    ['<AttributePrefix>@</AttributePrefix>', '<a x="1" y="2"/>', '{"a":{"@x":"1","@y":"2"}}'],
    ['<AttributeBlockName>F</AttributeBlockName>', '<a x="1" y="2"/>', '{"a":{"F":{"x":"1","y":"2"}}}'],
    [
      '<AttributeBlockName>F</AttributeBlockName><AttributePrefix>B_</AttributePrefix>',
      '<a x="1"/>',
      '{"a":{"F":{"B_x":"1"}}}',
    ],
    ['', NAMESPACED, '{"a":{"b":{"c":"1","#text":"v"}}}'],
    [
      SEPARATOR + BLOCK,
      NAMESPACED,
      '{"a":{"#ns":{"&":"http://ns.com","n":"http://n.com"},"n***b":{"n***c":"1","#text":"v"}}}',
    ],
    ['<OutputPrefix>P(</OutputPrefix><OutputSuffix>)S</OutputSuffix>', '<a>v</a>', 'P({"a":"v"})S'],
    ['<StripLevels>1</StripLevels>', '<a><b><c>v</c></b></a>', '{"b":{"c":"v"}}'],
    ['<StripLevels>2</StripLevels>', '<a><b><c>v</c></b></a>', '{"c":"v"}'],
    ['<StripLevels>9</StripLevels>', '<a><b>1</b><c>v</c></a>', '{"b":"1","c":"v"}'],
    [
      '<TreatAsArray><Path>teachers/teacher</Path></TreatAsArray>',
      TEACHERS,
      '{"teachers":{"teacher":[{"name":"A","students":{"name":["s1","s2"]}}]}}',
    ],
    [
      '<TreatAsArray><Path unwrap="true">teachers/teacher</Path><Path unwrap="true">teachers/teacher/students/name</Path></TreatAsArray>',
      TEACHERS,
      '{"teachers":[{"name":"A","students":["s1","s2"]}]}',
    ],
    ['<TreatAsArray><Path unwrap="true">a/b</Path></TreatAsArray>', '<a x="1"><b/></a>', '{"a":{"x":"1","b":[{}]}}'],
    ['<Format>xml.com</Format>', '<a x="1">v<b/></a>', '{"a":{"@x":"1","#text":"v","b":null}}'],
    ['<Format>yahoo</Format>', '<a x="1">v</a>', '{"a":{"x":1,"content":"v"}}'],
    ['<Format>google</Format>', '<n:a xmlns:n="u" x="1">v</n:a>', '{"n$a":{"x":"1","$t":"v"}}'],
    [
      '<Format>badgerFish</Format>',
      '<a xmlns="u" xmlns:n="w" x="1">v</a>',
      '{"a":{"@xmlns":{"$":"u","n":"w"},"@x":"1","$":"v"}}',
    ],
  ])('%s: %s', async (options, xml, json) => {
    expect(await converted(options, xml)).toBe(json)
  })

  test('the message gets the content type of its payload; another name makes another message', async () => {
    const request = { content: '<a/>', headers: { 'Content-Type': 'text/xml' } }
    const same = await run('<Options/>', { request })
    expect(same.exchange.request.headers.raw).toEqual(['Content-Type', 'application/json'])
    const other = await run('<Options/><Source>request</Source><OutputVariable>mine</OutputVariable>', { request })
    const mine = other.exchange.get('mine') as Message
    expect([mine.content, mine.headers.get('content-type')]).toEqual(['{"a":{}}', 'application/json'])
    expect(other.exchange.request.content).toBe('<a/>')
  })

  test('bytes are read in the encoding they declare', async () => {
    const message = new Message('request')
    message.body.set(Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e9</a>', 'latin1'))
    const { exchange } = await run('<Options/><Source>mine</Source>', { variables: { mine: message } })
    expect((exchange.get('mine') as Message).content).toBe('{"a":"\u00e9"}')
  })

  test('a text becomes a text', async () => {
    const body = '<Options/><Source>in</Source><OutputVariable>out</OutputVariable>'
    expect((await run(body, { variables: { in: '<a>1</a>' } })).exchange.get('out')).toBe('{"a":"1"}')
  })

  test.each([
    ['SourceUnavailable', '<Source>response</Source>', {}, 'Source response is not available'],
    ['OutputVariableIsNotAvailable', '<Source>in</Source>', { in: '<a/>' }, 'OutputVariable is required'],
    ['InvalidSourceType', '<Source>in</Source><OutputVariable>o</OutputVariable>', { in: 7 }, 'neither'],
    ['InCompatibleTypes', '<Source>in</Source><OutputVariable>request</OutputVariable>', { in: '<a/>' }, 'different'],
    ['InCompatibleTypes', '<Source>request</Source><OutputVariable>o</OutputVariable>', { o: 'text' }, 'different'],
    ['ExecutionFailed', '<Source>in</Source><OutputVariable>client.ip</OutputVariable>', { in: '<a/>' }, 'read-only'],
  ])('%s: %s', async (name, body, variables, text) => {
    const { outcome } = await run(`<Options/>${body}`, { variables, request: { content: '<a/>' } })
    expect(outcome).toMatchObject({ code: `steps.xmltojson.${name}`, status: 500 })
    expect((outcome as Fault).text).toMatch(/^XMLToJSON\[XJ\]: /)
    expect((outcome as Fault).text).toContain(text)
  })

  test.each([
    ['empty', ''],
    ['blank', ' \n'],
    ['no XML', 'x'],
    ['not closed', '<a><b></a>'],
    ['two roots', '<a/><b/>'],
    ['an undeclared prefix', '<x:a/>'],
    ['an entity bomb', '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'],
    ['an unknown entity', '<a>&b;</a>'],
    ['a deep document', '<a>'.repeat(100_000)],
    ['10 MB of text', `<a>${'x'.repeat(10_000_000)}</a>`],
  ])('%s ends in ExecutionFailed, soon', async (_, content) => {
    const start = performance.now()
    expect(await converted('', content)).toMatch(/^steps.xmltojson.ExecutionFailed: XMLToJSON\[XJ\]: Execution failed/)
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('deep array paths cost the same for each element', async () => {
    const depth = 100
    const name = 'n'.repeat(2000)
    const path = Array.from({ length: depth }, () => name).join('/')
    const content = `<${name}>`.repeat(depth) + '<a/>'.repeat(100_000) + `</${name}>`.repeat(depth)
    const start = performance.now()
    expect(await converted(`<TreatAsArray><Path>${path}</Path></TreatAsArray>`, content)).toContain('[{},{}')
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test.each([
    ['', 'error: EitherOptionOrFormat: XMLToJSON needs <Options> (may be empty) or <Format>'],
    [
      '<Options><RecognizeNull>true</RecognizeNull></Options><Format>yahoo</Format>',
      'error: EitherOptionOrFormat: a policy has <Options> or <Format>, not both',
    ],
    ['<Format>xml</Format>', 'error: UnknownFormat: xml is no format; there are xml.com, yahoo, google, badgerFish'],
    [
      '<Options><StripLevels>-1</StripLevels></Options>',
      'error: InvalidStripLevels: StripLevels is a number of levels, not -1',
    ],
    [
      '<Options><TreatAsArray><Path>a//b</Path></TreatAsArray></Options>',
      'error: InvalidPath: a <Path> is names with / between them, such as teachers/teacher',
    ],
    ['<Options/><Format/>', undefined],
    ['<Options/><Format>google</Format>', undefined],
    [
      '<Options><TextNodName/></Options>',
      'warning: UnknownElement: <TextNodName> is not known in Options and has no effect (did you mean TextNodeName?)',
    ],
  ])('deployment of %s', async (body, problem) => {
    expect((await run(body)).problemLines).toEqual(problem === undefined ? [] : [problem])
  })
})
