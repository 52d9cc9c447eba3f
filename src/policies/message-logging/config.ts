import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

export interface Config {
  readonly message: SourceText
  readonly to: Destination
  /** Puts Apigee's head in front: priority, time, request id. */
  readonly formatted: boolean
  /** Of RFC 5424. */
  readonly severity: number
}

export interface Destination {
  readonly protocol: 'UDP' | 'TCP'
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** A certificate that does not verify will do. */
  readonly anyCertificate: boolean
}

const SEVERITY: Readonly<Record<string, number>> = { INFO: 6, WARN: 4, ERROR: 3, ALERT: 1 }
const CHILDREN = ['Syslog', 'logLevel']
const SYSLOG = ['Message', 'Host', 'Port', 'Protocol', 'FormatMessage', 'SSLInfo']
const TLS = ['Enabled', 'IgnoreValidationErrors']
/** What Edge has and this version has not. */
const MISSING = [
  'File',
  'CloudLogging',
  'DateFormat',
  'KeyStore',
  'KeyAlias',
  'TrustStore',
  'ClientAuthEnabled',
  'Ciphers',
  'Protocols',
]

export function parse(xml: XmlElement, problems: Problems): Config {
  checkChildren(xml, [...CHILDREN, ...COMMON_CHILDREN], problems)
  const syslog = childOf(xml, 'Syslog')
  if (syslog === undefined) problems.error('MissingSyslog', xml.at, 'MessageLogging needs <Syslog>')
  else checkChildren(syslog, SYSLOG, problems)
  const from = syslog ?? xml
  const message = childOf(from, 'Message')
  if (syslog !== undefined && (message === undefined || message.content.trim() === '')) {
    problems.error('MissingMessage', syslog.at, '<Syslog> needs a <Message>')
  }
  const level = textOf(xml, 'logLevel') ?? 'INFO'
  if (!Object.hasOwn(SEVERITY, level)) {
    const levels = Object.keys(SEVERITY).join(', ')
    problems.error('InvalidLogLevel', childOf(xml, 'logLevel')!.at, `${level} is no logLevel; there are ${levels}`)
  }
  return {
    message: { text: message?.content.trim() ?? '', at: message?.textAt ?? xml.at },
    to: parseDestination(from, problems),
    formatted: booleanOf(from, 'FormatMessage', false, problems),
    severity: SEVERITY[level] ?? 6,
  }
}

function parseDestination(xml: XmlElement, problems: Problems): Destination {
  const host = textOf(xml, 'Host') ?? ''
  if (xml.name === 'Syslog' && !/^[\w.:-]{1,253}$/.test(host)) {
    problems.error(
      'InvalidHost',
      (childOf(xml, 'Host') ?? xml).at,
      '<Host> is the name or address of the syslog server',
    )
  }
  const protocol = textOf(xml, 'Protocol')?.toUpperCase() ?? 'UDP'
  if (protocol !== 'UDP' && protocol !== 'TCP') {
    problems.error('InvalidProtocol', childOf(xml, 'Protocol')!.at, `${protocol} is no Protocol; there are UDP and TCP`)
  }
  const port = textOf(xml, 'Port') ?? '514'
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (number < 1 || number > 65_535) {
    problems.error('InvalidPort', childOf(xml, 'Port')!.at, `${port} is no port; ports are 1 to 65535`)
  }
  const sslInfo = childOf(xml, 'SSLInfo')
  if (sslInfo !== undefined) checkChildren(sslInfo, TLS, problems)
  const tls = sslInfo !== undefined && booleanOf(sslInfo, 'Enabled', false, problems)
  if (tls && protocol === 'UDP') problems.error('InvalidProtocol', sslInfo.at, 'TLS needs <Protocol>TCP</Protocol>')
  const anyCertificate = tls && booleanOf(sslInfo, 'IgnoreValidationErrors', false, problems)
  return { protocol: protocol === 'TCP' ? 'TCP' : 'UDP', host, port: number, tls, anyCertificate }
}

function checkChildren(xml: XmlElement, known: readonly string[], problems: Problems): void {
  for (const child of xml.children) {
    if (known.includes(child.name)) continue
    if (!MISSING.includes(child.name)) warnUnknown(child, xml, known, problems)
    else
      problems.error(
        'NotSupportedYet',
        child.at,
        `<${child.name}> is not supported yet; <Syslog> over UDP, TCP or TLS is`,
      )
  }
  warnRepeated(xml, known, problems)
}
