import { AUTH_REP, type AuthRepConfig } from '../model/auth-rep.ts'
import type { DeployedProxy } from '../model/deployment.ts'
import type { MaskConfig } from '../model/entities.ts'
import { Masker } from './masking.ts'
import { MASK } from './payload/json-mask.ts'
import type { PolicyKinds } from './policy.ts'

/** Parameters with such names carry secrets, whoever reads them. */
const SECRET_NAMES = /key|token|secret|passw|pwd|auth|signature|^sig$|^code$|credential|jwt|assertion|session/i

/** Names that were judged are kept at hand, so many at most: clients make them up. */
const NAMES_MAX = 512

/**
 * Hides the values of a query's parameters before anything is kept of a call: those with names of secrets, those in which the proxy's
 * policies look for credentials, and those that a mask names (`request.queryparam.NAME`).
 */
export class CallMask {
  readonly masker: Masker
  readonly #credentials: ReadonlySet<string>
  #judged = new Map<string, boolean>()

  constructor(masks: readonly MaskConfig[], deployed: DeployedProxy | null, kinds: PolicyKinds) {
    this.masker = new Masker(masks, deployed?.proxy.name ?? '')
    this.#credentials = deployed === null ? new Set() : credentialParameters(deployed, kinds)
  }

  /** The query (without '?') as it may be kept. Text that is no pair of name and value stays. */
  query(query: string): string {
    if (query === '') return ''
    let masked = ''
    let from = 0
    for (let at = 0; at < query.length; ) {
      const next = query.indexOf('&', at)
      const end = next < 0 ? query.length : next
      const equals = query.indexOf('=', at)
      if (equals >= 0 && equals < end && this.#hides(query.slice(at, equals))) {
        masked += query.slice(from, equals + 1) + MASK
        from = end
      }
      at = end + 1
    }
    return from === 0 ? query : masked + query.slice(from)
  }

  /** A sentence that may quote a URL. */
  text(text: string): string {
    if (!text.includes('?')) return text
    return text.replace(/\?([^\s"'<>]+)/g, (_, query: string) => `?${this.query(query)}`)
  }

  #hides(name: string): boolean {
    const known = this.#judged.get(name)
    if (known !== undefined) return known
    if (this.#judged.size >= NAMES_MAX) this.#judged = new Map()
    const hidden = this.#judge(name)
    this.#judged.set(name, hidden)
    return hidden
  }

  #judge(written: string): boolean {
    const name = decoded(written)
    return SECRET_NAMES.test(name) || this.#credentials.has(name) || this.masker.hides(`request.queryparam.${name}`)
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

/** Where the policies that establish the caller look. An application's id alone is no secret. */
function credentialParameters(deployed: DeployedProxy, kinds: PolicyKinds): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { kind, config } of deployed.proxy.policies) {
    if (kinds.get(kind)?.identifies !== true) continue
    if (kind === AUTH_REP) {
      const { credentials } = config as AuthRepConfig
      if (credentials.kind === 'query') for (const name of [credentials.userKey, credentials.appKey]) names.add(name)
    }
    for (const [, name] of JSON.stringify(config).matchAll(/request\.(?:queryparam|formparam)\.([^"\\\s{}]+)/g)) {
      names.add(name!)
    }
  }
  return names
}

/** The masks of one publication, each made when the first call of its proxy asks. */
export class CallMasks {
  readonly #masks: readonly MaskConfig[]
  readonly #kinds: PolicyKinds
  readonly #byProxy = new Map<DeployedProxy | null, CallMask>()

  constructor(masks: readonly MaskConfig[], kinds: PolicyKinds) {
    this.#masks = masks
    this.#kinds = kinds
  }

  /** Null: no proxy was found; only what is hidden everywhere is. */
  of(deployed: DeployedProxy | null): CallMask {
    let mask = this.#byProxy.get(deployed)
    if (mask === undefined) {
      mask = new CallMask(this.#masks, deployed, this.#kinds)
      this.#byProxy.set(deployed, mask)
    }
    return mask
  }
}
