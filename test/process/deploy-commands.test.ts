import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern, runPostern, writeFiles } from '../kit/postern.ts'

// `postern deploy` and its kin against a gateway that runs.

const folder = mkdtempSync(join(tmpdir(), 'postern-deploy-'))
let postern: Postern

beforeAll(async () => {
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: prod\napis: []\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { data: join(folder, 'data'), workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  rmSync(folder, { recursive: true, force: true })
})

const bundle = (text: string): string => {
  const path = join(folder, 'bundle')
  writeFiles(path, {
    'apiproxy/greet.xml': '<APIProxy name="greet"/>',
    'apiproxy/policies/Say.xml': `<AssignMessage name="Say"><Set><Payload contentType="text/plain">${text}</Payload></Set></AssignMessage>`,
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>Say</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/greet</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  })
  return path
}
const run = (...args: string[]) =>
  runPostern([args[0]!, '--admin', postern.admin, '--data', join(folder, 'data'), ...args.slice(1)])
const said = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...args)
  return code === 0 ? stdout : `${code} ${stderr}`
}
const text = async (): Promise<string> => (await call(`${postern.gateway}/greet`)).text

test('deployed, listed, replaced, rolled back, exported, undeployed', async () => {
  expect(await said('ls')).toBe('nothing is deployed\n')
  expect(await said('deploy', bundle('one'))).toBe('deployed: greet revision 1\n')
  expect(await said('deploy', bundle('two'))).toBe('deployed: greet revision 2\n')
  expect(await text()).toBe('two')
  expect(await said('rollback', 'greet')).toBe('deployed: greet revision 1 (was 2)\n')
  expect([await text(), await said('ls')]).toEqual(['one', 'prod  greet  revision 1  /greet\n'])
  // What was only imported was never served.
  const three = await said('export', 'greet', '--revision', '2', '--out', join(folder, 'two.zip'))
  expect(three).toContain('exported')
  await fetch(`${postern.admin}/v1/o/acme/apis?action=import&name=greet`, {
    method: 'POST',
    headers: { authorization: `Bearer ${postern.token}`, 'content-type': 'application/zip' },
    body: readFileSync(join(folder, 'two.zip')) as Uint8Array<ArrayBuffer>,
  })
  expect(await said('deploy', bundle('four'))).toBe('deployed: greet revision 4\n')
  expect(await said('rollback', 'greet')).toBe('deployed: greet revision 1 (was 4)\n')
  const history = (await said('history', 'greet')).split('\n').map((line) => line.replace(/^\S+Z {2}/, ''))
  expect(history.slice(0, 3)).toEqual(['revision 1  deployed', 'revision 4  deployed', 'revision 1  deployed'])
  const zip = join(folder, 'out.zip')
  expect(await said('export', 'greet', '--revision', '2', '--out', zip)).toContain('exported: greet revision 2')
  expect(readFileSync(zip).subarray(0, 2).toString()).toBe('PK')
  expect(await said('export', 'greet', '--out', zip)).toBe(`1 cannot write ${zip}: is there already\n`)
  expect(await said('undeploy', 'greet')).toBe('undeployed: greet revision 1\n')
  expect(await said('undeploy', 'greet')).toBe('1 greet is not deployed\n')
  expect(await said('deploy', zip, '--name', 'other')).toBe('deployed: other revision 1\n')
  expect(await text()).toBe('two')
}, 180_000)

test('shared flows, and environments beside the own one', async () => {
  const flow = join(folder, 'flow')
  writeFiles(flow, {
    'sharedflowbundle/mark.xml': '<SharedFlowBundle name="mark"/>',
    'sharedflowbundle/sharedflows/default.xml': '<SharedFlow name="default"/>',
  })
  expect(await said('deploy', flow)).toBe('deployed: mark revision 1\n')
  expect(await said('deploy', flow)).toBe('deployed: mark revision 2\n')
  await fetch(`${postern.admin}/v1/o/acme/environments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'stage' }),
  })
  const staged = bundle('staged')
  writeFileSync(
    join(staged, 'apiproxy/proxies/default.xml'),
    readFileSync(join(staged, 'apiproxy/proxies/default.xml'), 'utf8').replace('/greet<', '/staged<'),
  )
  expect(await said('deploy', staged, '--name', 'staged', '--environment', 'stage')).toBe(
    'deployed: staged revision 1\n',
  )
  expect((await said('ls')).split('\n')).toEqual([
    'prod  other  revision 1  /greet',
    'prod  mark  revision 2  shared flow',
    'stage  staged  revision 1  /staged',
    '',
  ])
  expect(await said('ls', '--environment', 'stage')).toBe('stage  staged  revision 1  /staged\n')
  expect(await said('undeploy', 'staged')).toBe('1 staged is not deployed\n')
  expect(await said('undeploy', 'staged', '--environment', 'nowhere')).toContain('Environment nowhere does not exist')
  expect(await said('rollback', 'staged', '--environment', 'stage')).toBe(
    '1 staged served nothing but revision 1 here\n',
  )
  expect(await said('undeploy', 'staged', '--environment', 'stage')).toBe('undeployed: staged revision 1\n')
  expect(await said('history', 'staged', '--environment', 'stage')).toMatch(/revision 1 {2}undeployed\n.*deployed\n$/)
  expect(await said('rollback', 'mark')).toBe('deployed: mark revision 1 (was 2)\n')
  expect(await said('export', 'mark', '--out', join(folder, 'mark.zip'))).toContain('exported: mark revision 1')
  expect(await said('undeploy', 'mark')).toBe('undeployed: mark revision 1\n')
}, 180_000)

test('what goes wrong is one line that says what to do, or the errors of the bundle; nothing is changed', async () => {
  expect(await said('deploy', join(folder, 'none'))).toBe(`1 ${join(folder, 'none')} is not there\n`)
  const broken = bundle('x')
  writeFileSync(join(broken, 'apiproxy/policies/Say.xml'), '<ServiceCallout name="Say"/>')
  expect(await said('deploy', broken)).toContain('error: ConnectionInfoMissing')
  expect(await text()).toBe('two')
  const closed = await runPostern(['ls', '--admin', 'http://127.0.0.1:1', '--data', join(folder, 'data')])
  expect(closed.stderr).toMatch(
    /^no gateway answers at http:\/\/127.0.0.1:1 \(.+\); start one, or name it with --admin\n$/,
  )
  const nowhere = await runPostern(['ls', '--admin', postern.admin, '--data', join(folder, 'nowhere')])
  expect(nowhere.stderr).toContain("name the gateway's data folder with --data")
  expect((await runPostern(['ls', '--admin', postern.admin, '--token', 'wrong-token-of-somebody'])).code).toBe(1)
  expect(await said('ls', '--environment', 'nowhere')).toMatch(
    /^1 Environment nowhere does not exist in organization acme; there are: prod/,
  )
  expect(existsSync(join(folder, 'nowhere'))).toBe(false)
}, 120_000)
