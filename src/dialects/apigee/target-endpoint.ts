import { httpConnectionOf, isFilled } from '../../model/http-connection.ts'
import { localConnectionOf } from '../../model/local-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { TargetEndpoint } from '../../model/proxy.ts'
import { childOf, childrenOf, type XmlElement } from '../../model/xml.ts'
import { nameOf, onlyChild } from './elements.ts'
import { type Reading, readEndpoint } from './flows.ts'

/** Ways to a backend that this version cannot go, and what to write instead. */
const laterConnections: Readonly<Record<string, string>> = {
  ScriptTarget: 'run the Node program yourself and name it in <HTTPTargetConnection>',
  HostedTarget: 'run the Node program yourself and name it in <HTTPTargetConnection>',
}

/** `<TargetEndpoint>`. What could not be read is a stand-in; the errors are in the problems. */
export function readTargetEndpoint(root: XmlElement, reading: Reading): TargetEndpoint {
  const endpoint = readEndpoint(root, nameOf(root, reading.problems) ?? '', reading)
  const standIn = {
    url: { text: 'http://unreadable.invalid', at: root.at },
    balancer: null,
    properties: {},
    at: root.at,
  }
  return { ...endpoint, connection: readConnection(root, reading.problems) ?? standIn }
}

function readConnection(root: XmlElement, problems: Problems): TargetEndpoint['connection'] | null {
  const http = onlyChild(root, 'HTTPTargetConnection', problems)
  const local = childrenOf(root, 'LocalTargetConnection').find(isFilled)
  // <HostedTarget/> says all that it has to say by being there.
  const others = Object.keys(laterConnections).flatMap((name) =>
    childrenOf(root, name).filter((element) => isFilled(element) || name === 'HostedTarget'),
  )
  for (const element of others) {
    const text = `<${element.name}> is not supported yet in this version; ${laterConnections[element.name]}`
    problems.error('NotSupportedYet', element.at, text)
  }
  if (others.length > 0) return null
  if (local !== undefined) {
    if (http === undefined || !isFilled(http)) return localConnectionOf(local, problems)
    const text = '<LocalTargetConnection> together with <HTTPTargetConnection>; a target endpoint has one connection'
    problems.error('ConnectionConflict', local.at, text)
    return null
  }
  if (http !== undefined) return httpConnectionOf(http, problems)
  const { at } = childOf(root, 'LocalTargetConnection') ?? root
  problems.error('ConnectionInfoMissing', at, 'no connection; write <HTTPTargetConnection><URL>http://host/path</URL>')
  return null
}
