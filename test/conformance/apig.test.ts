import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { Postern } from '../kit/postern.ts'
import { type Case, Player } from './apig-case.ts'

// Black-box cases of the apig dialect; POSTERN_CASES names the folder of the case files. One gateway for all of them.

const CASES = process.env['POSTERN_CASES'] ?? fileURLToPath(new URL('../../../shared/cases', import.meta.url))
const file = join(CASES, 'apig', 'cases.json')
const cases = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] }).cases : []

const MINUTE_MS = 60_000

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
    // Counting by the minute: when its end falls into a case, the case is played again in the new one.
    test(`${one.id}: ${one.title}`, { timeout: 30_000 }, async () => {
      const minute = Math.floor(Date.now() / MINUTE_MS)
      try {
        await new Player(postern, one).play()
      } catch (error) {
        if (Math.floor(Date.now() / MINUTE_MS) === minute) throw error
        await new Player(postern, one).play()
      }
    })
  }
})

test.skipIf(cases.length > 0)('no case files: set POSTERN_CASES', () => undefined)
