// Who stands beside whom in the wire benchmark, and how each is started. Every one passes path X to 127.0.0.1:9700/X.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const home = fileURLToPath(new URL('../..', import.meta.url))

export const UPSTREAM_PORT = 9700

export interface Row {
  readonly name: string
  readonly port: number
  readonly command: readonly string[]
  /** Folder of a peer whose package is installed on first use. */
  readonly package?: string
}

/** Where nginx and the others put what they write. Nothing in it is worth keeping. */
export function prepareRunFolder(): string {
  const folder = join(home, '.run')
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['logs', 'temp', 'www']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'www', '100k'), '0123456789abcdef'.repeat(6400))
  // `load_module` takes paths relative to the prefix; where the modules are differs between distributions.
  const modules = /--modules-path=(\S+)/.exec(String(spawnSync('nginx', ['-V']).stderr))?.[1]
  if (modules !== undefined) symlinkSync(modules, join(folder, 'modules'))
  return folder
}

/** Without `user root` a master started by root drops its workers to an account that may not read the run folder. */
export function nginx(conf: string, runFolder: string): string[] {
  const directives = process.getuid?.() === 0 ? 'daemon off; user root;' : 'daemon off;'
  return ['nginx', '-p', `${runFolder}/`, '-c', join(here, 'conf', conf), '-g', directives]
}

export function rowsOf(runFolder: string): Row[] {
  const peer = (name: string, port: number): Row => ({
    name,
    port,
    command: ['env', `PORT=${port}`, process.execPath, join(here, 'peers', name, 'server.mjs')],
    package: join(here, 'peers', name),
  })
  return [
    { name: 'nginx', port: 9701, command: nginx('nginx-proxy.conf', runFolder) },
    { name: 'nginx-lua', port: 9702, command: nginx('nginx-lua.conf', runFolder) },
    { name: 'floor', port: 8081, command: [process.execPath, join(home, 'bench/floor.ts'), '8081', '9700'] },
    {
      name: 'postern',
      port: 8080,
      command: [
        process.execPath,
        join(home, 'bin/postern'),
        'start',
        ...['--config', join(home, 'bench/gateway.yaml'), '--workers', '1', '--port', '8080', '--admin-port', '0'],
        ...['--backend-port', '0', '--log-level', 'warn', '--data', join(runFolder, 'data')],
      ],
    },
    peer('fast-gateway', 9703),
    peer('http-proxy', 9704),
    peer('microgateway-core', 9705),
    peer('express-gateway', 9706),
  ]
}

const INSTALL_TIMEOUT_MS = 5 * 60_000

/** The row can be measured; else why not. Installs the pinned package of a peer when `mayInstall`. */
export function unavailable(row: Row, mayInstall: boolean): string | null {
  const [program] = row.command
  if (program === 'nginx' && spawnSync('nginx', ['-v']).status !== 0) return 'nginx is not installed'
  if (row.package === undefined || hasPackage(row.package)) return null
  if (!mayInstall) return 'not installed; --peers installs it'
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  const npm = spawnSync('npm', args, { cwd: row.package, encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS })
  return hasPackage(row.package) ? null : `npm install failed: ${npm.stderr.split('\n')[0]}`
}

function hasPackage(folder: string): boolean {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return Object.keys(dependencies).every((name) => existsSync(join(folder, 'node_modules', name, 'package.json')))
}
