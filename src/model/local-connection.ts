import { sourceTextOf } from './http-connection.ts'
import type { Problems } from './problem.ts'
import type { Position, SourceText } from './source.ts'
import { childOf, textOf, type XmlElement } from './xml.ts'

/** LocalTargetConnection: another proxy of the same environment, called without a connection. Its texts are templates. */
export interface LocalConnection {
  readonly local:
    | { readonly proxy: SourceText; readonly endpoint: SourceText }
    /** Base path of the proxy, and what is to follow it. */
    | { readonly path: SourceText }
  readonly properties: Readonly<Record<string, string>>
  readonly at: Position
}

const CHILDREN = ['APIProxy', 'ProxyEndpoint', 'Path', 'Properties']
const DEFAULT_ENDPOINT = 'default'

/** Reads `<LocalTargetConnection>`; null after an error: ConnectionInfoMissing, ConnectionConflict, InvalidURL. */
export function localConnectionOf(xml: XmlElement, problems: Problems): LocalConnection | null {
  for (const child of xml.children) {
    if (CHILDREN.includes(child.name)) continue
    problems.warn('UnknownElement', child.at, `<${child.name}> is not known in LocalTargetConnection and has no effect`)
  }
  const text = (name: string): SourceText | null => {
    const child = childOf(xml, name)
    return child === undefined ? null : sourceTextOf(child)
  }
  const proxy = text('APIProxy')
  const path = text('Path')
  if (path !== null && (proxy !== null || textOf(xml, 'ProxyEndpoint'))) {
    const other = proxy === null ? 'ProxyEndpoint' : 'APIProxy'
    problems.error(
      'ConnectionConflict',
      xml.at,
      `<${other}> together with <Path>; a LocalTargetConnection has one of them`,
    )
    return null
  }
  if (path !== null) {
    if (/^[/{$]/.test(path.text) && !/[\s#]/.test(path.text)) return { local: { path }, properties: {}, at: xml.at }
    problems.error('InvalidURL', path.at, 'a <Path> begins with a slash, without white space and #')
    return null
  }
  if (proxy === null) {
    problems.error('ConnectionInfoMissing', xml.at, '<LocalTargetConnection> needs <APIProxy> or <Path>')
    return null
  }
  const endpoint = text('ProxyEndpoint') ?? { text: DEFAULT_ENDPOINT, at: proxy.at }
  return { local: { proxy, endpoint }, properties: {}, at: xml.at }
}
