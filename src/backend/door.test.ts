import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccountsInProcess } from '../../test/kit/accounts.ts'
import { type Answer, call } from '../../test/kit/backend.ts'
import { bareService } from '../model/service.ts'

const NOW = Date.parse('2026-03-04T10:11:12Z')
const service = {
  ...bareService('42', 'api', 'API'),
  backendVersion: '2' as const,
  providerKey: 'pk',
  serviceToken: 'tok',
  plans: [
    {
      id: '7',
      systemName: 'basic',
      name: 'A & "B" <C>',
      state: 'published' as const,
      limits: [{ id: '1', metric: 'hits', period: 'day' as const, value: 1_000 }],
    },
  ],
}
const application = {
  id: '1',
  accountId: 'a',
  serviceId: '42',
  planId: '7',
  name: 'App',
  description: '',
  state: 'live' as const,
  appId: 'app1',
  userKey: null,
  keys: [],
  referrerFilters: [],
  redirectUrl: null,
  createdAtMs: 0,
  updatedAtMs: 0,
}

let accounts: AccountsInProcess

beforeAll(async () => {
  accounts = await AccountsInProcess.start({ services: [service], accounts: [], applications: [application] }, NOW)
})
afterAll(() => accounts.stop())

const get = (query: string, headers: Record<string, string> = {}): Promise<Answer> =>
  call(`${accounts.backend}/transactions/authrep.xml?provider_key=pk&app_id=app1${query}`, { headers })
const post = (body: string | Buffer, type: string | null = 'application/x-www-form-urlencoded'): Promise<Answer> =>
  call(`${accounts.backend}/transactions.xml?provider_key=pk`, {
    method: 'POST',
    headers: type === null ? {} : { 'content-type': type },
    body,
  })
const errorOf = ({ text }: Answer): string | undefined => /<error code="(\w+)">/.exec(text)?.[1]

async function used(): Promise<number> {
  await accounts.drain()
  const answer = await call(`${accounts.admin}/stats/services/42/usage.json?metric_name=hits&period=eternity`, {
    headers: { authorization: `Bearer ${accounts.token}` },
  })
  return (JSON.parse(answer.text) as { total: number }).total
}

describe('bad input is answered as documented, and nothing is stored', () => {
  test.each<[string, string, number, string | undefined]>([
    ['usage that is no hash', '&usage=1', 403, undefined],
    ['usage that is a list', '&usage[]=1', 403, undefined],
    ['usage within usage', '&usage[hits][x]=1', 403, 'usage_value_invalid'],
    ['a metric called __proto__', '&usage[__proto__]=1', 404, 'metric_invalid'],
    ['syntax', '&usage[hits]=1&usage[]=1', 400, 'bad_request'],
    ['escapes', '&usage[hits]=%zz', 400, 'bad_request'],
    ['not UTF-8', '&app_key=%ff', 422, 'not_valid_data'],
    ['end users', '&user_id=1', 400, 'end_users_no_longer_supported'],
    ['both credentials', '&user_key=u', 403, 'authentication_error'],
    ['depth', `&a${'[b]'.repeat(60)}=1`, 400, 'bad_request'],
  ])('authrep: %s', async (_what, query, status, code) => {
    const before = await used()
    const answer = await get(query)
    expect([answer.status, errorOf(answer)]).toEqual([status, code])
    expect(answer.headers['content-type']).toContain('application/vnd.3scale-v2.0+xml')
    if (code === undefined) expect(answer.text).toBe('')
    expect(await used()).toBe(before)
  })

  test.each<[string, string | Buffer, string | null, number, string | undefined]>([
    ['a type that is none', '{}', 'application/json', 400, 'content_type_invalid'],
    ['nothing', '', null, 400, 'transactions_is_blank'],
    ['a list', 'transactions[]=1', null, 400, 'transactions_format_invalid'],
    ['a text', 'transactions=1', null, 400, 'transactions_format_invalid'],
    ['a transaction that is nothing', 'transactions[0]', null, 400, 'transactions_has_nil_transaction'],
    ['not UTF-8', Buffer.from('transactions[0][app_id]=\xff', 'latin1'), null, 422, 'not_valid_data'],
    ['a bomb of parameters', 'a&'.repeat(5_000), null, 400, 'bad_request'],
    ['five megabytes', `transactions[0][app_id]=${'x'.repeat(5 * 1024 * 1024)}`, null, 400, 'bad_request'],
    ['no form', '%', null, 400, 'bad_request'],
    ['a multipart form without boundary', 'a', 'multipart/form-data', 400, 'bad_request'],
    [
      'a multipart form that ends within a part',
      '--x\r\nContent-Dis',
      'multipart/form-data; boundary=x',
      400,
      'bad_request',
    ],
    ['a bomb of parts', `${'--x\r\n\r\n'.repeat(5_000)}--x--`, 'multipart/form-data; boundary=x', 400, 'bad_request'],
  ])('report: %s', async (_what, body, type, status, code) => {
    const before = await used()
    const answer = await post(body, type ?? 'application/x-www-form-urlencoded')
    expect([answer.status, errorOf(answer)]).toEqual([status, code])
    expect(await used()).toBe(before)
  })

  test.each<[string, string, string]>([
    ['an unknown metric', '[usage][nope]=1', 'metric_invalid'],
    ['a value that is none', '[usage][hits]=x', 'usage_value_invalid'],
    ['yesterday and more', '[usage][hits]=1&transactions[1][timestamp]=2026-03-02', 'transaction_timestamp_too_old'],
    ['the day after', '[usage][hits]=1&transactions[1][timestamp]=2026-03-05', 'transaction_timestamp_too_new'],
  ])('a batch with %s: 202, nothing counted, one integration error', async (_what, rest, code) => {
    const before = await used()
    const body = `transactions[0][app_id]=app1&transactions[0][usage][hits]=5&transactions[1][app_id]=app1&transactions[1]${rest}`
    const answer = await post(body)
    expect([answer.status, answer.text]).toEqual([202, ''])
    expect(await used()).toBe(before)
    const errors = await call(`${accounts.admin}/internal/services/42/errors/`, {
      headers: { authorization: `Bearer ${accounts.token}` },
    })
    expect(JSON.parse(errors.text).errors[0].code).toBe(code)
  })
})

/** What comes back for bytes as they are, until the connection ends. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(accounts.backend).port), '127.0.0.1')
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk.toString()
    })
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
    socket.write(text)
  })

describe('what the back end answers', () => {
  test('a report is answered once it is kept, where that is asked for', async () => {
    const hits = async (): Promise<number> => {
      const path = '/stats/services/42/usage.json?metric_name=hits&period=eternity'
      const answer = await call(accounts.admin + path, { headers: { authorization: `Bearer ${accounts.token}` } })
      return (JSON.parse(answer.text) as { total: number }).total
    }
    await used()
    const before = await hits()
    await get('&usage[hits]=1')
    expect(await hits()).toBe(before)
    expect((await get('&usage[hits]=1', { '3scale-options': 'kept=1' })).status).toBe(200)
    expect(await hits()).toBe(before + 2)
    const report = await call(`${accounts.backend}/transactions.xml?provider_key=pk`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', '3scale-options': 'kept=1' },
      body: 'transactions[0][app_id]=app1&transactions[0][usage][hits]=3',
    })
    expect([report.status, await hits()]).toEqual([202, before + 5])
  })

  test('a request in the form for proxies', async () => {
    const text = await raw(
      'GET http://su1.example/check.txt HTTP/1.1\r\nHost: su1.example\r\nConnection: close\r\n\r\n',
    )
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
  })

  test('is counted by kind of request and status', async () => {
    const counted = (type: string, code: string): number =>
      accounts.answers.rows().find((row) => row[0] === type && row[1] === code)?.[2] ?? 0
    const counts = (): number[] => [counted('authrep', '2xx'), counted('authrep', '404'), counted('report', '4xx')]
    const before = counts()
    // What a parameter holds is no kind of request.
    await get('&no_body=/transactions/authorize.xml')
    await get('&usage[nothing]=1')
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const report = `${accounts.backend}/transactions.xml?provider_key=pk&x=/transactions/authrep.xml`
    await call(report, { method: 'POST', headers: form, body: '' })
    const after = counts()
    expect(after).toEqual(before.map((count) => count + 1))
  })

  test('multipart forms count like any other', async () => {
    const before = await used()
    const part = (name: string, value: string): string =>
      `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const body = `${part('transactions[0][app_id]', 'app1')}${part('transactions[0][usage][hits]', '3')}--xyz--\r\n`
    expect((await post(body, 'multipart/form-data; boundary=xyz')).status).toBe(202)
    expect(await used()).toBe(before + 3)
  })

  test('names are escaped, periods are UTC days', async () => {
    const { text } = await get('')
    expect(text).toContain('<plan>A &amp; "B" &lt;C&gt;</plan>')
    expect(text).toContain(
      '<period_start>2026-03-04 00:00:00 +0000</period_start><period_end>2026-03-05 00:00:00 +0000</period_end>',
    )
  })

  test('check, status, available, preflight, and nothing else', async () => {
    const ask = (method: string, path: string): Promise<Answer> => call(accounts.backend + path, { method })
    expect((await ask('GET', '/check.txt')).text).toBe('ok')
    expect(JSON.parse((await ask('GET', '/status')).text)).toMatchObject({ status: 'ok' })
    expect((await ask('HEAD', '/available')).status).toBe(200)
    const preflight = await ask('OPTIONS', '/transactions/authrep.xml')
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, '*'])
    expect(preflight.headers['access-control-allow-headers']).toContain('3scale-options')
    expect(preflight.headers['access-control-expose-headers']).toContain('3scale-rejection-reason')
    for (const [method, path] of [
      ['DELETE', '/transactions.xml'],
      ['GET', '/'],
      ['GET', '/transactions/authrep'],
      ['POST', '/check.txt'],
    ] as const) {
      const answer = await ask(method, path)
      expect([answer.status, answer.text]).toEqual([404, ''])
    }
  })

  test('provider and service', async () => {
    const ask = (query: string): Promise<Answer> =>
      call(`${accounts.backend}/transactions/authorize.xml?app_id=app1&${query}`)
    const cases: [string, number, string | undefined][] = [
      ['', 403, 'provider_key_or_service_token_required'],
      ['service_token=tok', 422, 'service_id_missing'],
      ['service_token=tok&service_id=43', 403, 'service_token_invalid'],
      ['provider_key=no', 403, 'provider_key_invalid_or_service_missing'],
      ['provider_key=no&service_id=42', 403, 'provider_key_invalid'],
      ['provider_key=pk&service_id=43', 403, 'service_id_invalid'],
      ['provider_key=pk&service_id=any-42', 200, undefined],
      ['provider_key=%20pk%20', 200, undefined],
    ]
    for (const [query, status, code] of cases) {
      const answer = await ask(query)
      expect([query, answer.status, errorOf(answer)]).toEqual([query, status, code])
    }
  })

  test('a request that is none gets the back end’s shape, and the connection ends', async () => {
    const text = await raw('NONSENSE\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('<error code="bad_request">')
  })
})
