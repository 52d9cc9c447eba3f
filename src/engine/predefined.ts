import { randomUUID } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import { toText, type Value } from './language/value.ts'

/** One flow variable that the runtime itself provides. */
export interface Predefined {
  readonly get: (x: Exchange) => Value
  /** Null: read-only. */
  readonly set: ((x: Exchange, value: Value) => void) | null
  readonly doc: string
}

const readOnly = (doc: string, get: Predefined['get']): Predefined => ({ get, set: null, doc })
const writable = (doc: string, get: Predefined['get'], set: NonNullable<Predefined['set']>): Predefined => ({
  get,
  set,
  doc,
})

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Wed, 21 Aug 2013 19:16:47 UTC`; '' before it happened. */
function timeText(ms: number): string {
  if (ms === 0) return ''
  const t = new Date(ms)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${DAYS[t.getUTCDay()]}, ${two(t.getUTCDate())} ${MONTHS[t.getUTCMonth()]} ${t.getUTCFullYear()} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())} UTC`
}

/** A time as a pair of variables: `<name>.time` and `<name>.timestamp`. */
function times(name: string, doc: string, at: (x: Exchange) => number): Record<string, Predefined> {
  return {
    [`${name}.time`]: readOnly(`${doc}, as text in UTC`, (x) => timeText(at(x))),
    [`${name}.timestamp`]: readOnly(`${doc}, ms since the epoch`, (x) => (at(x) === 0 ? -1 : at(x))),
  }
}

const clockPart = (doc: string, part: (t: Date) => Value): Predefined => readOnly(doc, () => part(new Date()))

/** The target's address taken apart, once it is known. */
function sentTo(x: Exchange, part: 'scheme' | 'host' | 'port' | 'path'): Value {
  const match = x.sentUrl === null ? null : /^(https?):\/\/(\[[^\]]*\]|[^/:?#]+)(?::(\d+))?([^?#]*)/.exec(x.sentUrl)
  if (match === null) return null
  if (part === 'scheme') return match[1]!
  if (part === 'host') return match[2]!
  if (part === 'path') return match[4]!
  return match[3] === undefined ? (match[1] === 'https' ? 443 : 80) : Number(match[3])
}

const boolean = (value: Value): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true')

/**
 * All of them, by name (Edge's variables reference). `target.url` and the two `target.copy.*` switches act only when set
 * in the target's request flow; set elsewhere they are ignored without an error, as on Edge.
 */
export const PREDEFINED: Readonly<Record<string, Predefined>> = {
  messageid: readOnly('Unique per call; also the X-Request-Id.', (x) => x.id),
  'apiproxy.name': readOnly('Name of the proxy.', (x) => x.endpoint.proxy.name),
  'apiproxy.revision': readOnly('Deployed revision.', (x) => String(x.endpoint.proxy.revision)),
  'apiproxy.basepath': readOnly('Base path as configured.', (x) => x.endpoint.basePath),
  'application.basepath': readOnly('Base path of the deployment; empty.', () => ''),
  'organization.name': readOnly('The organisation.', (x) => x.endpoint.proxy.settings.organization),
  'environment.name': readOnly('The environment.', (x) => x.endpoint.proxy.settings.environment),
  'proxy.name': readOnly('Name of the ProxyEndpoint.', (x) => x.endpoint.name),
  'proxy.basepath': readOnly('Base path as configured, wildcards left in.', (x) => x.endpoint.basePath),
  'proxy.pathsuffix': writable(
    'What follows the base path; empty when nothing does.',
    (x) => x.pathSuffix,
    (x, value) => {
      x.pathSuffix = toText(value)
    },
  ),
  'proxy.url': readOnly('The URL the client called.', (x) => clientUrl(x)),
  'proxy.client.ip': readOnly('Address of the peer.', (x) => x.client.address),
  'proxy.flow.name': readOnly('Flow that runs now.', (x) => x.flowName),
  'current.flow.name': readOnly('Flow that runs now.', (x) => x.flowName),
  'client.ip': readOnly('Address of the client.', (x) => x.client.address),
  'client.host': readOnly('Address of the client.', (x) => x.client.address),
  'client.port': readOnly('Port of the client.', (x) => x.client.port),
  'client.scheme': readOnly('http or https.', (x) => (x.client.secure ? 'https' : 'http')),
  'client.ssl.enabled': readOnly('true when the client came over TLS.', (x) => String(x.client.secure)),
  ...times('client.received.start', 'When the request began', (x) => x.receivedAtMs),
  ...times('client.received.end', 'When the head of the request was there', (x) => x.receivedAtMs),
  ...times('client.sent.start', 'When the answer began (PostClientFlow)', (x) => x.epochMs(x.answerStartedAt)),
  ...times('client.sent.end', 'When the answer was out (PostClientFlow)', (x) => x.epochMs(x.answerSentAt)),
  ...times('target.sent.start', 'When the request to the target began', (x) => x.epochMs(x.targetSentAt)),
  ...times('target.sent.end', 'When the request to the target was out', (x) => x.epochMs(x.targetSentAt)),
  ...times('target.received.start', "When the target's answer began", (x) => x.epochMs(x.targetReceivedAt)),
  ...times('target.received.end', "When the target's answer was there", (x) => x.epochMs(x.targetReceivedAt)),
  'is.error': readOnly('true in a fault flow.', (x) => x.fault !== null),
  'fault.name': writable(
    'Last part of the errorcode.',
    (x) => x.fault?.name ?? x.get('fault.name'),
    (x, value) => x.set('fault.name', value),
  ),
  'fault.type': readOnly('The whole errorcode.', (x) => x.fault?.code ?? null),
  'fault.category': readOnly('Step, or Messaging.', (x) =>
    x.fault === null ? null : x.fault.code.startsWith('steps.') ? 'Step' : 'Messaging',
  ),
  'fault.subcategory': readOnly('Kept for Edge.', (x) => (x.fault === null ? null : 'runtime')),
  'fault.reason': readOnly('The faultstring.', (x) => x.fault?.text ?? null),
  'error.message': readOnly('The faultstring.', (x) => x.fault?.text ?? null),
  'error.state': readOnly('Flow segment in which the error happened.', (x) => (x.fault === null ? null : x.phase)),
  'error.type': readOnly('The whole errorcode.', (x) => x.fault?.code ?? null),
  'route.name': readOnly('RouteRule that was taken.', (x) => x.routeName),
  'route.target': readOnly('TargetEndpoint that was chosen.', (x) => x.target?.name ?? null),
  'target.name': readOnly('TargetEndpoint that was chosen.', (x) => x.target?.name ?? null),
  'target.url': writable(
    'Where the request goes; acts when set in the target request flow.',
    (x) => x.targetUrl ?? x.sentUrl ?? x.target?.fixedUrl ?? null,
    (x, value) => {
      if (x.phase === 'target-request') x.targetUrl = value === null ? null : toText(value)
    },
  ),
  'target.copy.pathsuffix': writable(
    'Whether the path suffix is appended to the target URL.',
    (x) => x.copyPathSuffix,
    (x, value) => {
      if (x.phase === 'target-request') x.copyPathSuffix = boolean(value)
    },
  ),
  'target.copy.queryparams': writable(
    "Whether the client's query is appended to the target URL.",
    (x) => x.copyQuery,
    (x, value) => {
      if (x.phase === 'target-request') x.copyQuery = boolean(value)
    },
  ),
  'target.scheme': readOnly('Scheme of the target.', (x) => sentTo(x, 'scheme')),
  'target.host': readOnly('Host of the target.', (x) => sentTo(x, 'host')),
  'target.port': readOnly('Port of the target.', (x) => sentTo(x, 'port')),
  'target.basepath': readOnly('Path of the target URL.', (x) => sentTo(x, 'path')),
  'target.ssl.enabled': readOnly('true for https.', (x) =>
    x.sentUrl === null ? null : sentTo(x, 'scheme') === 'https',
  ),
  'virtualhost.name': readOnly(
    'First virtual host of the ProxyEndpoint.',
    (x) => x.endpoint.virtualHosts[0] ?? 'default',
  ),
  'virtualhost.port': readOnly('Port of the gateway.', (x) => String(x.client.localPort)),
  'virtualhost.ssl.enabled': readOnly('true when the client came over TLS.', (x) => String(x.client.secure)),
  'system.uuid': readOnly('A new UUID at each read.', () => randomUUID()),
  'system.timestamp': readOnly('Now, ms since the epoch.', () => Date.now()),
  'system.time': readOnly('Now, as text in UTC.', () => timeText(Date.now())),
  'system.time.year': clockPart('Year.', (t) => t.getUTCFullYear()),
  'system.time.month': clockPart('Month, from 1.', (t) => t.getUTCMonth() + 1),
  'system.time.day': clockPart('Day of the month.', (t) => t.getUTCDate()),
  'system.time.dayofweek': clockPart('Day of the week, Sunday is 1.', (t) => t.getUTCDay() + 1),
  'system.time.hour': clockPart('Hour, 0 to 23.', (t) => t.getUTCHours()),
  'system.time.minute': clockPart('Minute.', (t) => t.getUTCMinutes()),
  'system.time.second': clockPart('Second.', (t) => t.getUTCSeconds()),
  'system.time.millisecond': clockPart('Millisecond.', (t) => t.getUTCMilliseconds()),
  'system.time.zone': readOnly('Time zone of the above.', () => 'UTC'),
  'system.region.name': readOnly('Kept for Edge.', () => 'local'),
  'system.pod.name': readOnly('Kept for Edge.', () => 'postern'),
}

function clientUrl(x: Exchange): string {
  const query = x.request.queryText
  return `${x.client.secure ? 'https' : 'http'}://${x.client.host}${x.basePath}${x.pathSuffix}${query === '' ? '' : `?${query}`}`
}
