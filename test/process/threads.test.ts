import { chmodSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, runPostern, until, writeFiles } from '../kit/postern.ts'

describe('one process, many threads', () => {
  let folder: string
  let backend: Backend
  let config: string
  const held: (() => void)[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-threads-'))
    backend = await Backend.start((received, response) => {
      if (received.url === '/slow') held.push(() => response.end('late'))
      else response.end('ok')
    })
    config = join(folder, 'postern.yaml')
    writeFileSync(
      config,
      `version: 1
responseCodes: true
apis:
  - {name: free, basePath: /free, target: "${backend.url}", service: s}
  - {name: limited, basePath: /limited, target: "${backend.url}", throttle: tight, service: s}
throttles:
  - {name: tight, per: {interval: 1, unit: day}, api: 25}
services:
  - {id: 7, systemName: s, name: S}
`,
    )
  })

  afterAll(async () => {
    await backend?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('a limit is exact over all threads, refusals are counted and say which limit', async () => {
    const postern = await Postern.start(['--config', config], { workers: 3 })
    try {
      const answers = await Promise.all(Array.from({ length: 60 }, () => call(`${postern.gateway}/limited/x`)))
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(25)
      const refused = answers.filter((answer) => answer.status === 429)
      expect(refused).toHaveLength(35)
      expect(JSON.parse(refused[0]!.text)).toEqual({
        fault: {
          faultstring: 'The throttling threshold has been reached: policy api over ratelimit,limit:25,time:1 day',
          detail: { errorcode: 'APIG.0308' },
        },
      })
      const debugged = await call(`${postern.gateway}/limited/x`, { headers: { 'X-Apig-Mode': 'debug' } })
      expect(debugged.headers['x-apig-ratelimit-api']).toBe('remain:0,limit:25,time:1 day')
      expect(debugged.headers['x-apig-latency']).toMatch(/^\d+$/)
      expect(debugged.headers).not.toHaveProperty('x-apig-upstream-latency')
      expect(debugged.headers).not.toHaveProperty('x-apig-ratelimit-api-allenv')
      const metrics = await until(async () => {
        const text = String((await postern.ask('/metrics')).body)
        return /429.*\s36$|"4xx".*\s36$/m.test(text) && text
      })
      expect(metrics).toContain('limited')
    } finally {
      await postern.stop()
    }
  })

  test('a call that runs is finished before the end, and its record is kept', async () => {
    const data = await mkdtemp(join(folder, 'data-'))
    const postern = await Postern.start(['--config', config], { data, workers: 2 })
    const slow = call(`${postern.gateway}/free/slow`)
    await until(() => held.length > 0)
    const stopping = postern.stop('SIGTERM')
    await until(() =>
      call(`${postern.gateway}/free/x`).then(
        () => false,
        () => true,
      ),
    )
    held.pop()!()
    expect((await slow).text).toBe('late')
    expect(await stopping).toMatchObject({ code: 0 })
    const again = await Postern.start(['--config', config], { data, workers: 1 })
    const { body } = await again.ask('/stats/services/7/usage_response_code.json?response_code=200&period=day')
    expect((body as { total: number }).total).toBeGreaterThanOrEqual(1)
    await again.stop()
  })

  test('a second Postern on the same data folder is told so', async () => {
    const postern = await Postern.start(['--config', config], { workers: 1 })
    const run = await runPostern([
      'start',
      '--config',
      config,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--data',
      postern.data,
    ])
    expect(run.code).toBe(1)
    expect(
      run.stderr
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('{')),
    ).toHaveLength(1)
    expect(run.stderr).toMatch(/postern cannot start: .*in use/)
    await postern.stop()
  })

  test('a port that is taken is told in one line', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as import('node:net').AddressInfo
    const data = await mkdtemp(join(folder, 'data-'))
    const run = await runPostern([
      'start',
      '--config',
      config,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--data',
      data,
      '--workers',
      '1',
    ])
    taken.close()
    expect(run).toMatchObject({ code: 1 })
    expect(run.stderr).toMatch(new RegExp(`postern cannot start: the gateway door 127.0.0.1:${port} cannot be opened`))
  })

  test('a port that another Postern has is not shared with it', async () => {
    const postern = await Postern.start(['--config', config], { workers: 2 })
    const data = await mkdtemp(join(folder, 'data-'))
    const { port } = new URL(postern.gateway)
    const args = [
      'start',
      '--config',
      config,
      '--host',
      '127.0.0.1',
      '--port',
      port,
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--data',
      data,
    ]
    const run = await runPostern([...args, '--workers', '2'])
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/postern cannot start: the gateway door .* cannot be opened: .*EADDRINUSE/)
    await postern.stop()
  })

  test('a data folder that is none is told in one line', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, 'not a folder')
    chmodSync(file, 0o444)
    const run = await runPostern([
      'start',
      '--config',
      config,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--data',
      file,
    ])
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/postern cannot start: .*a-file/)
    expect(run.stderr).not.toMatch(/\n\s+at /)
  })

  test('a broken bundle or file starts nothing: all errors, with their places', async () => {
    const broken = join(folder, 'broken')
    writeFiles(broken, {
      'apiproxy/broken.xml': '<APIProxy name="broken"/>',
      'apiproxy/policies/a.xml':
        '<ServiceCallout name="SC">\n  <Timeout>-1</Timeout>\n  <HTTPTargetConnection>\n    <URL/>\n  </HTTPTargetConnection>\n</ServiceCallout>',
      'apiproxy/proxies/default.xml':
        '<ProxyEndpoint name="default">\n<PreFlow><Request>\n<Step><Name>None</Name></Step>\n<Step><Name>SC</Name><Condition>a = (</Condition></Step>\n</Request></PreFlow>\n<HTTPProxyConnection><BasePath>/b</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>',
    })
    const run = await runPostern([
      'start',
      broken,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--data',
      join(folder, 'unused'),
    ])
    expect(run.code).toBe(1)
    for (const part of ['InvalidTimeoutValue', 'URLMissing', 'None', 'InvalidCondition', 'nothing was started'])
      expect(run.stderr).toContain(part)
    expect(run.stderr).toMatch(/policies\/a\.xml:2:\d+: error: InvalidTimeoutValue/)
    const checked = await runPostern(['check', broken])
    expect(checked.code).toBe(1)
    expect(checked.stdout).toMatch(/policies\/a\.xml:2:\d+: error: InvalidTimeoutValue/)
    const yaml = join(folder, 'broken.yaml')
    writeFileSync(yaml, 'version: 1\napis:\n  - nam: x\n    basePath: 7\n')
    const other = await runPostern(['start', '--config', yaml])
    expect(other.code).toBe(1)
    expect(other.stderr).toMatch(/broken\.yaml:3:\d+: error/)
  })

  test.each([
    [['start', '--port', 'http'], /a port is a whole number/],
    [['start', '--workers', '0'], /gateway threads are a whole number/],
    [['start', '--host-map', 'nonsense'], /FROM=TO/],
    [['start', '--no-such-option'], /unknown option/],
    [['check'], /missing required argument/],
    [['fly'], /unknown command/],
  ])('%j says what is wrong', async (args, message) => {
    const run = await runPostern(args)
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(message)
  })
})
