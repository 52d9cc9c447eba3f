import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { httpConnectionOf } from '../../model/http-connection.ts'
import { type Problem, problemLine } from '../../model/problem.ts'
import { childOf, textOf } from '../../model/xml.ts'
import { filesOf, goldenCases, writesGolden } from '../golden-kit.ts'
import { readBundle } from './bundle.ts'
import type { PolicyReader, PolicyReaders } from './policies.ts'

/** Stand-ins: what the real kinds make of their files is tested beside them. */
const kinds: PolicyReaders = new Map<string, PolicyReader>([
  ['AssignMessage', { parse: (xml) => ({ set: textOf(xml, 'Set') ?? null }) }],
  ['RaiseFault', { parse: () => ({}) }],
  [
    'ServiceCallout',
    {
      parse: (xml, problems) => {
        const connection = childOf(xml, 'HTTPTargetConnection')
        return { connection: connection === undefined ? null : httpConnectionOf(connection, problems) }
      },
    },
  ],
])

const folder = join(import.meta.dirname, 'golden')

describe('bundles', () => {
  for (const golden of goldenCases(folder)) {
    test(golden.name, () => {
      const { proxy, problems } = readBundle(bytesOf(golden.input), kinds)
      const model = proxy === null ? '' : `${JSON.stringify(proxy, null, 2)}\n`
      // A model is written out where a case is about the model: its file names begin with "model".
      const actual = linesOf(problems) + (golden.name.startsWith('model') ? model : '')
      if (writesGolden) golden.write(actual)
      else expect(actual).toBe(golden.expected)
    })
  }
})

test('every rule has a bad fixture', () => {
  const shown = goldenCases(folder)
    .map((golden) => golden.expected)
    .join('')
  const sources = [import.meta.dirname, join(import.meta.dirname, '../../model')].flatMap((place) =>
    readdirSync(place)
      .filter((name) => /^[a-z-]+\.ts$/.test(name))
      .map((name) => readFileSync(join(place, name), 'utf8')),
  )
  const codes = new Set(sources.flatMap((source) => [...source.matchAll(CODE)].map((match) => match[1] ?? '')))
  expect(codes.size).toBeGreaterThan(40)
  expect([...codes].filter((code) => !shown.includes(` ${code}: `) && !ELSEWHERE.includes(code))).toEqual([])
})

const CODE = /(?:\.error|\.warn|#stop)\('([A-Za-z]+)'/g
/** Rules about bytes, sizes, folders and shared flows: their tests are beside the file that has them. */
const ELSEWHERE = [
  ...['BadEncoding', 'BadZip', 'BundleTooLarge', 'FileTooLarge', 'InvalidBundle', 'ResourceNotRead', 'TooDeep'],
  ...['TooManyAttributes', 'TooManyElements', 'Unreadable', 'SharedFlowMissing'],
]

function linesOf(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problemLine(problem)}\n`).join('')
}

function bytesOf(input: string): Map<string, Uint8Array> {
  return new Map([...filesOf(input)].map(([path, text]) => [path, Buffer.from(text)]))
}
