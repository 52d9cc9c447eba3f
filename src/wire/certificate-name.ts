import type { PeerCertificate } from 'node:tls'
import type { TlsClientOptions } from './types.ts'

/**
 * Checks a certificate's subject and alternative names against one given name, to the letter ("*.example.com" is such a
 * name too); with `wildcardMatch` a certificate for "*.example.com" bears "a.example.com" as well.
 */
export function bearsName({
  value,
  wildcardMatch,
}: NonNullable<TlsClientOptions['commonName']>): (host: string, certificate: PeerCertificate) => Error | undefined {
  const expected = value.toLowerCase()
  const parent = expected.slice(expected.indexOf('.') + 1)
  return (_host, certificate) => {
    const names = namesOf(certificate)
    const found = names.includes(expected) || (wildcardMatch && expected.includes('.') && names.includes(`*.${parent}`))
    if (found) return undefined
    return Object.assign(new Error(`the certificate does not bear the name ${value}`), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  }
}

function namesOf(certificate: PeerCertificate): string[] {
  const common = certificate.subject?.CN ?? []
  const names = (Array.isArray(common) ? common : [common]).map((name) => name.toLowerCase())
  for (const entry of certificate.subjectaltname?.split(', ') ?? []) {
    if (entry.startsWith('DNS:')) names.push(entry.slice(4).toLowerCase())
  }
  return names
}
