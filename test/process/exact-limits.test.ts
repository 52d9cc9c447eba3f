import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Postern } from '../kit/postern.ts'

const CALLS = 100_000
const CLIENTS = 4
const APPLICATIONS = 1_000
const LIMIT = 60
const PIPELINED = 50

test('100,000 authreps from 4 clients over 1,000 applications: stored usage is what was allowed, nobody over the limit', async () => {
  const data = mkdtempSync(join(tmpdir(), 'postern-limits-'))
  const config = join(data, 'postern.yaml')
  const applications = Array.from({ length: APPLICATIONS }, (_, i) => ({ service: 42, plan: 7, appId: `app${i}` }))
  const plans = [{ id: 7, name: 'Basic', limits: [{ metric: 'hits', period: 'day', value: LIMIT }] }]
  const service = { id: 42, systemName: 'api', backendVersion: '2', providerKey: 'pk', plans }
  writeFileSync(config, stringify({ version: 1, services: [service], accounts: [{ id: 'a', applications }] }))
  const postern = await Postern.start(['--config', config], { data, workers: 2 })
  // A change of the day would begin new counters.
  const day = new Date().getUTCDate()
  const port = Number(new URL(postern.backend).port)
  const counts = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(port, i)))
  const allowed = counts.reduce((sum, one) => sum + one.allowed, 0)
  const denied = counts.reduce((sum, one) => sum + one.denied, 0)
  await postern.stop()
  expect(new Date().getUTCDate()).toBe(day)
  expect([allowed, denied]).toEqual([APPLICATIONS * LIMIT, CALLS - APPLICATIONS * LIMIT])
  const database = new DatabaseSync(join(data, 'postern.db'), { readOnly: true })
  const rows = database
    .prepare(
      `SELECT application, value FROM usage JOIN usage_series ON id = series
       WHERE kind = 'metric' AND name = 'hits' AND period = 2`,
    )
    .all()
  database.close()
  rmSync(data, { recursive: true, force: true })
  const ofApplications = rows.filter((row) => row['application'] !== '')
  expect(ofApplications.length).toBe(APPLICATIONS)
  expect(ofApplications.filter((row) => Number(row['value']) !== LIMIT)).toEqual([])
  expect(rows.find((row) => row['application'] === '')?.['value']).toBe(allowed)
}, 240_000)

/** One connection, many calls on their way at once. */
function client(port: number, number: number): Promise<{ allowed: number; denied: number }> {
  return new Promise((resolve, reject) => {
    const calls = CALLS / CLIENTS
    let sent = 0
    let allowed = 0
    let denied = 0
    let rest = ''
    const socket = connect(port, '127.0.0.1')
    const send = (): void => {
      let text = ''
      for (let i = 0; i < PIPELINED && sent < calls; i++, sent++) {
        const app = (sent * 7 + (number * APPLICATIONS) / CLIENTS) % APPLICATIONS
        text += `GET /transactions/authrep.xml?provider_key=pk&app_id=app${app}&usage[hits]=1 HTTP/1.1\r\nHost: b\r\n3scale-options: no_body=1\r\n\r\n`
      }
      if (text !== '') socket.write(text)
    }
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1')
      const lines = rest.split('HTTP/1.1 ')
      rest = `HTTP/1.1 ${lines.pop()}`
      if (rest.endsWith('\r\n\r\n')) {
        lines.push(rest.slice(9))
        rest = ''
      }
      for (const line of lines) {
        if (line === '') continue
        if (line.startsWith('200')) allowed++
        else if (line.startsWith('409')) denied++
        else reject(new Error(`an answer nobody expects: ${line.slice(0, 100)}`))
      }
      if (allowed + denied === calls) {
        socket.destroy()
        resolve({ allowed, denied })
      } else if (allowed + denied === sent) send()
    })
    socket.on('error', reject)
    send()
  })
}
