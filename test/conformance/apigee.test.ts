import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Postern, runPostern } from '../kit/postern.ts'
import { type Case, configOf, Mocks, play } from './apigee-case.ts'

// Black-box cases over public bundles, run unchanged. The bundles are third-party and not part of this project:
// POSTERN_PUBLIC_BUNDLES names a folder that holds them as <owner>/<repository>/<path>; POSTERN_CASES that of the case files.

const CASES = process.env['POSTERN_CASES'] ?? fileURLToPath(new URL('../../../shared/cases', import.meta.url))
const BUNDLES = process.env['POSTERN_PUBLIC_BUNDLES'] ?? ''
const folder = join(CASES, 'apigee')
const cases = existsSync(folder)
  ? readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case)
  : []

const bundleOf = (source: { repo: string; path: string }): string => join(BUNDLES, source.repo, source.path)
const isThere = (one: Case): boolean =>
  BUNDLES !== '' && one.bundles.every(({ source }) => existsSync(bundleOf(source)))

const own = fileURLToPath(new URL('./bundles', import.meta.url))
const ownCases = readdirSync(own).map((name) => JSON.parse(readFileSync(join(own, name, 'case.json'), 'utf8')) as Case)

/** Why a case cannot be played; null: it was. */
async function played(
  one: Case,
  bundleOf: (source: { repo: string; path: string }) => string,
  traced = false,
): Promise<string | null> {
  const data = mkdtempSync(join(tmpdir(), 'postern-case-'))
  const config = join(data, 'postern.yaml')
  const apis = one.bundles.map(({ name, source }) => ({ name, bundle: bundleOf(source) }))
  const entities = configOf(one.entities ?? {})
  writeFileSync(config, stringify({ version: 1, organization: 'testorg', environment: 'test', apis, ...entities }))
  const mocks = await Mocks.start(one.mocks)
  try {
    const checked = await runPostern(['check', config])
    const missing = [...checked.stdout.matchAll(/error: \w*NotSupported\w*: (\w+)/g)].map((match) => match[1])
    if (missing.length > 0) return `needs what is refused by name today: ${[...new Set(missing)].join(', ')}`
    expect(checked.code, checked.stdout).toBe(0)
    const postern = await Postern.start(['--config', config, ...mocks.hostMap], { data, workers: 1 })
    try {
      const sessions = traced ? await Promise.all(apis.map(({ name }) => traceAll(postern, name))) : []
      await play(one, postern.gateway, mocks)
      for (const calls of sessions) await expect.poll(calls).toBeGreaterThan(0)
    } finally {
      await postern.stop()
    }
    return null
  } finally {
    await mocks.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

/** Records every call of a proxy; gives how many it has recorded. */
async function traceAll(postern: Postern, proxy: string): Promise<() => Promise<number>> {
  const answer = await fetch(`${postern.admin}/api/trace/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ proxy, count: 500 }),
  })
  expect(answer.status).toBe(201)
  const { id } = (await answer.json()) as { id: string }
  return async () => ((await postern.ask(`/api/trace/sessions/${id}`)).body as { calls: unknown[] }).calls.length
}

describe('Apigee: public bundles, unchanged', () => {
  for (const one of cases) {
    test(`${one.id}: ${one.title}`, async (context) => {
      if (!isThere(one)) return context.skip('the bundle is not here: set POSTERN_PUBLIC_BUNDLES')
      const why = await played(one, bundleOf)
      if (why !== null) context.skip(why)
    })
  }

  test.skipIf(cases.length > 0)('no case files: set POSTERN_CASES', () => undefined)
})

describe("Apigee: the project's own bundles, of the same shapes", () => {
  for (const one of ownCases) {
    test(`${one.id}: ${one.title}`, async () => {
      expect(await played(one, ({ path }) => join(own, path))).toBeNull()
    })

    test(`${one.id}: the same while a debug session records it`, async () => {
      expect(await played(one, ({ path }) => join(own, path), true)).toBeNull()
    })
  }
})
