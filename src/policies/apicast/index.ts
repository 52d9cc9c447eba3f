import { BlockList, isIP } from 'node:net'
import { RE2JS } from 're2js'
import type { Exchange } from '../../engine/exchange.ts'
import { Fault, type FaultRow, reasonOf } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import { Reply, type Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import {
  APICAST_CORS,
  APICAST_HEADERS,
  APICAST_IP_CHECK,
  APICAST_MAINTENANCE_MODE,
  APICAST_TARGET,
  APICAST_UPSTREAM,
  APICAST_URL_REWRITING,
  type CorsConfig,
  type HeadersConfig,
  type IpCheckConfig,
  type MaintenanceModeConfig,
  type TargetConfig,
  type UpstreamConfig,
  type UrlRewritingConfig,
} from '../../model/apicast-policies.ts'
import { corsStep } from './cors.ts'
import { runCommands } from './named-commands.ts'

/** APIcast's own policies. No bundle can name them: their configurations come from a policy chain. */
function kindOf<Config>(
  element: string,
  compile: (config: Config, env: CompileEnv) => Step,
  faults: Readonly<Record<string, FaultRow>> = {},
): PolicyKind {
  return definePolicy<Config, Readonly<Record<string, FaultRow>>>({
    element,
    prefix: element,
    faults,
    parse(xml, problems) {
      problems.error('UnknownPolicy', xml.at, `${element} stands in policy chains of APIcast, not in bundles`)
      return {} as Config
    },
    compile,
  })
}

const headers = kindOf<HeadersConfig>(APICAST_HEADERS, ({ commands }) => (x) => {
  const message = x.message
  runCommands(commands, {
    has: (name) => message.headers.get(name.toLowerCase()) !== undefined,
    set: (name, value) => message.headers.set(name, value),
    add: (name, value) => message.headers.add(name, value),
    remove: (name) => message.headers.remove(name.toLowerCase()),
  })
  return undefined
})

const urlRewriting = kindOf<UrlRewritingConfig>(APICAST_URL_REWRITING, (config, env) => {
  const commands = config.commands.map((command) => ({
    ...command,
    pattern: compileRegex(command.regex, command.ignoreCase, env),
    // nginx and RE2 write groups alike, but for the braces.
    replace: command.replace.replace(/\$\{(\d+)\}/g, '$$$1'),
  }))
  return (x) => {
    let path = x.request.path
    for (const { op, pattern, replace, break: stops, methods } of commands) {
      if (pattern === null || (methods.length > 0 && !methods.includes(x.request.verb))) continue
      const matcher = pattern.matcher(path)
      const next = op === 'gsub' ? matcher.replaceAll(replace) : matcher.replaceFirst(replace)
      if (next === path) continue
      path = next
      if (stops) break
    }
    if (path !== x.request.path) {
      x.request.path = path
      x.pathSuffix = path
    }
    if (config.queryCommands.length > 0) {
      const { query } = x.request
      runCommands(config.queryCommands, {
        has: (name) => query.get(name) !== undefined,
        set: (name, value) => query.set(name, value),
        add: (name, value) => query.add(name, value),
        remove: (name) => query.remove(name),
      })
    }
    return undefined
  }
})

const upstream = kindOf<UpstreamConfig>(APICAST_UPSTREAM, ({ rules }, env) => {
  const compiled = rules.map(({ regex, url }) => ({
    pattern: compileRegex(regex, false, env),
    url: url.replace(/\/+$/, ''),
  }))
  return (x) => {
    for (const { pattern, url } of compiled) {
      if (pattern?.matcher(x.request.path).find() !== true) continue
      x.set(UPSTREAM_VARIABLE, url)
      return undefined
    }
    return undefined
  }
})

/** Where the policy "upstream" sends the call; read when it goes out. */
const UPSTREAM_VARIABLE = 'apicast.upstream'

const target = kindOf<TargetConfig>(APICAST_TARGET, ({ secretToken }) => (x) => {
  const { headers } = x.request
  headers.remove('x-3scale-debug')
  headers.set('X-Real-IP', x.client.address)
  if (secretToken !== '') headers.set('X-3scale-proxy-secret-token', secretToken)
  const url = x.get(UPSTREAM_VARIABLE)
  if (typeof url === 'string') {
    x.targetUrl = url + (x.pathSuffix.startsWith('/') ? x.pathSuffix : `/${x.pathSuffix}`)
  }
  return undefined
})

const maintenanceMode = kindOf<MaintenanceModeConfig>(
  APICAST_MAINTENANCE_MODE,
  ({ status, message, contentType }, env) => {
    const { code, text, by } = env.fault('Maintenance')
    return () => {
      const reason = reasonOf(status)
      const answer = Message.response(status, reason, ['Content-Type', contentType], message)
      return new Fault(code, status, text, by, answer, reason)
    }
  },
  { Maintenance: { status: 503, message: 'Service Unavailable - Maintenance', cause: 'The mode is switched on.' } },
)

const ipCheck = kindOf<IpCheckConfig>(
  APICAST_IP_CHECK,
  ({ allows, ips, message, sources }, env) => {
    const list = new BlockList()
    for (const ip of ips) {
      const [address, bits] = ip.split('/') as [string, string | undefined]
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (bits === undefined) list.addAddress(address, family)
      else list.addSubnet(address, Number(bits), family)
    }
    const { code, status, text, by } = env.fault('IpNotAllowed')
    return (x) => {
      const address = addressOf(x, sources)
      const listed = address !== null && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
      if (listed === allows) return undefined
      const answer = Message.response(status, reasonOf(status), ['Content-Type', 'text/plain; charset=utf-8'], message)
      return new Fault(code, status, text, by, answer)
    }
  },
  { IpNotAllowed: { status: 403, message: 'IP address not allowed', cause: 'The list says so.' } },
)

/** The first source that has an address. Null: none has. */
function addressOf(x: Exchange, sources: IpCheckConfig['sources']): string | null {
  for (const source of sources) {
    const text =
      source === 'last_caller'
        ? x.client.address.replace(/^::ffff:(?=\d+\.)/, '')
        : x.request.headers.get(source.toLowerCase())?.split(',')[0]?.trim()
    if (text !== undefined && isIP(text) !== 0) return text
  }
  return null
}

const cors = kindOf<CorsConfig>(APICAST_CORS, (config) => corsStep(config, () => new Reply(noContent())))

const noContent = (): Message => Message.response(204, 'No Content', [], null)

function compileRegex(regex: string, ignoreCase: boolean, env: CompileEnv): RE2JS | null {
  try {
    return RE2JS.compile(regex, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (error) {
    env.problem('InvalidRegex', env.policy.at, `${regex} is no regular expression: ${(error as Error).message}`)
    return null
  }
}

/** By the names that the reader of policy chains gives them. */
export const APICAST_KINDS: ReadonlyMap<string, PolicyKind> = new Map(
  [headers, urlRewriting, upstream, target, maintenanceMode, ipCheck, cors].map((kind) => [kind.element, kind]),
)
