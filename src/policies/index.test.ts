import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Problems } from '../model/problem.ts'
import type { XmlElement } from '../model/xml.ts'
import { POLICY_KINDS } from './index.ts'
import { messageOf, outboundStub, runPolicy } from './test-kit.ts'

const NAMES = [
  ...['Copy', 'Remove', 'Add', 'Set', 'AssignVariable', 'AssignTo', 'Request', 'Response', 'FaultResponse', 'Timeout'],
  ...[
    'Headers',
    'QueryParams',
    'FormParams',
    'Header',
    'QueryParam',
    'FormParam',
    'Payload',
    'Verb',
    'Path',
    'Version',
  ],
  ...[
    'StatusCode',
    'ReasonPhrase',
    'Name',
    'Ref',
    'Value',
    'Template',
    'ResourceURL',
    'IgnoreUnresolvedVariables',
    'X',
  ],
  ...['HTTPTargetConnection', 'URL', 'Properties', 'Property', 'LocalTargetConnection', 'APIProxy'],
]
const TEXTS = [
  '',
  ' ',
  'true',
  'request',
  'response',
  'mine',
  '{mine}',
  '{request.header.a.2}',
  '\\{',
  '{{',
  '404',
  '{none}',
  'http://h/',
]

const text = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TEXTS) }, fc.string({ unit: 'binary', maxLength: 20 }))
const attributes = fc.dictionary(
  fc.constantFrom(
    'name',
    'source',
    'type',
    'createNew',
    'variable',
    'clearPayload',
    'contentType',
    'variablePrefix',
    'ref',
  ),
  text,
  { maxKeys: 3 },
)

const escaped = (value: string): string =>
  value.replace(/[^\t\n\x20-\ud7ff]/g, '').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

const { element } = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(...NAMES),
      attributes,
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        text.map(escaped),
        fc.array(tie('element'), { maxLength: 5 }).map((e) => e.join('')),
      ),
    )
    .map(([name, given, content]) => {
      const pairs = Object.entries(given).map(([key, value]) => ` ${key}="${escaped(value)}"`)
      return `<${name}${pairs.join('')}>${content}</${name}>`
    }),
}))

/** What a kind cannot do without. */
const REST: Readonly<Record<string, string>> = {
  ServiceCallout: '<HTTPTargetConnection><URL>http://up.test</URL></HTTPTargetConnection>',
}

test('no policy can be written that makes parse, compile or a step throw; configurations are plain data', async () => {
  let ran = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...POLICY_KINDS.values()),
      fc.array(element, { maxLength: 6 }),
      async (kind, children) => {
        let config: unknown
        const watched = {
          ...kind,
          parse: (xml: XmlElement, problems: Problems) => {
            config = kind.parse(xml, problems)
            return config
          },
        }
        const done = await runPolicy(
          watched,
          `<${kind.element} name="P">${children.join('')}${REST[kind.element] ?? ''}</${kind.element}>`,
          {
            request: {
              verb: 'POST',
              headers: { a: '1, 2', 'content-type': 'application/x-www-form-urlencoded' },
              content: 'a=1&b=%zz',
            },
            variables: { mine: messageOf('request', { content: 'x' }) },
            outbound: outboundStub().outbound,
          },
        )
        expect(JSON.parse(JSON.stringify(config))).toEqual(config)
        if (!done.problems.some(({ severity }) => severity === 'error')) ran++
        for (const { message, at } of done.problems) expect(message !== '' && at.line > 0).toBe(true)
      },
    ),
    { numRuns: 400 },
  )
  expect(ran).toBeGreaterThan(50)
})
