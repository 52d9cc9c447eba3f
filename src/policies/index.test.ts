import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Problems } from '../model/problem.ts'
import type { XmlElement } from '../model/xml.ts'
import { POLICY_KINDS } from './index.ts'
import { messageOf, outboundStub, runPolicy } from './test-kit.ts'

const BLOCKS = [
  'Copy',
  'Remove',
  'Add',
  'Set',
  'AssignVariable',
  'AssignTo',
  'IgnoreUnresolvedVariables',
  'Timeout',
  'X',
]
const LISTS = ['Headers', 'QueryParams', 'FormParams']
const FIELDS = ['Payload', 'Verb', 'Path', 'Version', 'StatusCode', 'ReasonPhrase', 'Name', 'Ref', 'Value', 'Template']
const ITEMS = ['Header', 'QueryParam', 'FormParam']
const TEXTS = [
  '',
  ' ',
  'true',
  'request',
  'mine',
  '{mine}',
  '{request.header.a.2}',
  '\\{',
  '{{',
  '404',
  '{none}',
  'a.2',
  'b',
]

const escaped = (value: string): string =>
  value.replace(/[^\t\n\x20-\ud7ff]/g, '').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

const text = fc
  .oneof({ weight: 5, arbitrary: fc.constantFrom(...TEXTS) }, fc.string({ unit: 'binary', maxLength: 20 }))
  .map(escaped)
const attributes = fc.dictionary(
  fc.constantFrom('name', 'source', 'type', 'createNew', 'contentType', 'variablePrefix', 'ref'),
  text,
  { maxKeys: 2 },
)

/** An element of one of these names, with the content that an arbitrary gives. */
const element = (names: readonly string[], content: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...names), attributes, content).map(([name, given, inside]) => {
    const pairs = Object.entries(given).map(([key, value]) => ` ${key}="${value}"`)
    return `<${name}${pairs.join('')}>${inside}</${name}>`
  })
const several = (child: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(child, { maxLength }).map((children) => children.join(''))

const item = fc.tuple(fc.constantFrom(...ITEMS), fc.constantFrom('a', 'a.1', 'b', 'c.3'), text)
const items = several(
  item.map(([name, given, content]) => `<${name} name="${given}">${content}</${name}>`),
  3,
)
const part = fc.oneof(element(LISTS, items), element(FIELDS, text), element([...ITEMS, ...FIELDS], text))
const block = element(BLOCKS, fc.oneof({ weight: 5, arbitrary: several(part, 5) }, text))

/** Where a kind has its blocks, and what it cannot do without. */
const FRAMES: Readonly<Record<string, (blocks: string) => string>> = {
  AccessControl: (blocks) =>
    `<IPRules><MatchRule><SourceAddress>10.0.0.1</SourceAddress></MatchRule></IPRules>${blocks}`,
  AssertCondition: (blocks) => `<Condition>mine</Condition>${blocks}`,
  BasicAuthentication: (blocks) =>
    `<Operation>Encode</Operation><User ref="mine"/><Password ref="none"/><AssignTo>made</AssignTo>${blocks}`,
  FlowCallout: (blocks) => `<SharedFlowBundle>none</SharedFlowBundle>${blocks}`,
  InvalidateCache: (blocks) => `<CacheKey><KeyFragment ref="mine"/></CacheKey>${blocks}`,
  Javascript: (blocks) => `<Source>var a = request.content</Source>${blocks}`,
  LookupCache: (blocks) => `<CacheKey><KeyFragment ref="mine"/></CacheKey><AssignTo>made</AssignTo>${blocks}`,
  PopulateCache: (blocks) =>
    `<CacheKey><Prefix>p</Prefix></CacheKey><ExpirySettings><TimeoutInSec ref="mine"/></ExpirySettings><Source>mine</Source>${blocks}`,
  Quota: (blocks) =>
    `<Allow count="9" countRef="mine"/><Interval ref="mine">1</Interval><TimeUnit>day</TimeUnit>${blocks}`,
  ResetQuota: (blocks) =>
    `<Quota name="P"><Identifier ref="mine"><Allow ref="mine">1</Allow></Identifier></Quota>${blocks}`,
  ResponseCache: (blocks) => `<CacheKey><KeyFragment ref="mine"/></CacheKey>${blocks}`,
  SpikeArrest: (blocks) => `<Rate ref="mine">5ps</Rate>${blocks}`,
  VerifyAPIKey: (blocks) => `<APIKey ref="mine"/>${blocks}`,
  RaiseFault: (blocks) => `<FaultResponse>${blocks}</FaultResponse>`,
  ServiceCallout: (blocks) =>
    `<Request variable="mine">${blocks}</Request><HTTPTargetConnection><URL>http://up.test</URL></HTTPTargetConnection>`,
}

test('whatever is written, parse, compile and step do not throw, and a configuration is plain data', async () => {
  let ran = 0
  const property = fc.asyncProperty(
    fc.constantFrom(...POLICY_KINDS.values()),
    several(block, 4),
    async (kind, blocks) => {
      let config: unknown
      const parse = (xml: XmlElement, problems: Problems): unknown => (config = kind.parse(xml, problems))
      const inside = FRAMES[kind.element]?.(blocks) ?? blocks
      const { problems } = await runPolicy(
        { ...kind, parse },
        `<${kind.element} name="P">${inside}</${kind.element}>`,
        {
          request: {
            verb: 'POST',
            headers: { a: '1, 2', 'content-type': 'application/x-www-form-urlencoded' },
            content: 'a=1&a=2&b=%zz',
          },
          variables: { mine: messageOf('request', { uri: '/m?a=1&b', content: 'x' }) },
          outbound: outboundStub().outbound,
        },
      )
      expect(JSON.parse(JSON.stringify(config))).toStrictEqual(config)
      for (const { message, at } of problems) expect(message !== '' && at.line > 0).toBe(true)
      if (!problems.some(({ severity }) => severity === 'error')) ran++
    },
  )
  await fc.assert(property, { numRuns: 500 })
  // Most of them get as far as a step, or this test would show little.
  expect(ran).toBeGreaterThan(200)
})

test('every kind is in the table under its own element', () => {
  expect(POLICY_KINDS.size).toBeGreaterThan(2)
  for (const [element, kind] of POLICY_KINDS) expect(kind.element).toBe(element)
})
