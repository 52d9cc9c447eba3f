import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterEach, describe, expect, test } from 'vitest'
import type { PolicyReaders } from '../dialects/apigee/index.ts'
import { type CompileProblems, check } from './check.ts'
import { loadPaths } from './load-paths.ts'

const kinds: PolicyReaders = new Map([['AssignMessage', { parse: () => ({}) }]])
const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = mkdtempSync(join(tmpdir(), 'postern-'))
  made.push(root)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

const proxyXml = (basePath: string, step = ''): string => `<ProxyEndpoint name="default">
  <PreFlow><Request>${step}</Request></PreFlow>
  <HTTPProxyConnection><BasePath>${basePath}</BasePath></HTTPProxyConnection>
  <RouteRule name="none"/>
</ProxyEndpoint>
`

function bundle(name: string, basePath: string, step = ''): Record<string, string> {
  return {
    [`${name}/apiproxy/${name}.xml`]: `<APIProxy name="${name}"/>`,
    [`${name}/apiproxy/proxies/default.xml`]: proxyXml(basePath, step),
  }
}

/** Runs `check` and gives what it printed with the folder's own path left out. */
function run(root: string, paths: readonly string[], compileProblems: CompileProblems = () => []) {
  const lines: string[] = []
  const code = check(
    paths.map((path) => join(root, path)),
    { kinds, compileProblems, env: {}, print: (line) => lines.push(line.replaceAll(`${root}/`, '')) },
  )
  return { code, lines }
}

describe('what is printed', () => {
  test('a good bundle', () => {
    const root = folder({
      ...bundle('weather', '/weather', '<Step><Name>AM-1</Name></Step>'),
      'weather/apiproxy/policies/AM-1.xml': '<AssignMessage name="AM-1"/>',
    })
    expect(run(root, ['weather'])).toEqual({ code: 0, lines: ['ok: weather (revision 1, 1 policy)'] })
  })

  test('one error does not hide what the configuration file says from the rest', () => {
    const root = folder({
      ...bundle('good', '/good'),
      ...bundle('bad', '/bad', '<Step><Name>None</Name></Step>'),
      'postern.yaml':
        'version: 1\napis: [{bundle: ./good}, {bundle: ./bad}]\ntargetServers: [{name: up, host: a.test, port: 80}]\n',
    })
    const seen: string[] = []
    const { code } = run(root, ['postern.yaml'], (deployed, { entities }) => {
      seen.push(`${deployed.proxy.name}: ${entities.targetServers.map(({ name }) => name)}`)
      return []
    })
    expect(code).toBe(1)
    expect(seen).toContain('good: up')
  })

  test('warnings alone are no errors', () => {
    const root = folder({ ...bundle('a', '/a'), 'a/apiproxy/policies/AM-1.xml': '<AssignMessage name="AM-1"/>' })
    expect(run(root, ['a'])).toEqual({
      code: 0,
      lines: [
        'a/apiproxy/policies/AM-1.xml:1:1: warning: UnusedPolicy: no step uses policy AM-1',
        'ok: a (revision 1, 1 policy)',
        '1 warning',
      ],
    })
  })

  test('errors of readers and compiler together, sorted, each once', () => {
    const root = folder(bundle('a', 'a', '<Step><Name>AM-1</Name></Step>'))
    const file = 'apiproxy/proxies/default.xml'
    const { code, lines } = run(root, ['a', 'a/apiproxy'], ({ proxy }) => {
      expect(proxy.proxyEndpoints[0]?.preFlow?.request).toHaveLength(1)
      const problem = { severity: 'error', code: 'BadCondition', message: 'two\nlines' } as const
      return [9, 1, 9].map((line) => ({ ...problem, at: { file, line, column: 1 } }))
    })
    expect(code).toBe(1)
    expect(lines).toEqual([
      `a/${file}:1:1: error: BadCondition: two lines`,
      `a/${file}:2:33: error: UnknownStep: no policy of this bundle is called AM-1`,
      `a/${file}:3:34: error: InvalidBasePath: base path "a": it must begin with a slash`,
      `a/${file}:9:1: error: BadCondition: two lines`,
      '4 errors',
    ])
  })

  test('a bounded number of lines', () => {
    const root = folder({ ...bundle('a', '/a', '<Step/>'.repeat(1_500)) })
    const { lines } = run(root, ['a'])
    expect(lines.slice(-2)).toEqual(['... and 500 more', '1500 errors'])
  })
})

describe('what a PATH may be', () => {
  const root = (): string =>
    folder({
      ...bundle('a', '/a'),
      ...bundle('b', '/a/'),
      'zip/c.zip': zipSync({ apiproxy: { proxies: { 'default.xml': Buffer.from(proxyXml('/c')) } } }),
      'zip/broken.zip': 'PK',
      'postern.yaml':
        'version: 1\norganization: acme\napis:\n  - bundle: ./a\n  - {name: e, basePath: /e, target: "http://e.example"}\n',
      'second.yml': 'version: 1\n',
      'other.json': '{"a": 1}',
      'proxy.xml': '<ProxyEndpoint/>',
      binary: new Uint8Array([1, 0, 2]),
      'notes.txt': 'version: 1',
      'empty/.keep': '',
    })

  test('folder, zip, and the one configuration file, whose words hold for the bundles it names', () => {
    const place = root()
    const paths = ['a', 'zip/c.zip', 'postern.yaml', 'a/apiproxy', 'postern.yaml'].map((path) => join(place, path))
    const { config, problems } = loadPaths(paths, kinds, {})
    expect(problems).toEqual([])
    expect(config?.settings.organization).toBe('acme')
    expect(config?.proxies.map(({ proxy }) => proxy.name)).toEqual(['a', 'e', 'c'])
  })

  test.each([
    ['yes', 1],
    ['1', 0],
    ['false', 0],
    ['', 0],
  ])('APICAST_RESPONSE_CODES=%s: %i warning', (value, count) => {
    const { config, problems } = loadPaths([join(root(), 'b')], kinds, { APICAST_RESPONSE_CODES: value })
    expect(problems.map(({ severity, code }) => [severity, code])).toEqual(Array(count).fill(['warning', 'BadValue']))
    expect(config).not.toBeNull()
  })

  test.each([
    ['no', 'no:1:1: error: NotFound: there is no such file or folder'],
    ['notes.txt/no', 'notes.txt/no:1:1: error: NotFound: there is no such file or folder'],
    ['other.json', 'other.json:1:1: error: MissingKey: services is missing: this is no APIcast configuration'],
    ['proxy.xml', 'proxy.xml:1:1: error: NotSupported: a single XML file; name the folder'],
    ['binary', 'binary:1:1: error: NotSupported: a binary file that is no zip'],
    ['notes.txt', 'notes.txt:1:1: error: NotSupported: neither a zip nor a .yaml file'],
    ['zip/broken.zip', 'zip/broken.zip:1:1: error: BadZip: not a zip archive, or one that was cut off'],
    ['empty', 'empty:1:1: error: InvalidBundle: Bundle is invalid. Unable to read/find APIProxy contents'],
  ])('%s is refused by name', (path, line) => {
    const { code, lines } = run(root(), [path])
    expect(code).toBe(1)
    expect(lines[0]).toContain(line)
    expect(lines).toHaveLength(2)
  })

  test('two configuration files, and a base path that two proxies have', () => {
    expect(run(root(), ['postern.yaml', 'second.yml', 'b'])).toEqual({
      code: 1,
      lines: [
        'b/apiproxy/proxies/default.xml:1:1: error: ConflictingBasePaths: base path /a/ is that of proxy a too; every endpoint needs its own',
        'second.yml:1:1: error: SecondConfig: postern.yaml is the configuration file already; name one',
        '2 errors',
      ],
    })
  })

  test('a configuration file beside a bundle is pointed out unless it is read', () => {
    const place = folder({ ...bundle('a', '/a'), 'a/postern.yaml': 'version: 1\n' })
    expect(run(place, ['a']).lines[0]).toBe(
      'a/postern.yaml:1:1: warning: ConfigNotRead: a configuration file beside a bundle is not read; name it as a PATH',
    )
    expect(run(place, ['a', 'a/postern.yaml'])).toEqual({ code: 0, lines: ['ok: a (revision 1, 0 policies)'] })
  })

  test('two proxies of one name', () => {
    const place = folder({
      ...bundle('a', '/a'),
      'other/apiproxy/proxies/default.xml': proxyXml('/b'),
      'other/apiproxy/a.xml': '<APIProxy name="a"/>',
    })
    expect(run(place, ['a', 'other']).lines[0]).toBe(
      'other:1:1: error: DuplicateName: a proxy called a is loaded already; names must differ',
    )
  })

  test('a bundle that a configuration file names wrongly is shown in that file; one with errors, in its own', () => {
    const place = folder({
      ...bundle('a', 'a'),
      'postern.yaml': 'version: 1\napis:\n  - bundle: ./a\n  - bundle: ./no\n',
    })
    expect(run(place, ['postern.yaml']).lines).toEqual([
      'a/apiproxy/proxies/default.xml:3:34: error: InvalidBasePath: base path "a": it must begin with a slash',
      'postern.yaml:4:13: error: Unreadable: no: there is no such file or folder',
      '2 errors',
    ])
  })

  test.skipIf(process.getuid?.() === 0)('a file that may not be read', () => {
    const place = folder({ 'postern.yaml': 'version: 1\n' })
    chmodSync(join(place, 'postern.yaml'), 0)
    expect(run(place, ['postern.yaml']).lines[0]).toContain('Unreadable: no permission to read it')
  })
})
