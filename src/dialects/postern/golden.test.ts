import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Problem, problemLine } from '../../model/problem.ts'
import { readBundle } from '../apigee/bundle.ts'
import { goldenCases, writesGolden } from '../golden-kit.ts'
import { type BundleAt, readPosternYaml } from './config.ts'

const folder = join(import.meta.dirname, 'golden')
const env = { PORT: '8091', KEY: 'k: [1', EMPTY: '', LIMIT: '250' }

describe('postern.yaml', () => {
  for (const golden of goldenCases(folder)) {
    test(golden.name, () => {
      const { config, problems } = readPosternYaml(golden.input, 'postern.yaml', env, bundleAt)
      const model = config === null || !golden.name.startsWith('model') ? '' : `${JSON.stringify(config, null, 2)}\n`
      const actual = linesOf(problems) + model
      if (writesGolden) golden.write(actual)
      else expect(actual).toBe(golden.expected)
    })
  }
})

test('every rule has a bad fixture', () => {
  const shown = goldenCases(folder)
    .map((golden) => golden.expected)
    .join('')
  const sources = readdirSync(import.meta.dirname).filter((name) => /^[a-z-]+\.ts$/.test(name))
  const text = sources.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join('')
  const codes = new Set([...text.matchAll(/(?:\.error|#stop)\('([A-Za-z]+)'/g)].map((match) => match[1] ?? ''))
  expect(codes.size).toBeGreaterThan(10)
  // Sizes are tried where the limits are.
  const missing = [...codes].filter((code) => !shown.includes(` ${code}: `) && code !== 'FileTooLarge')
  expect(missing).toEqual([])
})

const XML = `<ProxyEndpoint name="default">
  <HTTPProxyConnection><BasePath>/weather</BasePath></HTTPProxyConnection>
  <RouteRule name="none"/>
</ProxyEndpoint>`

/** One bundle that is there, and none else. */
const bundleAt: BundleAt = (path, name) => {
  const read = readBundle(new Map([['apiproxy/proxies/default.xml', XML]]), new Map(), { name: name ?? 'weather' })
  if (path === 'weather') return { draft: read.draft, sharedFlow: null, problems: read.problems, base: path }
  const at = { file: path, line: 1, column: 1 }
  const problem = { severity: 'error', code: 'Unreadable', message: 'there is no such file or folder', at } as const
  return { draft: null, sharedFlow: null, problems: [problem], base: path }
}

function linesOf(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problemLine(problem)}\n`).join('')
}
