import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// The rules of the house, checked over the source itself. A gate that reads nothing must fail.

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** What each room may import besides itself. `cli` wires, so it may import all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  model: ['core'],
  dialects: ['core', 'model'],
  engine: ['core', 'model'],
  policies: ['core', 'model', 'engine'],
  wire: ['core'],
  accounts: ['core', 'model'],
  analytics: ['core', 'model'],
  trace: ['core', 'model'],
  backend: ['core', 'model', 'accounts', 'wire'],
  catalog: ['core', 'model', 'dialects'],
  apig: ['core', 'model', 'engine'],
  gateway: ['core', 'model', 'engine', 'apig', 'wire', 'accounts', 'analytics', 'trace'],
  stores: ['core', 'model', 'accounts', 'analytics', 'trace', 'catalog'],
  admin: ['core', 'model', 'dialects', 'accounts', 'analytics', 'trace', 'catalog'],
  cli: [
    'core',
    'model',
    'dialects',
    'engine',
    'apig',
    'policies',
    'wire',
    'accounts',
    'analytics',
    'trace',
    'catalog',
    'backend',
    'gateway',
    'stores',
    'admin',
  ],
}

const LINES_MAX = 500

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(SRC, name), 'utf8') }))

const isTest = (name: string): boolean => /\.(test|suite|hammer|child)\.ts$|(^|\/)test-/.test(name)
const code = files.filter((file) => !isTest(file.name))

/** Specifiers of static and dynamic imports and re-exports, resolved below src; packages are left out. */
function imports(file: { name: string; text: string }): string[] {
  const found: string[] = []
  for (const match of file.text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)) {
    found.push(relative(SRC, join(SRC, dirname(file.name), match[1]!)).replaceAll('\\', '/'))
  }
  return found
}

describe('the house', () => {
  test('the gate reads the source', () => {
    expect(code.length).toBeGreaterThan(50)
    expect(code.flatMap(imports).length).toBeGreaterThan(100)
  })

  test('imports run downwards only', () => {
    const wrong = code.flatMap((file) => {
      const room = file.name.split('/')[0]!
      const allowed = MAY_IMPORT[room]
      if (allowed === undefined) return [`${file.name}: no such room`]
      return imports(file)
        .filter((target) => target.split('/')[0] !== room && !allowed.includes(target.split('/')[0]!))
        .map((target) => `${file.name} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  test('no policy imports another policy', () => {
    const wrong = code
      .filter((file) => file.name.startsWith('policies/') && file.name.split('/').length > 2)
      .flatMap((file) =>
        imports(file)
          .filter((target) => target.startsWith('policies/') && target.split('/')[1] !== file.name.split('/')[1])
          .map((target) => `${file.name} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  test('values are not imported in a circle', () => {
    const graph = new Map(
      code.map((file) => [
        file.name,
        imports({ ...file, text: file.text.replace(/import type [^;]*?from '[^']+'/g, '') }),
      ]),
    )
    const done = new Set<string>()
    const walk = (name: string, path: readonly string[]): string[] => {
      if (path.includes(name)) return [[...path.slice(path.indexOf(name)), name].join(' -> ')]
      if (done.has(name)) return []
      const circles = (graph.get(name) ?? []).flatMap((next) => walk(next, [...path, name]))
      done.add(name)
      return circles
    }
    expect([...graph.keys()].flatMap((name) => walk(name, []))).toEqual([])
  })

  test('files are short', () => {
    const long = files.map((file) => `${file.name}: ${file.text.split('\n').length} lines`)
    expect(long.filter((line) => Number(/(\d+) lines$/.exec(line)![1]) > LINES_MAX)).toEqual([])
  })

  test('nothing unfinished, nothing switched off', () => {
    const words = /\b(TODO|FIXME)\b|@ts-(ignore|expect-error|nocheck)|biome-ignore|\bas any\b|\.(only|skip|todo)\(/
    expect(files.filter((file) => words.test(file.text)).map((file) => file.name)).toEqual([])
  })
})
