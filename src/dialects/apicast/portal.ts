import type { DeployedProxy } from '../../model/deployment.ts'
import { type Problem, Problems } from '../../model/problem.ts'
import { type ApicastEnvironment, readServices } from './index.ts'
import { JsonReader } from './json-reader.ts'

/** Where configurations come from (THREESCALE_PORTAL_ENDPOINT). */
export interface PortalAddress {
  /** scheme://host[:port][/path], without a slash at its end. */
  readonly url: string
  readonly token: string
  /** With a path of its own, the portal is a server of files: `{url}/{environment}.json`. */
  readonly isPlain: boolean
  /** `production` or `staging`; the portal's word for the latter is sandbox. */
  readonly environment: string
  /** `boot`: there must be a configuration at start. */
  readonly loader: 'boot' | 'lazy'
  /** Seconds between two loads; negative: never again. */
  readonly reloadSeconds: number
}

const RELOAD_PRODUCTION_SECONDS = 300

/** What APIcast's variables say; null: no portal is named, or a file is, which wins. Throws Error with one line. */
export function portalOf(env: ApicastEnvironment): PortalAddress | null {
  const endpoint = env['THREESCALE_PORTAL_ENDPOINT'] ?? ''
  if (endpoint === '' || (env['THREESCALE_CONFIG_FILE'] ?? '') !== '') return null
  const match = /^(https?:\/\/)(?:([^@/]*)@)?([^\s/?#@]+)(\/[^\s?#]*)?$/i.exec(endpoint)
  if (match === null) {
    throw new Error(
      'THREESCALE_PORTAL_ENDPOINT must be scheme://TOKEN@host[/path], as in https://TOKEN@acme-admin.3scale.net',
    )
  }
  const environment = env['THREESCALE_DEPLOYMENT_ENV'] ?? 'production'
  const loader = env['APICAST_CONFIGURATION_LOADER'] ?? 'lazy'
  if (loader !== 'boot' && loader !== 'lazy') throw new Error('APICAST_CONFIGURATION_LOADER must be boot or lazy')
  const cache = env['APICAST_CONFIGURATION_CACHE'] ?? ''
  const otherwise = environment === 'production' ? RELOAD_PRODUCTION_SECONDS : 0
  if (cache !== '' && !/^-?\d{1,9}$/.test(cache)) {
    throw new Error('APICAST_CONFIGURATION_CACHE must be a whole number of seconds')
  }
  const path = (match[4] ?? '').replace(/\/+$/, '')
  return {
    url: match[1]! + match[3]! + path,
    token: decodeURIComponent((match[2] ?? '').replace(/:$/, '')),
    isPlain: path !== '',
    environment: environment === 'staging' && path === '' ? 'sandbox' : environment,
    loader,
    reloadSeconds: cache === '' ? otherwise : Number(cache),
  }
}

const PER_PAGE = 500

/** The page of configurations to ask for, from 1. A page that is not full is the last. */
export function pageUrl({ url, isPlain, environment }: PortalAddress, page: number): string {
  if (isPlain) return `${url}/${environment}.json`
  return `${url}/admin/api/account/proxy_configs/${environment}.json?version=latest&page=${page}&per_page=${PER_PAGE}`
}

/** One service as a portal has it: read, or what is wrong with it. */
export interface PortalService {
  readonly id: string
  /** Tells whether it is another one than before. */
  readonly text: string
  readonly read: () => { readonly proxy: DeployedProxy | null; readonly problems: readonly Problem[] }
}

/** The services of one page. Throws Error when it is no page of configurations. */
export function servicesOfPage(
  text: string,
  from: string,
  env: ApicastEnvironment,
): { services: PortalService[]; isLast: boolean } {
  const page = JSON.parse(text) as { proxy_configs?: unknown; services?: unknown }
  const contents = contentsOf(page)
  if (contents === null) throw new Error('the answer has neither proxy_configs nor services')
  const services = contents.map((content): PortalService => {
    const id = String((content as { id?: unknown } | null)?.id ?? '')
    return {
      id,
      text: JSON.stringify(content),
      read: () => {
        const problems = new Problems()
        const json = new JsonReader({ file: from, line: 1, column: 1 }, problems)
        const [proxy] = readServices([content], 'services', json, env)
        return { proxy: problems.hasErrors ? null : (proxy ?? null), problems: problems.list }
      },
    }
  })
  return { services, isLast: contents.length < PER_PAGE || page.proxy_configs === undefined }
}

/** `{"proxy_configs": [{"proxy_config": {"content": SERVICE}}]}`, or a configuration file. */
function contentsOf(page: { proxy_configs?: unknown; services?: unknown }): unknown[] | null {
  if (Array.isArray(page.services)) return page.services
  if (!Array.isArray(page.proxy_configs)) return null
  return page.proxy_configs.map(
    (one) => (one as { proxy_config?: { content?: unknown } } | null)?.proxy_config?.content ?? null,
  )
}
