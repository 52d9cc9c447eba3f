import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// `postern start --watch`: what is saved is served, what is broken is not.

const folder = mkdtempSync(join(tmpdir(), 'postern-watch-'))
const bundle = join(folder, 'greet')
let postern: Postern
let output = ''

const say = (text: string): string =>
  `<AssignMessage name="Say"><Set><Payload contentType="text/plain">${text}</Payload></Set></AssignMessage>`
const policy = join(bundle, 'apiproxy/policies/Say.xml')
const text = async (path = '/greet'): Promise<string> => (await call(`${postern.gateway}${path}`)).text

beforeAll(async () => {
  writeFiles(bundle, {
    'apiproxy/greet.xml': '<APIProxy name="greet"/>',
    'apiproxy/policies/Say.xml': say('one'),
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>Say</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/greet</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  })
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\napis: [{bundle: greet}]\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml'), '--watch'], { workers: 2 })
  postern.process.stdout!.on('data', (chunk: string) => {
    output += chunk
  })
})

afterAll(async () => {
  await postern.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a change is served within 300 ms; a broken one is told and changes nothing', async () => {
  expect(await text()).toBe('one')
  const figures: number[] = []
  for (const word of ['two', 'three', 'four']) {
    const saved = performance.now()
    writeFileSync(policy, say(word))
    await until(async () => (await text()) === word)
    figures.push(performance.now() - saved)
  }
  process.stdout.write(`watch: served ${figures.map((ms) => `${Math.round(ms)} ms`).join(', ')} after it was saved\n`)
  // The machine may be busy with other tests: the best of three counts.
  expect(Math.min(...figures)).toBeLessThan(300)
  await until(() => /watch: served in \d+ ms: greet/.test(output))

  writeFileSync(policy, '<AssignMessage name="Say"><Sett/>')
  await until(() => output.includes('what was served before goes on'))
  expect(output).toMatch(/Say\.xml:1:\d+: error: /)
  expect(await text()).toBe('four')
  writeFileSync(policy, say('five'))
  await until(async () => (await text()) === 'five')
}, 60_000)

test('a proxy that is new in the configuration file is served, one that went is not; what was made beside the files stays', async () => {
  const server = { name: 'made', host: '127.0.0.1', port: 1 }
  const headers = { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' }
  const made = await fetch(`${postern.admin}/v1/o/postern/e/test/targetservers`, {
    method: 'POST',
    headers,
    body: JSON.stringify(server),
  })
  expect(made.status).toBe(201)
  const config = (apis: string, more = ''): void =>
    writeFileSync(join(folder, 'postern.yaml'), `version: 1\napis: ${apis}\n${more}`)
  config('[{bundle: greet}, {name: plain, basePath: /plain, target: "http://127.0.0.1:1"}]')
  await until(async () => (await call(`${postern.gateway}/plain`)).status !== 404)
  config(
    '[{name: plain, basePath: /plain, target: "http://127.0.0.1:1"}]',
    'targetServers: [{name: ofFile, host: h, port: 2}]\n',
  )
  await until(async () => (await call(`${postern.gateway}/greet`)).status === 404)
  expect((await postern.ask('/v1/o/postern/e/test/targetservers')).body).toEqual(['ofFile', 'made'])
  config('[{bundle: greet}]', 'environment: prod\n')
  await until(() => output.includes('another organization or environment counts from the next start on'))
  config('[{bundle: greet}]')
  await until(async () => (await text()) === 'five')
}, 60_000)

test('response codes that are switched on are told to back ends elsewhere, of proxies that stayed as they were too', async () => {
  const codes: (string | null)[] = []
  const backend = await Backend.start(({ url }, response) => {
    if (url.startsWith('/transactions/authrep')) codes.push(new URLSearchParams(url).get('log[code]'))
    response.end()
  })
  const home = mkdtempSync(join(tmpdir(), 'postern-watch-codes-'))
  writeFiles(home, {
    'b/apiproxy/b.xml': '<APIProxy name="b"/>',
    'b/apiproxy/policies/AR.xml': `<AuthRep name="AR"><Service>42</Service><UserKey ref="request.queryparam.user_key"/>
      <Backend><Endpoint>${backend.url}</Endpoint><ServiceToken>t</ServiceToken></Backend></AuthRep>`,
    'b/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>AR</Name></Step></Request></PreFlow>
      <HTTPProxyConnection><BasePath>/b</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  })
  const config = (on: boolean): void =>
    writeFileSync(join(home, 'postern.yaml'), `version: 1\nresponseCodes: ${on}\napis: [{bundle: b}]\n`)
  config(false)
  const own = await Postern.start(['--config', join(home, 'postern.yaml'), '--watch'], { workers: 1 })
  let said = ''
  own.process.stdout!.on('data', (chunk: string) => {
    said += chunk
  })
  const ask = () => call(`${own.gateway}/b?user_key=k`)
  expect((await ask()).status).toBe(200)
  await until(() => codes.length === 1)
  config(true)
  await until(() => said.includes('watch: served'))
  expect((await ask()).status).toBe(200)
  await until(() => codes.length === 2)
  expect(codes).toEqual([null, '200'])
  await own.stop()
  await backend.stop()
  rmSync(home, { recursive: true, force: true })
}, 60_000)
