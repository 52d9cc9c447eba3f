import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

export interface Config {
  readonly message: SourceText
  readonly to: Destination | FileDestination
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

export interface FileDestination {
  readonly protocol: 'file'
  readonly name: string
  readonly bytesMax: number | null
  readonly ageMsMax: number | null
  readonly kept: number
  readonly rotateAtStart: boolean
}

const SEVERITY: Readonly<Record<string, number>> = { INFO: 6, WARN: 4, ERROR: 3, ALERT: 1 }
const CHILDREN = ['Syslog', 'File', 'logLevel', 'BufferMessage']
const SYSLOG = ['Message', 'Host', 'Port', 'Protocol', 'FormatMessage', 'SSLInfo']
const TLS = ['Enabled', 'IgnoreValidationErrors']
/** What Edge has and this version has not. */
const MISSING = [
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
  const file = childOf(xml, 'File')
  if (syslog === undefined && file === undefined) {
    problems.error('MissingSyslog', xml.at, 'MessageLogging needs <Syslog> or <File>')
  }
  if (syslog !== undefined) checkChildren(syslog, SYSLOG, problems)
  if (syslog !== undefined && file !== undefined) {
    problems.error('ConflictingElements', file.at, '<File> together with <Syslog>; a MessageLogging has one of them')
  }
  const from = syslog ?? file ?? xml
  const message = childOf(from, 'Message')
  if (from !== xml && (message === undefined || message.content.trim() === '')) {
    problems.error('MissingMessage', from.at, `<${from.name}> needs a <Message>`)
  }
  const level = textOf(xml, 'logLevel') ?? 'INFO'
  if (!Object.hasOwn(SEVERITY, level)) {
    const levels = Object.keys(SEVERITY).join(', ')
    problems.error('InvalidLogLevel', childOf(xml, 'logLevel')!.at, `${level} is no logLevel; there are ${levels}`)
  }
  return {
    message: { text: message?.content.trim() ?? '', at: message?.textAt ?? xml.at },
    to: syslog === undefined && file !== undefined ? parseFile(file, problems) : parseDestination(from, problems),
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

const MB = 1024 * 1024
const UNITS_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

function parseFile(xml: XmlElement, problems: Problems): FileDestination {
  checkChildren(xml, ['Message', 'FileName', 'FileRotationOptions'], problems)
  const name = textOf(xml, 'FileName') ?? ''
  if (!/^[A-Za-z0-9_][\w.-]{0,99}$/.test(name)) {
    const text = '<FileName> is a name without folders: letters, digits and . _ -, at most 100'
    problems.error('InvalidFileName', (childOf(xml, 'FileName') ?? xml).at, text)
  }
  const rotation = childOf(xml, 'FileRotationOptions')
  if (rotation === undefined) {
    return { protocol: 'file', name, bytesMax: null, ageMsMax: null, kept: 0, rotateAtStart: false }
  }
  checkChildren(rotation, ['FileRotationType', 'MaxFileSizeInMB', 'MaxFilesToRetain', 'RotationFrequency'], problems)
  const whole = (child: string, otherwise: number): number => {
    const text = textOf(rotation, child) ?? String(otherwise)
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
    problems.error('InvalidRotation', childOf(rotation, child)!.at, `<${child}> is ${text}, no whole number from 1`)
    return otherwise
  }
  const type = textOf(rotation, 'FileRotationType')?.toUpperCase() ?? 'SIZE'
  if (type !== 'SIZE' && type !== 'TIME') {
    problems.error('InvalidRotation', childOf(rotation, 'FileRotationType')!.at, `${type} is none of SIZE, TIME`)
  }
  const unit = childOf(rotation, 'RotationFrequency')?.attributes['unit']?.toLowerCase() ?? 'minute'
  if (!Object.hasOwn(UNITS_MS, unit)) {
    const text = `unit is ${unit}, none of ${Object.keys(UNITS_MS).join(', ')}`
    problems.error('InvalidRotation', childOf(rotation, 'RotationFrequency')!.at, text)
  }
  return {
    protocol: 'file',
    name,
    bytesMax: type === 'SIZE' ? whole('MaxFileSizeInMB', 10) * MB : null,
    ageMsMax: type === 'TIME' ? whole('RotationFrequency', 60) * (UNITS_MS[unit] ?? 1) : null,
    kept: whole('MaxFilesToRetain', 10),
    rotateAtStart: rotation.attributes['rotateFileOnStartup']?.trim().toLowerCase() === 'true',
  }
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
