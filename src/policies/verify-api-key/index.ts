import type { KeyHolder, KeyProduct } from '../../engine/applications.ts'
import { COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { toText } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'
import { setVariables } from './variables.ts'

/**
 * Lets a call pass when its key belongs to an approved app whose products open this proxy, environment and path.
 *
 *     <VerifyAPIKey name="VA-Key">
 *       <APIKey ref="request.queryparam.apikey"/>
 *     </VerifyAPIKey>
 *
 * Source: Apigee's reference of the VerifyAPIKey policy.
 */
export interface Config {
  /** The variable that holds the key; empty: `key` is the key. */
  readonly ref: string
  readonly key: string
}

const CHILDREN = ['APIKey', ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const element = childOf(xml, 'APIKey')
  const config = { ref: element?.attributes['ref']?.trim() ?? '', key: element?.text.trim() ?? '' }
  if (config.ref === '' && config.key === '') {
    const text = 'VerifyAPIKey needs the key: <APIKey ref="request.queryparam.apikey"/>'
    problems.error('SpecifyValueOrRefApiKey', element?.at ?? xml.at, text)
  }
  return config
}

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  const variable = config.ref === '' ? null : env.variable(config.ref)
  const missing = env.fault('FailedToResolveAPIKey', config.ref)
  const judge = judgeOf(env)
  return (x) => {
    const key = variable === null ? config.key : toText(variable.get(x))
    if (key === '') return missing
    const found = env.applications.byKey(key)
    return found instanceof Promise ? found.then((late) => judge(x, key, late)) : judge(x, key, found)
  }
}

/** What becomes of a key that was looked up. */
function judgeOf(env: Env): (x: Exchange, key: string, holder: KeyHolder | null) => Outcome {
  const invalid = env.fault('InvalidApiKey')
  const notApproved = env.fault('ApiKeyNotApproved')
  const inactive = env.fault('DeveloperStatusNotActive')
  const noProduct = env.fault('NoProduct')
  const notForThis = env.fault('InvalidApiKeyForGivenResource')
  const { policy, proxy, environment } = env
  const fits = ({ product, opens }: KeyProduct, x: Exchange): boolean =>
    (product.proxies.length === 0 || product.proxies.includes(proxy)) &&
    (product.environments.length === 0 || product.environments.includes(environment)) &&
    opens(x.pathSuffix)
  return (x, key, holder) => {
    if (holder === null) return invalid
    const { expiresAtMs, status } = holder.key
    if (expiresAtMs !== null && expiresAtMs <= env.now()) return invalid
    if (status !== 'approved') return notApproved
    if (holder.app.status !== 'approved') return env.fault('AppNotApproved', key)
    if (!holder.developer.active) return inactive
    if (holder.products.length === 0) return noProduct
    const product = holder.products.find((one) => one.approved && fits(one, x))
    if (product === undefined) return holder.products.some((one) => fits(one, x)) ? notApproved : notForThis
    x.caller = { application: holder.app.id, account: holder.developer.email }
    setVariables(x, policy.name, holder, product.product)
    return undefined
  }
}

const kind: PolicyKind = definePolicy({
  element: 'VerifyAPIKey',
  prefix: 'oauthV2',
  faults,
  identifies: true,
  parse,
  compile,
})
export default kind
