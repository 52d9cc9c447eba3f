// What debug sessions cost: nothing while none is on, and how much while one is. node bench/traces.ts
import { fileURLToPath } from 'node:url'
import { readBundle } from '../src/dialects/apigee/index.ts'
import { compileProxy } from '../src/engine/compile.ts'
import { Exchange } from '../src/engine/exchange.ts'
import { Masker } from '../src/engine/masking.ts'
import { Message } from '../src/engine/message.ts'
import type { EndpointPlan } from '../src/engine/plan.ts'
import { CallRecorder, RAW_CHARS_MAX } from '../src/engine/recording/call-recorder.ts'
import { type Recording, recording } from '../src/engine/recording/index.ts'
import { maskedCall } from '../src/engine/recording/masked-call.ts'
import { TracedExchange } from '../src/engine/recording/traced-exchange.ts'
import { run } from '../src/engine/runner.ts'
import { defaultSettings } from '../src/model/deployment.ts'
import { POLICY_KINDS } from '../src/policies/index.ts'
import { engineServices } from './engine-services.ts'
import { saturated, upstream } from './load.ts'
import { Program } from './program.ts'

const STEPS = 10
const TIMES = 20_000
const ROUNDS = 9

export interface TraceRow {
  readonly name: string
  readonly us: number
}

/** Ten steps behind a condition that holds. */
function plan(how: Recording | null): EndpointPlan {
  const step = '<Step><Name>P</Name><Condition>request.header.x-type = "gold"</Condition></Step>'
  const files = new Map<string, string>([
    ['apiproxy/b.xml', '<APIProxy name="b"/>'],
    [
      'apiproxy/policies/P.xml',
      '<AssignMessage name="P"><AssignVariable><Name>a</Name><Ref>request.verb</Ref></AssignVariable></AssignMessage>',
    ],
    [
      'apiproxy/proxies/default.xml',
      `<ProxyEndpoint name="default"><PreFlow><Request>${step.repeat(STEPS)}</Request></PreFlow>
       <HTTPProxyConnection><BasePath>/b</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    ],
  ])
  const { proxy, problems } = readBundle(files, POLICY_KINDS)
  if (proxy === null) throw new Error(JSON.stringify(problems))
  const deployed = { proxy, serviceId: null, throttle: null }
  return compileProxy(deployed, defaultSettings, POLICY_KINDS, engineServices, how).plan.endpoints[0]!
}

const HEADERS = ['Host', 'h', 'Accept', '*/*', 'User-Agent', 'bench', 'Authorization', 'Bearer x', 'X-Type', 'gold']
const CLIENT = { address: '127.0.0.1', port: 1, secure: false, host: 'h', localPort: 80 }

function requestOf(): Message {
  const request = Message.streaming('request', HEADERS, null)
  request.uri = '/b/x?y=1'
  return request
}

function pass(endpoint: EndpointPlan): void {
  const x = new Exchange('id', endpoint, CLIENT, requestOf(), '/b', '/x', 1, 0, 0)
  if (run(endpoint.request!, x) !== undefined) throw new Error('it did not go through')
}

function record(endpoint: EndpointPlan, masker: Masker): void {
  const now = performance.now()
  const recorder = new CallRecorder(RAW_CHARS_MAX, now)
  const x = new TracedExchange(recorder, 'id', endpoint, CLIENT, requestOf(), '/b', '/x', 1, 0, now)
  if (run(endpoint.request!, x) !== undefined) throw new Error('it did not go through')
  JSON.stringify(maskedCall(x, recorder, masker, { status: 200, totalMs: 1 }))
}

/** CPU time of one call of ten steps, the best of some rounds, in process. */
export function traceRows(): TraceRow[] {
  const served = plan(null)
  const before = best(() => pass(served), TIMES)
  const recorded = plan(recording)
  const masker = new Masker([], 'b')
  const on = best(() => record(recorded, masker), TIMES / 20)
  const after = best(() => pass(served), TIMES)
  return [
    { name: 'no session was ever on', us: before },
    { name: 'the same plan after calls of a recording one', us: after },
    { name: 'a recorded call: masked, and written as JSON', us: on },
  ]
}

function best(work: () => void, times: number): number {
  let bestUs = Number.POSITIVE_INFINITY
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < times; i++) work()
    const { user, system } = process.cpuUsage(before)
    if (round > 0) bestUs = Math.min(bestUs, (user + system) / times)
  }
  return Math.round(bestUs * 100) / 100
}

const config = fileURLToPath(new URL('./traces.yaml', import.meta.url))
const GATEWAY_ROUNDS = 5
const SECONDS = 2

/** What is on while the calls of `/bare` are measured. */
const CASES: readonly { readonly name: string; readonly session: object | null }[] = [
  { name: 'no session', session: null },
  { name: 'a session of another proxy', session: { proxy: 'other' } },
  {
    name: 'a session of this one, for calls with a header that none has',
    session: { proxy: 'bare', headers: { 'x-none': '1' } },
  },
  { name: 'a session that takes 20 calls a second', session: { proxy: 'bare' } },
]

/** CPU of one gateway thread for each call, the best of some rounds that take turns. Needs wrk. */
export async function gatewayTraceRows(): Promise<TraceRow[]> {
  const backend = await upstream('1')
  const program = await Program.start({ config, workers: 1, cpus: '0' })
  const rows = CASES.map(({ name }) => ({ name, us: Number.POSITIVE_INFINITY }))
  const url = `http://127.0.0.1:${program.port}/bare/1k`
  try {
    await saturated(url, 2, '1')
    for (let round = 0; round < GATEWAY_ROUNDS; round++) {
      for (const [i, { session }] of CASES.entries()) {
        const id = session === null ? null : await begin(program, session)
        const before = { cpu: program.cpuSeconds, calls: await program.calls() }
        await saturated(url, SECONDS, '1')
        await new Promise((resolve) => setTimeout(resolve, 1_000)) // counts travel every 250 ms
        const us = ((program.cpuSeconds - before.cpu) * 1e6) / ((await program.calls()) - before.calls)
        rows[i]!.us = Math.min(rows[i]!.us, Math.round(us * 10) / 10)
        if (id !== null) await program.ask(`/api/trace/sessions/${id}`, 'DELETE')
      }
    }
  } finally {
    await program.stop()
    backend.kill('SIGTERM')
  }
  return rows
}

async function begin(program: Program, session: object): Promise<string> {
  const answer = await program.ask('/api/trace/sessions', 'POST', session)
  if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}

if (import.meta.main) {
  for (const { name, us } of traceRows()) process.stdout.write(`${us.toFixed(2).padStart(8)} us  ${name}\n`)
  for (const { name, us } of await gatewayTraceRows())
    process.stdout.write(`${us.toFixed(1).padStart(8)} us  ${name}\n`)
}
