import { BlockList, isIP } from 'node:net'
import { booleanOf, COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { sourceTextOf } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'

/**
 * Lets callers in, or keeps them out, by their address.
 *
 *     <AccessControl name="AC-Office">
 *       <IPRules noRuleMatchAction="DENY">
 *         <MatchRule action="ALLOW">
 *           <SourceAddress mask="24">198.51.100.0</SourceAddress>
 *         </MatchRule>
 *       </IPRules>
 *     </AccessControl>
 *
 * Source: Apigee's reference of the AccessControl policy.
 */
export interface Config {
  readonly otherwiseAllow: boolean
  readonly rules: readonly Rule[]
  readonly basedOn: BasedOn
  /** Where the address comes from; empty: from the connection and X-Forwarded-For. */
  readonly variable: string
  readonly ignoreTrueClientIp: boolean
}

interface Rule {
  readonly allow: boolean
  readonly addresses: readonly Address[]
}

interface Address {
  /** A message template. */
  readonly text: SourceText
  /** Null: the whole address. */
  readonly mask: number | null
}

type BasedOn = 'X_FORWARDED_FOR_ALL_IP' | 'X_FORWARDED_FOR_FIRST_IP' | 'X_FORWARDED_FOR_LAST_IP'

const BASED_ON: readonly string[] = ['X_FORWARDED_FOR_ALL_IP', 'X_FORWARDED_FOR_FIRST_IP', 'X_FORWARDED_FOR_LAST_IP']
const CHILDREN = ['IPRules', 'ValidateBasedOn', 'IgnoreTrueClientIPHeader', 'ClientIPVariable', ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const rules = childOf(xml, 'IPRules')
  if (rules === undefined) problems.error('IPRulesMissing', xml.at, 'AccessControl needs <IPRules>')
  const basedOn = textOf(xml, 'ValidateBasedOn') ?? 'X_FORWARDED_FOR_LAST_IP'
  if (!BASED_ON.includes(basedOn)) {
    problems.error(
      'InvalidValidateBasedOn',
      childOf(xml, 'ValidateBasedOn')!.at,
      `must be one of ${BASED_ON.join(', ')}`,
    )
  }
  return {
    otherwiseAllow: actionOf(rules, 'noRuleMatchAction', true, problems),
    rules: rules === undefined ? [] : childrenOf(rules, 'MatchRule').map((rule) => ruleOf(rule, problems)),
    basedOn: basedOn as BasedOn,
    variable: textOf(xml, 'ClientIPVariable') ?? '',
    ignoreTrueClientIp: booleanOf(xml, 'IgnoreTrueClientIPHeader', false, problems),
  }
}

function ruleOf(rule: XmlElement, problems: Problems): Rule {
  const addresses = childrenOf(rule, 'SourceAddress').flatMap((element) => addressOf(element, problems))
  return { allow: actionOf(rule, 'action', true, problems), addresses }
}

function addressOf(element: XmlElement, problems: Problems): Address[] {
  const text = sourceTextOf(element)
  const version = text === null ? 0 : isIP(text.text)
  if (text === null || (version === 0 && !text.text.includes('{'))) {
    problems.error('InvalidIPAddress', element.at, `<SourceAddress> is "${text?.text ?? ''}", no IP address`)
    return []
  }
  const mask = element.attributes['mask']?.trim()
  if (mask === undefined || mask === '') return [{ text, mask: null }]
  const bits = /^\d{1,3}$/.test(mask) ? Number(mask) : -1
  if (bits >= 0 && bits <= (version === 4 ? 32 : 128)) return [{ text, mask: bits }]
  problems.error('InvalidIPAddress', element.at, `mask="${mask}" is no number of bits of the address`)
  return []
}

function actionOf(element: XmlElement | undefined, name: string, otherwise: boolean, problems: Problems): boolean {
  const action = element?.attributes[name]?.trim().toUpperCase()
  if (action === undefined || action === '') return otherwise
  if (action === 'ALLOW' || action === 'DENY') return action === 'ALLOW'
  problems.error('InvalidAction', element!.at, `${name}="${action}" must be ALLOW or DENY`)
  return otherwise
}

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  const rules = config.rules.map((rule) => ({ allow: rule.allow, matches: matcher(rule, env) }))
  const addressesOf = reader(config, env)
  return (x) => {
    for (const address of addressesOf(x)) {
      let allow = config.otherwiseAllow
      for (const rule of rules) {
        const matches = rule.matches(x, address)
        if (matches instanceof Fault) return matches
        if (!matches) continue
        allow = rule.allow
        break
      }
      if (!allow) return env.fault('IPDeniedAccess', address.slice(0, 100))
    }
    return undefined
  }
}

/** Literal addresses are compiled into one list; those with variables are made for each call. */
function matcher({ addresses }: Rule, env: Env): (x: Exchange, address: string) => boolean | Fault {
  const fixed = new BlockList()
  const templates = addresses.flatMap((address) => {
    if (add(fixed, address.text.text, address.mask)) return []
    return [{ render: env.template(address.text, { ignoreUnresolved: false }), mask: address.mask }]
  })
  return (x, address) => {
    if (has(fixed, address)) return true
    for (const { render, mask } of templates) {
      const text = render(x)
      if (text instanceof Fault) return text
      const list = new BlockList()
      if (add(list, text.trim(), mask) && has(list, address)) return true
    }
    return false
  }
}

/** False: it is no address, or the mask has too many bits for it. */
function add(list: BlockList, address: string, mask: number | null): boolean {
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  if (version === 0 || (mask ?? 0) > bits) return false
  list.addSubnet(address, mask ?? bits, version === 4 ? 'ipv4' : 'ipv6')
  return true
}

function has(list: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/** Which addresses a call is judged by. The gateway stands behind no router: the connection's address is the last hop. */
function reader(config: Config, env: Env): (x: Exchange) => readonly string[] {
  if (config.variable !== '') {
    const variable = env.variable(config.variable)
    return (x) => [toText(variable.get(x)).trim()]
  }
  return (x) => {
    const trueClient = config.ignoreTrueClientIp ? null : x.request.headers.get('true-client-ip')
    if (trueClient !== null && trueClient !== undefined && trueClient !== '') return [trueClient.trim()]
    const own = plainAddress(x.client.address)
    if (config.basedOn === 'X_FORWARDED_FOR_LAST_IP') return [own]
    const forwarded = (x.request.headers.get('x-forwarded-for') ?? '').split(',', HOPS_MAX).map((part) => part.trim())
    const hops = [...forwarded.filter((part) => part !== ''), own]
    return config.basedOn === 'X_FORWARDED_FOR_FIRST_IP' ? [hops[0]!] : hops
  }
}

const HOPS_MAX = 100

/** An IPv4 address as a socket for both kinds shows it. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

const kind: PolicyKind = definePolicy({ element: 'AccessControl', prefix: 'acl', faults, parse, compile })
export default kind
