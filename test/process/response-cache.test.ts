import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, writeFiles } from '../kit/postern.ts'

const step = (name: string): string => `<Step><Name>${name}</Name></Step>`

test('attached in the proxy, a hit skips the steps before the response attachment, and no others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cache-'))
  const backend = await Backend.start((_, response) => response.end('hello'))
  const mark = (name: string): string =>
    `<AssignMessage name="${name}"><Add><Headers><Header name="X-Ran">${name}{system.uuid}</Header></Headers></Add></AssignMessage>`
  writeFiles(join(folder, 'apiproxy'), {
    'kept.xml': '<APIProxy name="kept"/>',
    'proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request>${step('RC')}</Request><Response>${step('Pre')}</Response></PreFlow>
      <Flows><Flow name="f"><Response>${step('Flow')}</Response></Flow></Flows>
      <PostFlow><Response>${step('Before')}${step('RC')}${step('After')}</Response></PostFlow>
      <HTTPProxyConnection><BasePath>/kept</BasePath></HTTPProxyConnection>
      <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'targets/default.xml': `<TargetEndpoint name="default"><HTTPTargetConnection><URL>${backend.url}</URL></HTTPTargetConnection></TargetEndpoint>`,
    'policies/RC.xml': '<ResponseCache name="RC"><CacheKey><KeyFragment ref="request.uri"/></CacheKey></ResponseCache>',
    ...Object.fromEntries(['Pre', 'Flow', 'Before', 'After'].map((name) => [`policies/${name}.xml`, mark(name)])),
  })
  const postern = await Postern.start([folder], { workers: 1 })
  try {
    const ran = async (): Promise<string[]> => {
      const { rawHeaders } = await call(`${postern.gateway}/kept`)
      return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1] === 'X-Ran')
    }
    const [first, second] = [await ran(), await ran()]
    expect(first.map((text) => text.replace(/[-0-9a-f]{36}$/, ''))).toEqual(['Pre', 'Flow', 'Before', 'After'])
    // The first three come out of the cache as they were, the last one ran again.
    expect(second.slice(0, 3)).toEqual(first.slice(0, 3))
    expect(second).toHaveLength(4)
    expect(second[3]).not.toBe(first[3])
  } finally {
    await postern.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a response is kept for all threads; a hit skips the target and passes the response flow', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cache-'))
  const backend = await Backend.start((request, response) => response.end(`hello ${request.url}`))
  writeFiles(join(folder, 'apiproxy'), {
    'kept.xml': '<APIProxy name="kept"/>',
    'proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request>${step('RC')}</Request><Response>${step('Mark')}</Response></PreFlow>
      <HTTPProxyConnection><BasePath>/kept</BasePath></HTTPProxyConnection>
      <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'targets/default.xml': `<TargetEndpoint name="default"><PostFlow><Response>${step('RC')}</Response></PostFlow>
      <HTTPTargetConnection><URL>${backend.url}</URL></HTTPTargetConnection></TargetEndpoint>`,
    'policies/RC.xml': '<ResponseCache name="RC"><CacheKey><KeyFragment ref="request.uri"/></CacheKey></ResponseCache>',
    'policies/Mark.xml':
      '<AssignMessage name="Mark"><Add><Headers><Header name="X-Hit">{responsecache.RC.cachehit}</Header></Headers></Add></AssignMessage>',
  })
  const postern = await Postern.start([folder], { workers: 2 })
  try {
    const hits: unknown[] = []
    for (let i = 0; i < 12; i++) {
      const { headers, text } = await call(`${postern.gateway}/kept/a`)
      hits.push(headers['x-hit'])
      expect(text).toBe('hello /a')
    }
    expect(hits).toEqual(['false', ...Array(11).fill('true')])
    expect(backend.received.length).toBe(1)
    expect((await call(`${postern.gateway}/kept/b`)).text).toBe('hello /b')
  } finally {
    await postern.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
