import { X509Certificate } from 'node:crypto'
import tls, { type SecureContext } from 'node:tls'
import type { ServerTls } from './types.ts'

/**
 * The certificates of a TLS door and which of them a client is shown: the one that bears the name it asked for (SNI), else the
 * first. A certificate for "*.example.com" bears "a.example.com" and not "a.b.example.com" (RFC 6125 section 6.4.3).
 */
export class ServerCertificates {
  readonly #first: SecureContext
  readonly #byName: Map<string, SecureContext>

  /** @throws when a certificate or key cannot be used */
  constructor({ identities, clientCa }: ServerTls) {
    this.#byName = new Map()
    const contexts = identities.map(({ cert, key }) => {
      const context = tls.createSecureContext({ cert, key, ...(clientCa !== undefined && { ca: clientCa }) })
      for (const name of namesIn(cert)) if (!this.#byName.has(name)) this.#byName.set(name, context)
      return context
    })
    const [first] = contexts
    if (first === undefined) throw new TypeError('a TLS door needs a certificate')
    this.#first = first
  }

  choose(name: string): SecureContext {
    const asked = name.toLowerCase()
    const parent = asked.indexOf('.')
    return this.#byName.get(asked) ?? this.#byName.get(`*${asked.slice(parent)}`) ?? this.#first
  }
}

/** Alternative names of the first certificate in a PEM text, in lower case; its common name when there are none. */
export function namesIn(cert: string): string[] {
  const { subjectAltName, subject } = new X509Certificate(cert)
  const names = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,\s"]+)/g)].map((match) => match[1]!)
  if (names.length === 0) names.push(...[...(subject ?? '').matchAll(/^CN=(\S+)$/gm)].map((match) => match[1]!))
  return names.map((name) => name.toLowerCase())
}
