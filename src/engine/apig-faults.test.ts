import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  APIG_FAULTS,
  type ApigFaultRow,
  apigFault,
  detailedFault,
  inApigWords,
  RESPONSE_TYPES,
  responseTypeOf,
} from './apig-faults.ts'
import { APIG_FAULTS_NEVER } from './apig-faults-never.ts'
import { errorMessage } from './error-body.ts'
import { PLATFORM_FAULTS, type PlatformFault, platformFault } from './platform-faults.ts'

const SRC = fileURLToPath(new URL('..', import.meta.url))
const ROWS = Object.entries(APIG_FAULTS) as [keyof typeof APIG_FAULTS, ApigFaultRow][]

test('every row is answered somewhere: the table, its page and the code are one', () => {
  const code = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(SRC, name), 'utf8'))
    .join('\n')
  expect(ROWS.filter(([name]) => !code.includes(`'${name}'`)).map(([name]) => name)).toEqual([])
})

test('codes have their shape, types exist, none is in both lists', () => {
  for (const row of [...ROWS.map(([, one]) => one), ...APIG_FAULTS_NEVER]) {
    expect(row.code).toMatch(/^APIG\.\d{4}$/)
    expect(row.status).toBeGreaterThanOrEqual(400)
    if (row.type !== undefined) expect(Object.keys(RESPONSE_TYPES)).toContain(row.type)
  }
  const key = (row: ApigFaultRow): string => `${row.code} ${row.status} ${row.message}`
  const answered = new Set(ROWS.map(([, row]) => key(row)))
  expect(APIG_FAULTS_NEVER.filter((row) => answered.has(key(row)))).toEqual([])
})

test('the body that clients read', () => {
  const body = (text: string): unknown => JSON.parse(text)
  const message = errorMessage('apig', detailedFault('AppIncorrect', 'a detail'), {
    requestId: 'id',
    accept: 'application/xml',
  })
  expect(message.headers.get('content-type')).toBe('application/json')
  expect(body(message.content)).toEqual({
    error_msg: 'Incorrect app authentication information: a detail',
    error_code: 'APIG.0303',
    request_id: 'id',
  })
  expect(apigFault('Throttled', 'policy ip over ratelimit').text).toBe(
    'The throttling threshold has been reached: policy ip over ratelimit',
  )
})

test('what the runtime refuses has a code of the dialect', () => {
  for (const code of Object.keys(PLATFORM_FAULTS) as PlatformFault[]) {
    const fault = inApigWords(platformFault(code, 'x'))
    expect(fault.code, code).toMatch(/^APIG\./)
    expect(responseTypeOf(fault)).toBeTruthy()
  }
})
