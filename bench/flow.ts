// What the engine adds: nanoseconds for one step of a flow, and for a whole decision of the throttles.

import { readBundle } from '../src/dialects/apigee/index.ts'
import { compileProxy } from '../src/engine/compile.ts'
import { Exchange } from '../src/engine/exchange.ts'
import { Message } from '../src/engine/message.ts'
import { run } from '../src/engine/runner.ts'
import { defaultSettings } from '../src/model/deployment.ts'
import { POLICY_KINDS } from '../src/policies/index.ts'
import { engineServices } from './engine-services.ts'

export interface Row {
  readonly name: string
  readonly ns: number
}

const STEPS = 10
const ROUNDS = 200_000

/** A proxy with ten steps of one policy in its request flow. */
function plan(policy: string, condition = '') {
  const step = `<Step><Name>P</Name>${condition === '' ? '' : `<Condition>${condition}</Condition>`}</Step>`
  const files = new Map<string, string>([
    ['apiproxy/b.xml', '<APIProxy name="b"/>'],
    ['apiproxy/policies/P.xml', policy],
    [
      'apiproxy/proxies/default.xml',
      `<ProxyEndpoint name="default"><PreFlow><Request>${step.repeat(STEPS)}</Request></PreFlow>
       <HTTPProxyConnection><BasePath>/b</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    ],
  ])
  const { proxy, problems } = readBundle(files, POLICY_KINDS)
  if (proxy === null) throw new Error(JSON.stringify(problems))
  return compileProxy({ proxy, serviceId: null, throttle: null }, defaultSettings, POLICY_KINDS, engineServices).plan
    .endpoints[0]!
}

const HEADERS = ['Host', 'h', 'Accept', '*/*', 'User-Agent', 'bench', 'Authorization', 'Bearer x', 'X-Type', 'gold']
const CLIENT = { address: '127.0.0.1', port: 1, secure: false, host: 'h', localPort: 80 }

function measure(name: string, policy: string, condition?: string): Row {
  const endpoint = plan(policy, condition)
  const once = (): void => {
    const request = Message.streaming('request', HEADERS, null)
    request.uri = '/b/x?y=1'
    const x = new Exchange('id', endpoint, CLIENT, request, '/b', '/x', 1, 0, 0)
    const outcome = run(endpoint.request!, x)
    if (outcome !== undefined) throw new Error(`${name} did not go through`)
  }
  for (let i = 0; i < ROUNDS / 10; i++) once()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const began = process.hrtime.bigint()
    for (let i = 0; i < ROUNDS / 5; i++) once()
    best = Math.min(best, Number(process.hrtime.bigint() - began) / (ROUNDS / 5) / STEPS)
  }
  return { name, ns: Math.round(best) }
}

const ASSIGN = '<AssignMessage name="P"><AssignVariable><Name>a</Name><Value>1</Value></AssignVariable></AssignMessage>'
const HEADER =
  '<AssignMessage name="P"><Set><Headers><Header name="X-A">{request.header.x-type}-{proxy.pathsuffix}</Header></Headers></Set></AssignMessage>'
const EXTRACT = '<ExtractVariables name="P"><QueryParam name="y"><Pattern>{v}</Pattern></QueryParam></ExtractVariables>'

/** ns per step, the best of five rounds. */
export function flowRows(): Row[] {
  return [
    measure('AssignVariable, literal', ASSIGN),
    measure(
      'the same behind a condition that holds',
      ASSIGN,
      'request.header.x-type = "gold" and request.verb = "GET"',
    ),
    measure('the same behind one that does not', ASSIGN, 'proxy.pathsuffix MatchesPath "/y/**"'),
    measure('Set header from a template', HEADER),
    measure('ExtractVariables from a query parameter', EXTRACT),
  ]
}

if (import.meta.main)
  for (const row of flowRows()) process.stdout.write(`${String(row.ns).padStart(6)} ns  ${row.name}\n`)
