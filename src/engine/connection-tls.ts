import { createHash } from 'node:crypto'
import tls from 'node:tls'
import type { Settings } from '../model/deployment.ts'
import type { EnvironmentEntities, KeyStore, SslInfo } from '../model/entities.ts'
import type { Problems } from '../model/problem.ts'
import type { HttpConnection } from '../model/proxy.ts'
import type { Position } from '../model/source.ts'

/** How TLS to a backend is spoken, ready for the transport. Those with equal `id` may share connections. */
export interface ConnectionTls {
  readonly id: string
  readonly rejectUnauthorized: boolean
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly ciphers?: string
  readonly minVersion?: string
  readonly maxVersion?: string
  /** The name that the certificate must bear instead of the host's. */
  readonly commonName?: { readonly value: string; readonly wildcardMatch: boolean }
}

/**
 * The SSLInfo of a connection with the stores that it names; null: like every other https URL, or errors in `problems`
 * (KeyStoreMissing, TrustStoreMissing, KeyAliasMissing, ReferenceMissing, InvalidSSLInfo).
 */
export function compileTls(
  connection: Pick<HttpConnection, 'ssl' | 'at'>,
  settings: Settings,
  problems: Problems,
): ConnectionTls | null {
  const { ssl, at } = connection
  if (ssl === undefined || !ssl.enabled) return null
  const lookUp = new Stores(settings.entities, at, problems)
  const trusted = ssl.trustStore === null ? null : lookUp.store('TrustStore', ssl.trustStore)
  const identity = ssl.clientAuthEnabled ? lookUp.identity(ssl) : null
  // Not shown to anybody, but a name that leads nowhere is a mistake all the same.
  if (!ssl.clientAuthEnabled && ssl.keyStore !== null) lookUp.store('KeyStore', ssl.keyStore)
  const ciphers = ciphersOf(ssl, at, problems)
  if (lookUp.failed) return null
  const options: Omit<ConnectionTls, 'id'> = {
    rejectUnauthorized: validates(ssl, settings),
    ...(trusted !== null && { ca: trusted.aliases.map((alias) => alias.cert) }),
    ...(identity !== null && identity),
    ...(ciphers !== '' && { ciphers }),
    ...(ssl.protocols.length > 0 && { minVersion: ssl.protocols[0]!, maxVersion: ssl.protocols.at(-1)! }),
    ...(ssl.commonName !== null && { commonName: ssl.commonName }),
  }
  try {
    const { ca, cert, key, minVersion, maxVersion } = options
    tls.createSecureContext({
      ...(ca !== undefined && { ca: [...ca] }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(ciphers !== '' && { ciphers }),
      ...(minVersion !== undefined && { minVersion: minVersion as tls.SecureVersion }),
      ...(maxVersion !== undefined && { maxVersion: maxVersion as tls.SecureVersion }),
    })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason'
    problems.error('InvalidSSLInfo', at, `the keys, ciphers and protocols of SSLInfo cannot be used together: ${code}`)
    return null
  }
  return { id: createHash('sha256').update(JSON.stringify(options)).digest('base64url'), ...options }
}

/** Enforce is strict whatever else is said; Edge's own way, where it is asked for, checks only with a TrustStore. */
function validates(ssl: SslInfo, settings: Settings): boolean {
  if (ssl.enforce) return true
  if (ssl.ignoreValidationErrors) return false
  return ssl.trustStore !== null || !settings.edgeCompatibleTls
}

/** Finds stores by name or reference, and notes what is not there. */
class Stores {
  failed = false
  readonly #entities: EnvironmentEntities
  readonly #at: Position
  readonly #problems: Problems

  constructor(entities: EnvironmentEntities, at: Position, problems: Problems) {
    this.#entities = entities
    this.#at = at
    this.#problems = problems
  }

  store(element: 'KeyStore' | 'TrustStore', text: string): KeyStore | null {
    let name = text
    if (text.startsWith('ref://')) {
      const reference = this.#entities.references.find((one) => one.name === text.slice('ref://'.length))
      if (reference === undefined) return this.#missing('ReferenceMissing', `there is no reference ${text}`)
      name = reference.refers
    }
    const store = this.#entities.keyStores.find((one) => one.name === name)
    if (store === undefined) {
      return this.#missing(`${element}Missing`, `the environment has no ${element} named ${name}`)
    }
    if (element === 'TrustStore' && store.aliases.length === 0) {
      return this.#missing('KeyAliasMissing', `TrustStore ${name} holds no certificate`)
    }
    return store
  }

  identity(ssl: SslInfo): { cert: string; key: string } | null {
    if (ssl.keyStore === null || ssl.keyAlias === null) return null
    const store = this.store('KeyStore', ssl.keyStore)
    if (store === null) return null
    const alias = store.aliases.find((one) => one.name === ssl.keyAlias)
    if (alias === undefined) {
      return this.#missing('KeyAliasMissing', `KeyStore ${store.name} has no alias ${ssl.keyAlias}`)
    }
    if (alias.key === null) {
      return this.#missing('KeyAliasMissing', `alias ${alias.name} of KeyStore ${store.name} has no private key`)
    }
    return { cert: alias.cert, key: alias.key }
  }

  #missing(code: string, text: string): null {
    this.failed = true
    this.#problems.error(code, this.#at, text)
    return null
  }
}

const KNOWN_CIPHERS = new Set(tls.getCiphers())

/** The list in OpenSSL's words. Bundles carry long lists with ciphers that are long dead: those are left out. */
function ciphersOf(ssl: SslInfo, at: Position, problems: Problems): string {
  const usable: string[] = []
  for (const cipher of ssl.ciphers) {
    const name = openSslCipher(cipher)
    if (KNOWN_CIPHERS.has(name.toLowerCase())) usable.push(name)
    else problems.warn('UnknownCipher', at, `cipher ${cipher} is not known here and is left out`)
  }
  if (ssl.ciphers.length > 0 && usable.length === 0) {
    problems.error('InvalidSSLInfo', at, 'none of the <Cipher> is known; name others, or leave <Ciphers> out')
  }
  return usable.join(':')
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (Java, RFC) -> ECDHE-RSA-AES128-GCM-SHA256 (OpenSSL); others stay as they are. */
export function openSslCipher(name: string): string {
  const match = /^(?:TLS|SSL)_([A-Z_]+)_WITH_([A-Z0-9_]+)$/.exec(name)
  if (match === null) return name
  const exchange = match[1] === 'RSA' ? '' : `${match[1]!.replaceAll('_', '-')}-`
  const cipher = match[2]!
    .replace(/^AES_(\d+)_/, 'AES$1_')
    .replace(/^3DES_EDE_CBC/, 'DES_CBC3')
    .replace(/^(AES\d+)_CBC_/, '$1_')
    .replace(/^(CHACHA20_POLY1305)_SHA256$/, '$1')
  return exchange + cipher.replaceAll('_', '-')
}
