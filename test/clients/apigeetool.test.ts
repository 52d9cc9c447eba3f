import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern, writeFiles } from '../kit/postern.ts'

// The real apigeetool, as a team's CI runs it: nothing changed but the base URL.

const CLI = createRequire(import.meta.url).resolve('apigeetool/lib/cli.js')
const folder = mkdtempSync(join(tmpdir(), 'postern-apigeetool-'))
let postern: Postern

/** Runs a command; gives its exit code, what it printed and, where that is JSON, the same read. */
function tool(command: string, ...args: string[]) {
  const all = [CLI, command, '-L', postern.admin, '-u', 'ada@example.com', '-p', postern.token, '-o', 'acme', ...args]
  return new Promise<{ code: number; out: string; json: ReturnType<typeof JSON.parse> }>((resolve) => {
    const child = execFile(process.execPath, all, { cwd: folder, timeout: 30_000 }, (error, stdout, stderr) => {
      const out = stdout.trim()
      const json = /^[[{]/.test(out) ? JSON.parse(out) : null
      resolve({ code: error === null ? 0 : Number(error.code ?? 99), out: stdout + stderr, json })
    })
    // What it would ask for is not answered.
    child.stdin!.end()
  })
}

/** The same where only a success will do. */
async function done(command: string, ...args: string[]) {
  const ran = await tool(command, ...args)
  expect(ran, ran.out).toMatchObject({ code: 0 })
  return ran
}

const text = async (path: string): Promise<string> => (await call(`${postern.gateway}${path}`)).text
const status = async (path: string): Promise<number> => (await call(`${postern.gateway}${path}`)).status

const say = (name: string, what: string): string =>
  `<AssignMessage name="${name}"><Set><Payload contentType="text/plain">${what}</Payload></Set></AssignMessage>`

/** A proxy with all that is uploaded piece by piece: resources, policies, a target and an endpoint. */
function proxyFolder(greeting: string, steps: string, policies: Record<string, string> = {}): string {
  const path = join(folder, 'proxy')
  rmSync(path, { recursive: true, force: true })
  writeFiles(path, {
    'apiproxy/greet.xml': '<APIProxy name="greet"><DisplayName>Greeting</DisplayName></APIProxy>',
    'apiproxy/policies/Say.xml': say('Say', greeting),
    'apiproxy/policies/JS.xml': '<Javascript name="JS"><ResourceURL>jsc://stamp.js</ResourceURL></Javascript>',
    'apiproxy/resources/jsc/stamp.js': 'context.setVariable("response.header.x-stamp", "js")',
    ...Object.fromEntries(Object.entries(policies).map(([name, xml]) => [`apiproxy/policies/${name}.xml`, xml])),
    'apiproxy/targets/default.xml':
      '<TargetEndpoint name="default"><HTTPTargetConnection><LoadBalancer><Server name="back"/></LoadBalancer></HTTPTargetConnection></TargetEndpoint>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>${steps}</Request><Response><Step><Name>Say</Name></Step><Step><Name>JS</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/greet</BasePath><VirtualHost>default</VirtualHost><VirtualHost>secure</VirtualHost></HTTPProxyConnection>
      <RouteRule name="none"/></ProxyEndpoint>`,
  })
  return path
}

beforeAll(async () => {
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: test\napis: []\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { data: join(folder, 'data'), workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('apigeetool', { timeout: 120_000 }, () => {
  test('target servers, caches and key value maps', async () => {
    const server = ['-e', 'test', '--targetServerName', 'back', '--targetPort', '8090']
    const made = await done('createTargetServer', ...server, '--targetHost', '127.0.0.1')
    expect(made.json).toMatchObject({ name: 'back', host: '127.0.0.1', port: 8090, isEnabled: true })
    expect((await done('listTargetServers', '-e', 'test')).out).toContain('back')
    const again = await tool('createTargetServer', ...server, '--targetHost', '127.0.0.1')
    expect([again.code, again.out]).toEqual([6, expect.stringContaining('TargetServer named back is there already')])
    await done('updateTargetServer', '-e', 'test', '-n', 'back', '--targetHost', '127.0.0.2', '--targetPort', '9')
    expect((await done('getTargetServer', '-e', 'test', '--targetServerName', 'back')).out).toContain('127.0.0.2')

    await done('createcache', '-e', 'test', '-z', 'tokens', '--cacheExpiryInSecs', '60')
    expect((await done('getcache', '-e', 'test', '-z', 'tokens')).out).toContain('tokens')
    expect((await done('clearcache', '-e', 'test', '-z', 'tokens')).json).toEqual({
      action: 'clear',
      resourceName: 'tokens',
    })
    expect((await done('listcaches', '-e', 'test')).out).toContain('tokens')
    await done('deletecache', '-e', 'test', '-z', 'tokens')
    expect((await tool('getcache', '-e', 'test', '-z', 'tokens')).code).toBe(6)

    const map = ['-e', 'test', '--mapName', 'words']
    await done('createKVMmap', ...map)
    await done('addEntryToKVM', ...map, '--entryName', 'hello', '--entryValue', 'bonjour')
    expect((await done('getKVMentry', ...map, '--entryName', 'hello')).out).toContain('bonjour')
    expect((await done('getKVMmap', ...map)).out).toContain('bonjour')
    await done('addEntryToKVM', ...map, '--entryName', 'bye', '--entryValue', 'adieu')
    await done('deleteKVMentry', ...map, '--entryName', 'bye')
    expect((await done('getKVMmap', ...map)).out).not.toContain('adieu')
    await done('createKVMmap', '--mapName', 'ofOrg', '--encrypted')
    await done('deleteKVMmap', '--mapName', 'ofOrg')
  })

  test('deployproxy sends a bundle piece by piece; what it deployed answers, says where, and can be fetched', async () => {
    const read =
      '<KeyValueMapOperations name="KV" mapIdentifier="words"><Get assignTo="word"><Key><Parameter>hello</Parameter></Key></Get></KeyValueMapOperations>'
    const path = proxyFolder('{word} one', '<Step><Name>KV</Name></Step>', { KV: read })
    const first = await done('deployproxy', '-n', 'greet', '-e', 'test', '-d', path, '-V')
    expect(first.out).toMatch(/"greet" Revision 1\s+deployed\s+environment = test\s+base path = \/\n/)
    expect(first.out).toContain(`URI = ${postern.gateway}/greet`)
    expect(first.out).not.toContain('Error looking up')
    const answer = await call(`${postern.gateway}/greet`)
    expect([answer.text, answer.headers['x-stamp']]).toEqual(['bonjour one', 'js'])

    expect((await done('deployproxy', '-n', 'greet', '-e', 'test', '-d', proxyFolder('two', ''))).out).toMatch(
      /"greet" Revision 2/,
    )
    expect(await text('/greet')).toBe('two')
    const listed = await done('listdeployments', '-e', 'test', '-l')
    expect(listed.out).toMatch(/"greet" Revision 2\s+deployed/)
    expect(listed.out).toContain(`URI = ${postern.gateway}/greet`)
    expect((await done('listdeployments', '-n', 'greet', '-j')).json.deployments).toMatchObject([
      { name: 'greet', environment: 'test', revision: 2, state: 'deployed', basePath: '/' },
    ])
    await done('deployExistingRevision', '-n', 'greet', '-e', 'test', '-r', '1')
    expect(await text('/greet')).toBe('bonjour one')
    expect((await done('listProxies')).out).toContain('greet')

    await done('fetchproxy', '-n', 'greet', '-r', '1', '-f', join(folder, 'greet.zip'))
    expect(readFileSync(join(folder, 'greet.zip')).subarray(0, 2).toString()).toBe('PK')
    expect((await tool('fetchproxy', '-n', 'greet', '-r', '9', '-f', join(folder, 'none.zip'))).code).toBe(6)
  })

  test('a bundle that is wrong is told with file, line and rule, and what is deployed stays', async () => {
    const path = proxyFolder('three', '<Step><Name>Missing</Name></Step>')
    const { code, out } = await tool('deployproxy', '-n', 'greet', '-e', 'test', '-d', path)
    expect(code).toBe(6)
    expect(out).toMatch(/apiproxy\/proxies\/default\.xml:1:\d+: error: .*Missing/)
    expect(await text('/greet')).toBe('bonjour one')
  })

  test('shared flows and flow hooks run around every proxy', async () => {
    const flow = join(folder, 'flow')
    writeFiles(flow, {
      'sharedflowbundle/mark.xml': '<SharedFlowBundle name="mark"/>',
      'sharedflowbundle/policies/Mark.xml':
        '<AssignMessage name="Mark"><Set><Headers><Header name="x-mark">hook</Header></Headers></Set><AssignTo type="response"/></AssignMessage>',
      'sharedflowbundle/sharedflows/default.xml':
        '<SharedFlow name="default"><Step><Name>Mark</Name></Step></SharedFlow>',
    })
    const deployed = await done('deploySharedflow', '-n', 'mark', '-e', 'test', '-d', flow)
    expect(deployed.out).toMatch(/"mark" Revision 1\s+deployed/)
    expect((await done('listSharedflowDeployments', '-n', 'mark')).out).toMatch(/"mark" Revision 1/)
    await done('attachFlowHook', '-e', 'test', '--flowHookName', 'PostProxyFlowHook', '--sharedFlowName', 'mark')
    expect((await call(`${postern.gateway}/greet`)).headers['x-mark']).toBe('hook')
    expect((await done('getFlowHook', '-e', 'test', '--flowHookName', 'PostProxyFlowHook')).json.sharedFlow).toBe(
      'mark',
    )
    expect((await tool('undeploySharedflow', '-n', 'mark', '-e', 'test')).code).toBe(6)
    await done('detachFlowHook', '-e', 'test', '--flowHookName', 'PostProxyFlowHook')
    expect((await call(`${postern.gateway}/greet`)).headers['x-mark']).toBeUndefined()
    await done('undeploySharedflow', '-n', 'mark', '-e', 'test')
    await done('fetchSharedflow', '-n', 'mark', '-r', '1', '-f', join(folder, 'mark.zip'))
    await done('deleteSharedflow', '-n', 'mark')
    expect((await done('listSharedflows')).out).not.toContain('mark')
  })

  test('a product, a developer, an app and its keys open a guarded proxy', async () => {
    const guard = '<VerifyAPIKey name="VK"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>'
    const path = proxyFolder('in', '<Step><Name>VK</Name></Step>', { VK: guard })
    await done('deployproxy', '-n', 'greet', '-e', 'test', '-d', path)
    expect(await status('/greet?apikey=KEY1')).toBe(401)
    const quota = ['--quota', '100', '--quotaInterval', '1', '--quotaTimeUnit', 'hour']
    const product = ['--productName', 'basic', '--proxies', 'greet', '--environments', 'test', '--approvalType', 'auto']
    expect((await done('createProduct', ...product, ...quota)).json).toMatchObject({ name: 'basic', quota: '100' })
    const ada = ['--email', 'ada@example.com', '--firstName', 'Ada', '--lastName', 'L', '--userName', 'ada']
    await done('createDeveloper', ...ada)
    const made = await done('createApp', '--name', 'app', '--apiProducts', 'basic', '--email', 'ada@example.com')
    expect(await text(`/greet?apikey=${made.json.credentials[0].consumerKey}`)).toBe('in')
    const key = ['--developerId', 'ada@example.com', '--appName', 'app', '--key', 'KEY1', '--secret', 'S1']
    await done('createAppKey', ...key, '--apiProducts', 'basic')
    expect(await text('/greet?apikey=KEY1')).toBe('in')
    const byId = await postern.ask(`/v1/organizations/acme/apps/${made.json.appId}`)
    expect(byId.body).toMatchObject({ name: 'app', status: 'approved' })
    await done('deleteApp', '--email', 'ada@example.com', '--name', 'app')
    expect(await status('/greet?apikey=KEY1')).toBe(401)
    await done('deleteDeveloper', '--email', 'ada@example.com')
    await done('deleteProduct', '--productName', 'basic')
  })

  test('undeploy, delete, and the exit code of what is refused', async () => {
    expect((await done('undeploy', '-n', 'greet', '-e', 'test')).out).toMatch(/"greet" Revision \d+\s+undeployed/)
    expect(await status('/greet')).toBe(404)
    await done('delete', '-n', 'greet')
    expect((await done('listProxies')).out).not.toContain('greet')
    const { code, out } = await tool('listdeployments', '-e', 'nowhere')
    expect([code, out]).toEqual([6, expect.stringContaining('404')])
    const stranger = ['-L', postern.admin, '-u', 'eve', '-p', 'wrong', '-o', 'acme']
    const refused = await new Promise<number>((resolve) => {
      execFile(process.execPath, [CLI, 'listProxies', ...stranger], { cwd: folder }, (e) => resolve(Number(e?.code)))
    })
    expect(refused).toBe(6)
  })
})
