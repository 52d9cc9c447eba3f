import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** nginx as a second opinion, where it is installed (Debian: nginx-light). */

export const hasNginx: boolean = spawnSync('nginx', ['-v']).status === 0

const START_TIMEOUT_MS = 10_000

export class Nginx {
  /** Unix socket that it listens on: no port to be found. */
  readonly path: string
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(folder: string) {
    this.path = join(folder, 'socket')
    this.#folder = folder
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    this.#child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', `daemon off; ${user}`], {
      stdio: 'ignore',
    })
  }

  /** @param http directives of the http block; @param server directives of its server, which listens on `path` */
  static async start(http: string, server: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-nginx-'))
    mkdirSync(join(folder, 'temp'))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`)
      .join(' ')
    writeFileSync(
      join(folder, 'nginx.conf'),
      `pid ${join(folder, 'pid')}; error_log ${join(folder, 'error')} warn; worker_processes 1;
events { worker_connections 512; }
http { access_log off; ${temporary} ${http}
  server { listen unix:${join(folder, 'socket')}; ${server} } }
`,
    )
    const nginx = new Nginx(folder)
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!(await accepts(nginx.path))) {
      if (performance.now() > deadline) throw new Error('nginx did not start')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return nginx
  }

  /** What it complained of so far. */
  get complaints(): string {
    return readFileSync(join(this.#folder, 'error'), 'utf8')
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exit
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
