import { isIP } from 'node:net'
import {
  APICAST_CORS,
  APICAST_HEADERS,
  APICAST_IP_CHECK,
  APICAST_MAINTENANCE_MODE,
  APICAST_UPSTREAM,
  APICAST_URL_REWRITING,
  type CorsConfig,
  type HeadersConfig,
  type IpCheckConfig,
  type MaintenanceModeConfig,
  type NamedCommand,
  type UpstreamConfig,
  type UrlRewritingConfig,
} from '../../model/apicast-policies.ts'
import { AUTH_REP, type AuthRepConfig, CACHING_MODES, type CachingMode } from '../../model/auth-rep.ts'
import { didYouMean } from '../../model/nearest.ts'
import { type JsonReader, shown } from './json-reader.ts'

/** One policy that runs, in the words of the engine. */
export interface ChainStep {
  readonly kind: string
  readonly side: 'request' | 'response'
  readonly config: unknown
}

/** What the entries of a chain come to. */
export interface Chain {
  readonly steps: ChainStep[]
  caching: CachingMode
  batch: AuthRepConfig['access']['batch']
  defaults: AuthRepConfig['defaults']
  rateLimitHeaders: boolean
  sendsReferrer: boolean
  retries: number
}

type Fields = Readonly<Record<string, unknown>>
type Entry = (chain: Chain, fields: Fields, path: string, json: JsonReader) => void

/** The step that asks the back end; its configuration is made when the whole chain is known. */
export const AUTHORIZE: ChainStep = { kind: AUTH_REP, side: 'request', config: null }

const authorizeOnce: Entry = (chain) => {
  if (!chain.steps.includes(AUTHORIZE)) chain.steps.push(AUTHORIZE)
}

/** The policies of APIcast that this gateway knows, by name. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  apicast: authorizeOnce,
  caching(chain, fields, path, json) {
    chain.caching = json.choice(fields['caching_type'], `${path}.caching_type`, CACHING_MODES, chain.caching)
  },
  '3scale_batcher'(chain, fields, path, json) {
    chain.batch = {
      authsTtlSeconds: json.number(fields['auths_ttl'], `${path}.auths_ttl`, 10, 1, 86_400),
      reportSeconds: json.number(fields['batch_report_seconds'], `${path}.batch_report_seconds`, 10, 1, 86_400),
    }
    authorizeOnce(chain, fields, path, json)
  },
  default_credentials(chain, fields, path, json) {
    const type = json.choice(fields['auth_type'], `${path}.auth_type`, ['user_key', 'app_id_and_app_key'], 'user_key')
    const text = (name: string): string => json.text(fields[name], `${path}.${name}`, '')
    chain.defaults =
      type === 'user_key' ? { userKey: text('user_key') } : { appId: text('app_id'), appKey: text('app_key') }
  },
  rate_limit_headers(chain) {
    chain.rateLimitHeaders = true
  },
  '3scale_referrer'(chain) {
    chain.sendsReferrer = true
  },
  retry(chain, fields, path, json) {
    chain.retries = json.number(fields['retries'], `${path}.retries`, 0, 0, 10)
  },
  headers(chain, fields, path, json) {
    for (const side of ['request', 'response'] as const) {
      const commands = commandsOf(fields[side], `${path}.${side}`, 'header', json)
      const config: HeadersConfig = { commands }
      if (commands.length > 0) chain.steps.push({ kind: APICAST_HEADERS, side, config })
    }
  },
  url_rewriting(chain, fields, path, json) {
    const config: UrlRewritingConfig = {
      commands: json.list(fields['commands'], `${path}.commands`).flatMap((raw, i) => {
        const place = `${path}.commands.${i}`
        const command = json.object(raw, place)
        if (command === undefined) return []
        return [
          {
            op: json.choice(command['op'], `${place}.op`, ['sub', 'gsub'], 'sub'),
            regex: regexOf(command['regex'], `${place}.regex`, json),
            replace: json.text(command['replace'], `${place}.replace`, ''),
            ignoreCase: json.text(command['options'], `${place}.options`, '').includes('i'),
            break: json.flag(command['break'], `${place}.break`, false),
            methods: textsOf(command['methods'], `${place}.methods`, json),
          },
        ]
      }),
      queryCommands: commandsOf(fields['query_args_commands'], `${path}.query_args_commands`, 'arg', json),
    }
    chain.steps.push({ kind: APICAST_URL_REWRITING, side: 'request', config })
  },
  upstream(chain, fields, path, json) {
    const config: UpstreamConfig = {
      rules: json.list(fields['rules'], `${path}.rules`).flatMap((raw, i) => {
        const place = `${path}.rules.${i}`
        const rule = json.object(raw, place)
        if (rule === undefined) return []
        if (rule['replace_path'] !== undefined) {
          json.error('NotSupported', `${place}.replace_path`, 'is not supported; write the path into the url')
        }
        const url = json.text(rule['url'], `${place}.url`, '')
        if (!HTTP_URL.test(url)) json.error('BadValue', `${place}.url`, 'must be an http or https URL')
        return [{ regex: regexOf(rule['regex'], `${place}.regex`, json), url }]
      }),
    }
    chain.steps.push({ kind: APICAST_UPSTREAM, side: 'request', config })
  },
  cors(chain, fields, path, json) {
    const list = (name: string): readonly string[] | null =>
      fields[name] === undefined ? null : headerValuesOf(fields[name], `${path}.${name}`, json)
    const maxAge = json.number(fields['max_age'], `${path}.max_age`, -1, 0, 2_147_483_647)
    const origin = json.headerValue(fields['allow_origin'], `${path}.allow_origin`, '')
    const config: CorsConfig = {
      allowHeaders: list('allow_headers'),
      allowMethods: list('allow_methods'),
      allowOrigin: origin === '' ? null : origin,
      allowCredentials: json.flag(fields['allow_credentials'], `${path}.allow_credentials`, true),
      maxAge: maxAge < 0 ? null : maxAge,
    }
    chain.steps.push({ kind: APICAST_CORS, side: 'request', config })
  },
  ip_check(chain, fields, path, json) {
    const ips = textsOf(fields['ips'], `${path}.ips`, json)
    for (const ip of ips.filter((one) => !isNetwork(one))) {
      json.error('BadValue', `${path}.ips`, `has ${shown(ip)}, which is no address and no network, as in 10.0.0.0/8`)
    }
    const type = json.choice(fields['check_type'], `${path}.check_type`, ['whitelist', 'blacklist'], 'whitelist')
    const sources = textsOf(fields['client_ip_sources'], `${path}.client_ip_sources`, json)
    for (const source of sources) {
      if (!(IP_SOURCES as readonly string[]).includes(source)) {
        json.error('NotSupported', `${path}.client_ip_sources`, `has ${source}; it takes ${IP_SOURCES.join(', ')}`)
      }
    }
    const config: IpCheckConfig = {
      allows: type === 'whitelist',
      ips: ips.filter(isNetwork),
      message: json.text(fields['error_msg'], `${path}.error_msg`, 'IP address not allowed'),
      sources: sources.length === 0 ? ['last_caller'] : (sources as IpCheckConfig['sources']),
    }
    chain.steps.push({ kind: APICAST_IP_CHECK, side: 'request', config })
  },
  maintenance_mode(chain, fields, path, json) {
    if (fields['condition'] !== undefined) {
      json.error('NotSupported', `${path}.condition`, 'is not supported; without it the mode holds for every call')
    }
    const config: MaintenanceModeConfig = {
      status: json.number(fields['status'], `${path}.status`, 503, 200, 599),
      message: json.text(fields['message'], `${path}.message`, 'Service Unavailable - Maintenance'),
      contentType: json.headerValue(
        fields['message_content_type'],
        `${path}.message_content_type`,
        'text/plain; charset=utf-8',
      ),
    }
    chain.steps.push({ kind: APICAST_MAINTENANCE_MODE, side: 'request', config })
  },
}

const HTTP_URL = /^https?:\/\/[^\s/?#@]+/i
const IP_SOURCES = ['X-Forwarded-For', 'X-Real-IP', 'last_caller'] as const

/** Names of the policies that a chain may have, for the reference. */
export const CHAIN_POLICIES: readonly string[] = Object.keys(ENTRIES)

/** Reads a policy chain. A policy that this gateway does not know is an error: leaving it out would change what the API does. */
export function readChain(raw: unknown, caching: CachingMode, path: string, json: JsonReader): Chain {
  const chain: Chain = {
    steps: [],
    caching,
    batch: null,
    defaults: {},
    rateLimitHeaders: false,
    sendsReferrer: false,
    retries: 0,
  }
  const entries = raw === undefined || raw === null ? [{ name: 'apicast' }] : json.list(raw, path)
  for (const [i, one] of entries.entries()) {
    const place = `${path}.${i}`
    const entry = json.object(one, place)
    if (entry === undefined) continue
    if (entry['enabled'] === false) continue
    const name = json.text(entry['name'], `${place}.name`, '')
    const read = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined
    if (read === undefined) {
      const known = `remove it, or do the same with one of ${CHAIN_POLICIES.join(', ')}`
      json.error(
        'NotSupported',
        place,
        `is the policy ${name}, which is not supported${didYouMean(name, [...CHAIN_POLICIES])}; ${known}`,
      )
      continue
    }
    const { configuration } = entry
    const fields =
      configuration === undefined || configuration === null ? {} : json.object(configuration, `${place}.configuration`)
    read(chain, fields ?? {}, `${place}.configuration`, json)
  }
  return chain
}

function commandsOf(raw: unknown, path: string, nameField: 'header' | 'arg', json: JsonReader): NamedCommand[] {
  return json.list(raw, path).flatMap((one, i): NamedCommand[] => {
    const place = `${path}.${i}`
    const command = json.object(one, place)
    if (command === undefined) return []
    if (command['value_type'] === 'liquid') {
      json.error('NotSupported', `${place}.value_type`, 'liquid is not supported; write a plain value')
    }
    const name = json.text(command[nameField], `${place}.${nameField}`, '')
    const { value } = command
    const isName = nameField === 'arg' ? name !== '' : /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
    if (!isName) json.error('BadValue', `${place}.${nameField}`, `is no name of a ${nameField}`)
    return [
      {
        op: json.choice(command['op'], `${place}.op`, ['add', 'set', 'push', 'delete'], 'set'),
        name,
        value:
          nameField === 'arg' ? json.text(value, `${place}.value`, '') : json.headerValue(value, `${place}.value`, ''),
      },
    ]
  })
}

function textsOf(raw: unknown, path: string, json: JsonReader): string[] {
  return json.list(raw, path).map((one, i) => json.text(one, `${path}.${i}`, ''))
}

function headerValuesOf(raw: unknown, path: string, json: JsonReader): string[] {
  return json.list(raw, path).map((one, i) => json.headerValue(one, `${path}.${i}`, ''))
}

/** What RE2 and PCRE both know; the engine compiles it, and finds the rest. */
function regexOf(raw: unknown, path: string, json: JsonReader): string {
  const regex = json.text(raw, path, '')
  if (regex === '') json.error('MissingKey', path, 'is missing: a regular expression')
  if (/\(\?[=!<]|\\[1-9]|[*+?}]\+/.test(regex)) {
    json.error(
      'NotSupported',
      path,
      'looks around, refers back or is possessive; write it without, since expressions run in linear time',
    )
  }
  return regex
}

function isNetwork(text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  const version = isIP(address ?? '')
  // An address with a zone (fe80::1%eth0) is one of this machine alone.
  if (version === 0 || text.includes('%') || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
