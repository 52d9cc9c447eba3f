import type { Log } from '../core/log.ts'
import type { ApicastEnvironment } from '../dialects/apicast/index.ts'
import { type PortalAddress, type PortalService, pageUrl, servicesOfPage } from '../dialects/apicast/portal.ts'
import type { DeployedProxy } from '../model/deployment.ts'
import { type Problem, problemLine } from '../model/problem.ts'

const TIMEOUT_MS = 15_000
const PAGE_BYTES_MAX = 64 * 1024 * 1024
const PAGES_MAX = 100
/** With APICAST_CONFIGURATION_CACHE 0 APIcast asks for each request; here the newest configuration is at most so old. */
const RELOAD_MIN_MS = 1_000

export interface PortalOptions {
  readonly address: PortalAddress
  readonly env: ApicastEnvironment
  readonly log: Log
  /** All that is wrong with a service besides how it is written. */
  judge(deployed: DeployedProxy): readonly Problem[]
  /** Resolves when every gateway thread serves these, and no other services of the portal. */
  serve(proxies: readonly DeployedProxy[]): Promise<void>
}

interface Known {
  readonly text: string
  readonly proxy: DeployedProxy
}

/**
 * Services that a 3scale portal configures: loaded at start, and again every so often. A service whose new version cannot be served
 * keeps its last good one; while the portal is away all of them do.
 */
export class Portal {
  readonly #options: PortalOptions
  #known: ReadonlyMap<string, Known> = new Map()
  /** Versions that were refused, so that they are told once. */
  readonly #refused = new Map<string, string>()
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: PortalOptions) {
    this.#options = options
  }

  /** With loader boot the portal must answer; with lazy the gateway goes on without. */
  async start(): Promise<void> {
    const { address, log } = this.#options
    try {
      await this.load()
    } catch (error) {
      if (address.loader === 'boot') throw error
      log.warn(
        { portal: address.url, reason: (error as Error).message },
        'the portal cannot be asked; it will be tried again',
      )
    }
    this.#again()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** Loads what is configured now. Rejects when the portal does not say. */
  async load(): Promise<void> {
    const services = await this.#fetchAll()
    const next = new Map<string, Known>()
    for (const service of services) {
      const known = this.#usable(service)
      if (known !== null) next.set(service.id, known)
    }
    const isSame = next.size === this.#known.size && [...next].every(([id, one]) => this.#known.get(id) === one)
    if (isSame) return
    await this.#options.serve([...next.values()].map(({ proxy }) => proxy))
    this.#known = next
    this.#options.log.info({ services: next.size }, 'the configuration of the portal is served')
  }

  #usable(service: PortalService): Known | null {
    const before = this.#known.get(service.id) ?? null
    if (before?.text === service.text || this.#refused.get(service.id) === service.text) return before
    const { proxy, problems } = service.read()
    const all = proxy === null ? problems : [...problems, ...this.#options.judge(proxy)]
    const error = all.find(({ severity }) => severity === 'error')
    if (error === undefined && proxy !== null) {
      this.#refused.delete(service.id)
      return { text: service.text, proxy }
    }
    if (error === undefined) return null
    this.#refused.set(service.id, service.text)
    const what = before === null ? 'it is not served' : 'its last good version stays'
    this.#options.log.error(
      { service: service.id, problem: problemLine(error) },
      `the portal's configuration of a service is refused: ${what}`,
    )
    return before
  }

  #again(): void {
    const { address, log } = this.#options
    if (this.#closed || address.reloadSeconds < 0) return
    const pauseMs = Math.max(RELOAD_MIN_MS, address.reloadSeconds * 1000)
    this.#timer = setTimeout(() => {
      this.load()
        .catch((error: Error) => {
          log.warn({ portal: address.url, reason: error.message }, 'the portal cannot be asked; what was loaded stays')
        })
        .finally(() => this.#again())
    }, pauseMs).unref()
  }

  async #fetchAll(): Promise<PortalService[]> {
    const { address, env } = this.#options
    const all: PortalService[] = []
    for (let page = 1; page <= PAGES_MAX; page++) {
      const { services, isLast } = servicesOfPage(await this.#fetch(pageUrl(address, page)), address.url, env)
      all.push(...services)
      if (isLast) return all
    }
    throw new Error(`more than ${PAGES_MAX} pages of configurations`)
  }

  async #fetch(url: string): Promise<string> {
    const { token } = this.#options.address
    const headers: Record<string, string> = { accept: 'application/json' }
    if (token !== '') headers['authorization'] = `Basic ${Buffer.from(`${token}:`).toString('base64')}`
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: Error) => {
      throw new Error(`no answer: ${(error.cause as Error | undefined)?.message ?? error.message}`)
    })
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > PAGE_BYTES_MAX) throw new Error(`its answer is larger than ${PAGE_BYTES_MAX} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}
