import type { SslInfo } from './entities.ts'
import type { Problems } from './problem.ts'
import { childOf, childrenOf, textOf, type XmlElement } from './xml.ts'

const CHILDREN = new Set([
  'Enabled',
  'Enforce',
  'ClientAuthEnabled',
  'KeyStore',
  'KeyAlias',
  'TrustStore',
  'IgnoreValidationErrors',
  'Ciphers',
  'Protocols',
  'CommonName',
])
const PROTOCOLS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/**
 * Reads `<SSLInfo>` of a connection whose URL is https or not (null: there is no URL, it decides). Whether its stores exist shows when it is compiled.
 * Source: Apigee's configuration reference, "TLS/SSL TargetEndpoint Configuration".
 */
export function sslInfoOf(xml: XmlElement, secure: boolean | null, problems: Problems): SslInfo {
  for (const child of xml.children) {
    if (!CHILDREN.has(child.name)) {
      problems.warn('UnknownElement', child.at, `<${child.name}> is not known in SSLInfo and has no effect`)
    }
  }
  const enabled = flag(xml, 'Enabled', secure ?? true, problems)
  if (secure !== null && enabled !== secure) {
    const text = `<Enabled>${enabled}</Enabled> does not fit the URL; write https:// for TLS and http:// without`
    problems.error('InvalidSSLInfo', childOf(xml, 'Enabled')!.at, text)
  }
  const info: SslInfo = {
    enabled,
    enforce: flag(xml, 'Enforce', false, problems),
    clientAuthEnabled: flag(xml, 'ClientAuthEnabled', false, problems),
    keyStore: name(xml, 'KeyStore', problems),
    keyAlias: name(xml, 'KeyAlias', problems),
    trustStore: name(xml, 'TrustStore', problems),
    ignoreValidationErrors: flag(xml, 'IgnoreValidationErrors', false, problems),
    ciphers: list(xml, 'Ciphers', 'Cipher', problems),
    protocols: protocolsOf(xml, problems),
    commonName: commonNameOf(xml, problems),
  }
  if (info.clientAuthEnabled && (info.keyStore === null || info.keyAlias === null)) {
    const text = '<ClientAuthEnabled> needs <KeyStore> and <KeyAlias>, which name the certificate to show'
    problems.error('InvalidSSLInfo', xml.at, text)
  }
  if (info.enforce && info.ignoreValidationErrors) {
    const text = '<IgnoreValidationErrors> has no effect beside <Enforce>true</Enforce>; remove one of them'
    problems.warn('SSLInfoConflict', xml.at, text)
  }
  return info
}

function flag(xml: XmlElement, child: string, otherwise: boolean, problems: Problems): boolean {
  const text = textOf(xml, child)?.toLowerCase()
  if (text === undefined || text === '') return otherwise
  if (text !== 'true' && text !== 'false') {
    problems.error('InvalidSSLInfo', childOf(xml, child)!.at, `<${child}> must be true or false, not ${text}`)
    return otherwise
  }
  return text === 'true'
}

function name(xml: XmlElement, child: string, problems: Problems): string | null {
  const text = textOf(xml, child) ?? ''
  if (!text.includes('{')) return text === '' ? null : text
  const instead = 'name it, or a reference (ref://name), since keys are read when the proxy is deployed'
  problems.error(
    'NotSupportedYet',
    childOf(xml, child)!.at,
    `<${child}> from a variable is not supported in this version; ${instead}`,
  )
  return null
}

function list(xml: XmlElement, container: string, item: string, problems: Problems): string[] {
  const texts: string[] = []
  for (const element of childOf(xml, container)?.children ?? []) {
    const text = element.text.trim()
    if (element.name !== item) {
      problems.warn('UnknownElement', element.at, `<${element.name}> is not known in ${container} and has no effect`)
    } else if (text !== '') texts.push(text)
  }
  return texts
}

function protocolsOf(xml: XmlElement, problems: Problems): string[] {
  const known: string[] = []
  for (const text of list(xml, 'Protocols', 'Protocol', problems)) {
    const protocol = text === 'TLSv1.0' ? 'TLSv1' : text
    if (PROTOCOLS.includes(protocol)) known.push(protocol)
    else {
      const at = childrenOf(childOf(xml, 'Protocols')!, 'Protocol').find((element) => element.text.trim() === text)!.at
      problems.error('InvalidSSLInfo', at, `protocol ${text} is not known; there are ${PROTOCOLS.join(', ')}`)
    }
  }
  return known.sort((a, b) => PROTOCOLS.indexOf(a) - PROTOCOLS.indexOf(b))
}

function commonNameOf(xml: XmlElement, problems: Problems): SslInfo['commonName'] {
  const element = childOf(xml, 'CommonName')
  const value = name(xml, 'CommonName', problems)
  if (element === undefined || value === null) return null
  const wildcard = element.attributes['wildcardMatch']?.trim().toLowerCase() ?? 'false'
  if (wildcard !== 'true' && wildcard !== 'false') {
    problems.error('InvalidSSLInfo', element.at, `wildcardMatch must be true or false, not ${wildcard}`)
  }
  return { value, wildcardMatch: wildcard === 'true' }
}
