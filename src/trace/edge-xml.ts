import type { EdgeAccess, EdgePoint, EdgeProperty, EdgeResult, EdgeTransaction } from './edge-points.ts'

/** Of what the transactions were recorded. */
export interface EdgeSessionHead {
  readonly organization: string
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly session: string
  readonly retrievedAtMs: number
}

/** Transactions as the file that Edge's offline trace reads: `<DebugSession>`. */
export function edgeXml(
  head: EdgeSessionHead,
  transactions: readonly (readonly [id: string, EdgeTransaction])[],
): string {
  const messages = transactions.map(([id, transaction]) =>
    element(
      'Message',
      element('DebugId', text(id)) +
        element('Data', element('Completed', String(transaction.completed)) + transaction.point.map(pointXml).join('')),
    ),
  )
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${element(
    'DebugSession',
    element('Retrieved', new Date(head.retrievedAtMs).toISOString()) +
      element('Organization', text(head.organization)) +
      element('Environment', text(head.environment)) +
      element('API', text(head.proxy)) +
      element('Revision', String(head.revision)) +
      element('SessionId', text(head.session)) +
      element('Messages', messages.join('')),
  )}\n`
}

const pointXml = ({ id, results }: EdgePoint): string => element('Point', results.map(resultXml).join(''), { id })

function resultXml(result: EdgeResult): string {
  switch (result.ActionResult) {
    case 'DebugInfo':
      return element(
        'DebugInfo',
        element('Timestamp', result.timestamp) + element('Properties', pairs('Property', result.properties.property)),
      )
    case 'RequestMessage':
      return element(
        'RequestMessage',
        element('Headers', pairs('Header', result.headers)) +
          element('Content', text(result.content)) +
          element('URI', text(result.uRI)) +
          element('Verb', text(result.verb)),
      )
    case 'ResponseMessage':
    case 'ErrorMessage':
      return element(
        result.ActionResult,
        element('Headers', pairs('Header', result.headers)) +
          element('Content', text(result.content)) +
          element('ReasonPhrase', text(result.reasonPhrase)) +
          element('StatusCode', result.statusCode),
      )
    case 'VariableAccess':
      return element('VariableAccess', result.accessList.map(accessXml).join(''))
  }
}

function accessXml(access: EdgeAccess): string {
  const [name, attributes] = Object.entries(access)[0] as [string, Readonly<Record<string, string | boolean>>]
  return element(name, '', Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)])))
}

const pairs = (name: string, list: readonly EdgeProperty[]): string =>
  list.map((one) => element(name, text(one.value), { name: one.name })).join('')

function element(name: string, content: string, attributes: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries(attributes).map(([key, value]) => ` ${key}="${text(value).replaceAll('"', '&quot;')}"`)
  return content === '' ? `<${name}${all.join('')}/>` : `<${name}${all.join('')}>${content}</${name}>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }

/** What XML cannot hold becomes the sign for that. */
function text(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>\r]/g, (character) => ESCAPES[character]!)
}
