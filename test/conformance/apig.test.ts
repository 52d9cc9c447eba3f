import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { UNIT_MS } from '../../src/core/windows.ts'
import { SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { Postern } from '../kit/postern.ts'
import { type Case, Player } from './apig-case.ts'

// Black-box cases of the apig dialect; POSTERN_CASES names the folder of the case files. One gateway for all of them.

const CASES = process.env['POSTERN_CASES'] ?? fileURLToPath(new URL('../../../shared/cases', import.meta.url))
const file = join(CASES, 'apig', 'cases.json')
const cases = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] }).cases : []

/** How long the window is in which a case counts; a minute where it has no throttle of its own. */
function windowMs({ config: { throttle } }: Case): number {
  const unit = String(throttle?.['time_unit'] ?? 'MINUTE').toLowerCase() as keyof typeof UNIT_MS
  return Number(throttle?.['time_interval'] ?? 1) * UNIT_MS[unit]
}

describe.skipIf(cases.length === 0)('APIG: cases', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-apig-'))
  let postern: Postern

  beforeAll(async () => {
    const config = join(folder, 'postern.yaml')
    writeFileSync(config, 'version: 1\ndialect: apig\n')
    writeFileSync(join(folder, 'cert.pem'), SERVER_CERT)
    writeFileSync(join(folder, 'key.pem'), SERVER_KEY)
    const tls = ['--tls-port', '0', '--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')]
    postern = await Postern.start(['--config', config, ...tls], { data: join(folder, 'data'), workers: 2 })
  })

  afterAll(async () => {
    await postern.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const one of cases) {
    // When a window ends while a case counts in it, the case is played again in the next one.
    test(`${one.id}: ${one.title}`, { timeout: 40_000 }, async () => {
      const lengthMs = windowMs(one)
      const window = Math.floor(Date.now() / lengthMs)
      try {
        await new Player(postern, one).play()
      } catch (error) {
        if (Math.floor(Date.now() / lengthMs) === window) throw error
        await new Player(postern, one).play()
      }
    })
  }
})

test.skipIf(cases.length > 0)('no case files: set POSTERN_CASES', () => undefined)
