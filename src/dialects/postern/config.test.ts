import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BundleAt, readPosternYaml } from './config.ts'
import { type Environment, substitute } from './environment.ts'
import { configKeys } from './keys.ts'
import { type ConfigKey, expected } from './shape.ts'
import { yamlLimits } from './yaml-tree.ts'

const noBundle: BundleAt = (path) => ({ draft: null, sharedFlow: null, problems: [], base: path })

const read = (text: string, env: Environment = {}) => readPosternYaml(text, 'postern.yaml', env, noBundle)

describe('the environment', () => {
  const env = { A: 'a', EMPTY: '', CODE: '${A}' }
  test.each([
    ['plain', 'plain'],
    ['${A}', 'a'],
    ['x${A}y${A}', 'xaya'],
    ['${B:-b}', 'b'],
    ['${B:-}', ''],
    ['${EMPTY}', ''],
    ['${EMPTY:-e}', 'e'],
    ['${B:-http://h:1}', 'http://h:1'],
    // What is put in is text, whatever it looks like.
    ['${CODE}', '${A}'],
    ['$${A}', '${A}'],
    ['$A {A} $', '$A {A} $'],
  ])('%s -> %s', (text, result) => {
    expect(substitute(text, env)).toMatchObject({ text: result, faults: [] })
  })

  test.each(['${B}', '${', '${A', '${}', '${a-b}', '${constructor}'])('%s is wrong', (text) => {
    expect(substitute(text, env).faults).toHaveLength(1)
  })

  test('a value is data: it cannot add keys, and it is not shown in errors', () => {
    const { config, problems } = read('version: 1\norganization: ${X}\ndialect: ${X}\n', { X: 'a\nenvironment: prod' })
    expect(config).toBeNull()
    expect(problems).toHaveLength(1)
    expect(problems[0]?.message).toBe('dialect must be one of apigee, apicast, apig, not what the environment holds')
  })

  test('numbers and flags may come from it, quoted or not', () => {
    const { config } = read('version: 1\nresponseCodes: ${R}\ntls: {edgeCompatible: "${T}"}\n', { R: '1', T: 'true' })
    expect(config).toMatchObject({ responseCodes: true, settings: { edgeCompatibleTls: true } })
  })
})

test('a file over the limit is refused before it is parsed', () => {
  const { config, problems } = read(`# ${'x'.repeat(yamlLimits.charactersMax)}`)
  expect(config).toBeNull()
  expect(problems.map((problem) => problem.code)).toEqual(['FileTooLarge'])
})

test('more values than the limit, counting aliases, are refused', () => {
  const list = `[${Array.from({ length: 200 }, () => 'x').join(', ')}]`
  const { problems } = read(
    `version: 1\naccounts: &a ${list}\nplans: [${Array.from({ length: 900 }, () => '*a').join(', ')}]\n`,
  )
  expect(problems.map((problem) => problem.code)).toEqual(['FileTooLarge'])
})

test('anchors and aliases are fine', () => {
  const { config, problems } = read(`version: 1
apis:
  - {name: a, basePath: /a, target: &t "http://a.example"}
  - {name: b, basePath: /b, target: *t}
`)
  expect(problems).toEqual([])
  expect(config?.proxies.map(({ proxy }) => proxy.targetEndpoints[0]?.connection)).toMatchObject([
    { url: { text: 'http://a.example' } },
    { url: { text: 'http://a.example' } },
  ])
})

test('the table of keys says something of every key', () => {
  let count = 0
  const visit = (keys: readonly ConfigKey[]): void => {
    for (const { name, shape, doc } of keys) {
      count++
      expect(doc, name).toMatch(/^.{10,}\.$/)
      expect(expected(shape), name).not.toBe('')
      const inner = shape.type === 'list' ? shape.of : shape
      if (inner.type === 'keys') visit(inner.keys)
    }
  }
  visit(configKeys)
  expect(count).toBeGreaterThan(50)
})

describe('any text', () => {
  const keys = fc.constantFrom('version', 'apis', 'name', 'services', 'throttles', 'hostMap', 'debug', 'id', '? ', '<<')
  const values = fc.constantFrom(
    ...['1', '[', '{', ']', '&a ', '*a', '|', '"', '${A}', '${', '!!map', '- ', '---', '', 'x'],
  )
  const lines = fc.array(
    fc.tuple(fc.nat(3), keys, values).map(([depth, key, value]) => `${'  '.repeat(depth)}${key}: ${value}`),
    { maxLength: 12 },
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    lines.map((all) => `version: 1\n${all.join('\n')}`),
  )

  test('gives a configuration or errors, never a crash', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { config, problems } = read(text, { A: 'a' })
        expect(config === null).toBe(problems.some((problem) => problem.severity === 'error'))
        for (const { at } of problems) expect(Math.min(at.line, at.column)).toBeGreaterThan(0)
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['lists', '['.repeat(50_000)],
    ['keys', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(20_000)],
    ['questions', '? '.repeat(20_000)],
    ['anchors', '&a '.repeat(50_000)],
    ['many keys', Array.from({ length: 50_000 }, (_, i) => `k${i}:`).join('\n')],
    ['many aliases', `a: &a 1\n${Array.from({ length: 50_000 }, (_, i) => `k${i}: *a`).join('\n')}`],
  ])('%s end soon', (_, text) => {
    const began = performance.now()
    expect(read(text).config).toBeNull()
    expect(performance.now() - began).toBeLessThan(15_000)
  })
})
