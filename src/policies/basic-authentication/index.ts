import { booleanAttribute, booleanOf, COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { toText } from '../../engine/language/value.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'

/**
 * Makes a Basic Authorization header of a user and a password, or takes one apart.
 *
 *     <BasicAuthentication name="BA-Encode">
 *       <Operation>Encode</Operation>
 *       <User ref="private.user"/>
 *       <Password ref="private.password"/>
 *       <AssignTo>request.header.Authorization</AssignTo>
 *     </BasicAuthentication>
 *
 * Source: Apigee's reference of the BasicAuthentication policy, RFC 7617.
 */
export interface Config {
  readonly decode: boolean
  readonly ignoreUnresolved: boolean
  /** Variables: read when encoding, written when decoding. */
  readonly user: string
  readonly password: string
  /** The variable that is written when encoding, read when decoding. */
  readonly header: string
  /** False: a variable that has a value keeps it. */
  readonly createNew: boolean
}

const CHILDREN = [
  'Operation',
  'IgnoreUnresolvedVariables',
  'User',
  'Password',
  'AssignTo',
  'Source',
  ...COMMON_CHILDREN,
]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const operation = (textOf(xml, 'Operation') ?? '').toLowerCase()
  if (operation !== 'encode' && operation !== 'decode') {
    const at = childOf(xml, 'Operation')?.at ?? xml.at
    problems.error('InvalidOperation', at, '<Operation> must be Encode or Decode')
  }
  const decode = operation === 'decode'
  const ref = (name: string, code: string): string => {
    const element = childOf(xml, name)
    const value = element?.attributes['ref']?.trim() ?? ''
    if (value === '') problems.error(code, element?.at ?? xml.at, `<${name}> needs ref="...", the name of a variable`)
    return value
  }
  const user = ref('User', 'UserNameRequired')
  const password = ref('Password', 'PasswordRequired')
  const place = decode ? 'Source' : 'AssignTo'
  const header = textOf(xml, place) ?? ''
  if (header === '') {
    const code = decode ? 'SourceRequired' : 'AssignToRequired'
    problems.error(code, xml.at, `${decode ? 'Decode' : 'Encode'} needs <${place}>, the name of a variable`)
  }
  const assignTo = childOf(xml, 'AssignTo')
  return {
    decode,
    ignoreUnresolved: booleanOf(xml, 'IgnoreUnresolvedVariables', false, problems),
    user,
    password,
    header,
    createNew: assignTo !== undefined && booleanAttribute(assignTo, 'createNew', true, problems),
  }
}

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  return config.decode ? decoder(config, env) : encoder(config, env)
}

function encoder(config: Config, env: Env): Step {
  const header = env.variable(config.header)
  const parts = [config.user, config.password].map((name) => ({
    variable: env.variable(name),
    missing: env.fault('UnresolvedVariable', name),
  }))
  return (x) => {
    if (!config.createNew && header.get(x) !== null) return undefined
    const texts: string[] = []
    for (const { variable, missing } of parts) {
      const value = variable.get(x)
      if (value === null && !config.ignoreUnresolved) return missing
      texts.push(toText(value))
    }
    header.set(x, `Basic ${Buffer.from(texts.join(':')).toString('base64')}`)
    return undefined
  }
}

function decoder(config: Config, env: Env): Step {
  const source = env.variable(config.header)
  const [user, password] = [env.variable(config.user), env.variable(config.password)]
  const missing = env.fault('UnresolvedVariable', config.header)
  const invalid = env.fault('InvalidBasicAuthenticationSource', config.header)
  return (x: Exchange) => {
    const value = source.get(x)
    if (value === null) return config.ignoreUnresolved ? undefined : missing
    const pair = credentialsOf(toText(value))
    if (pair === null) return invalid
    user.set(x, pair[0])
    password.set(x, pair[1])
    return undefined
  }
}

/** Null: it is no Basic header with a user and a password. */
function credentialsOf(text: string): readonly [user: string, password: string] | null {
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(text.trim())?.[1]
  if (encoded === undefined) return null
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? null : [decoded.slice(0, colon), decoded.slice(colon + 1)]
}

const kind: PolicyKind = definePolicy({
  element: 'BasicAuthentication',
  prefix: 'basicauthentication',
  faults,
  parse,
  compile,
})
export default kind
