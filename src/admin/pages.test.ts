import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { demoOptions, demoToken } from '../../test/browser/demo-gateway.ts'
import { pages } from './pages.ts'
import { buildAdmin } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-pages-'))
const dist = join(folder, 'dist')
mkdirSync(dist)
writeFileSync(join(folder, 'secret.svg'), 'outside')
writeFileSync(join(dist, 'index.html'), '<!doctype html><title>Postern</title>')
writeFileSync(join(dist, 'app.js'), 'export {}')
writeFileSync(join(dist, 'app.css'), 'a{}')
writeFileSync(join(dist, 'icon.svg'), '<svg/>')
writeFileSync(join(dist, 'notes.txt'), 'of no known type')
const app = buildAdmin(demoOptions({ dashboardFolder: dist }))
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const authorization = `Bearer ${demoToken}`

describe('the dashboard', () => {
  test('draws its pages for who has the token, and leads there from /', async () => {
    const root = await app.inject({ url: '/', headers: { authorization } })
    expect([root.statusCode, root.headers.location]).toEqual([302, '/overview'])
    const page = await app.inject({ url: '/analytics/response-codes?last=7d', headers: { authorization } })
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.body).toContain('<title>Postern</title>')
  })

  test('has a page for each entry of its menu, and for each thing in its lists', async () => {
    const menu = readFileSync(fileURLToPath(new URL('../../dashboard/src/menu.tsx', import.meta.url)), 'utf8')
    const entries = [...menu.matchAll(/\{ path: '([^']+)', label: '[^']+', draw: \w+(, drawOne)?/g)]
    expect(entries.length).toBeGreaterThan(5)
    const addresses = entries.flatMap(([, path, one]) => (one === undefined ? [path] : [path, `${path}/*`]))
    expect(addresses).toEqual(pages)
    for (const path of pages) {
      const name = path.replace('*', `a%2Fb%20${'c'.repeat(200)}`)
      expect([path, (await app.inject({ url: name, headers: { authorization } })).statusCode]).toEqual([path, 200])
      expect([path, (await app.inject(name)).statusCode]).toEqual([path, 401])
    }
  })

  test('leads to the page that was asked for once the token is given', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const url = '/proxies/weather?by=answerer&token=wrong'
    const good = await app.inject({ method: 'POST', url, headers, payload: `token=${demoToken}` })
    expect([good.statusCode, good.headers.location]).toEqual([303, '/proxies/weather?by=answerer'])
    const wrong = await app.inject({ method: 'POST', url, headers, payload: 'token=wrong' })
    expect([wrong.statusCode, wrong.headers['set-cookie']]).toEqual([401, undefined])
  })

  test('asks others to sign in, and shows links of other sites to who has a session', async () => {
    const page = await app.inject('/analytics/response-codes')
    expect(page.statusCode).toBe(401)
    expect(page.body).toContain('<form method="post">')
    const linked = await app.inject({
      url: '/analytics/response-codes?service="><script>&last=7d',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(linked.statusCode).toBe(200)
    expect(linked.body).toContain('content="0;url=/analytics/response-codes?service=%22%3E%3Cscript%3E&#38;last=7d"')
  })

  test('serves its files with their types, and again only when they changed', async () => {
    const types = {
      'app.js': 'text/javascript; charset=utf-8',
      'app.css': 'text/css; charset=utf-8',
      'icon.svg': 'image/svg+xml',
    }
    for (const [file, type] of Object.entries(types)) {
      const answer = await app.inject(`/assets/${file}`)
      expect([answer.statusCode, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
        200,
        type,
        'no-cache',
      ])
      const again = await app.inject({
        url: `/assets/${file}`,
        headers: { 'if-none-match': String(answer.headers.etag) },
      })
      expect([again.statusCode, again.body]).toEqual([304, ''])
    }
  })

  test('serves nothing else', async () => {
    const others = [
      'notes.txt',
      'index.html',
      'nothing.js',
      '..%2Fsecret.svg',
      '%2e%2e/secret.svg',
      'constructor',
      '__proto__',
      '',
    ]
    for (const file of others) {
      const answer = await app.inject(`/assets/${file}`)
      expect([file, answer.statusCode]).toEqual([file, 404])
      expect(answer.json().error.code).toBe('not_found')
    }
  })

  test('lets nothing in from elsewhere', async () => {
    for (const url of ['/', '/assets/app.js', `/?token=${demoToken}`]) {
      const { headers } = await app.inject(url)
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).not.toMatch(/unsafe|http|data:|\*/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
  })
})

test.each([null, join(folder, 'nowhere'), folder])('says so when it was not built (%s)', async (dashboardFolder) => {
  const bare = buildAdmin(demoOptions({ dashboardFolder }))
  const page = await bare.inject({ url: '/', headers: { authorization } })
  expect(page.statusCode).toBe(503)
  expect(page.body).toContain('npm run build')
  expect((await bare.inject('/livez')).statusCode).toBe(200)
  await bare.close()
})
