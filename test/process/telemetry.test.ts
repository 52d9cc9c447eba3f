import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend, call } from '../kit/backend.ts'
import { Postern, runPostern, until, writeFiles } from '../kit/postern.ts'

// Spans at a collector: a call, its callout, its target, and a proxy that it passes on the way.

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { code?: number }
  readonly attributes: readonly { key: string; value: { stringValue?: string; intValue?: string } }[]
}

/** A collector that keeps what it gets, and answers with what it is told to. */
class Collector {
  readonly spans: Span[] = []
  readonly requests: { path: string; key: string; service: string }[] = []
  status = 200
  backend!: Backend

  async start(): Promise<this> {
    this.backend = await Backend.start((request, response) => {
      const body = JSON.parse(request.body) as {
        resourceSpans: {
          resource: { attributes: Span['attributes'] }
          scopeSpans: { spans: Span[] }[]
        }[]
      }
      const [first] = body.resourceSpans
      const service = first!.resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
      this.requests.push({ path: request.url, key: String(request.headers['x-key']), service })
      if (this.status === 200) this.spans.push(...first!.scopeSpans.flatMap(({ spans }) => spans))
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}')
    })
    return this
  }
}

const attribute = ({ attributes }: Span, name: string): string | undefined => {
  const value = attributes.find(({ key }) => key === name)?.value
  return value?.stringValue ?? value?.intValue
}

let data: string
let collector: Collector
let upstream: Backend
let seen: Record<string, string | undefined>
let postern: Postern | null = null

/** `argsOf`: options that name the collector. */
async function start(argsOf: (url: string) => string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  seen = {}
  collector = await new Collector().start()
  upstream = await Backend.start((request, response) => {
    seen[request.url.split('?')[0]!] = String(request.headers['traceparent'])
    response.statusCode = request.url.startsWith('/bad') ? 502 : 200
    response.end('ok')
  })
  data = mkdtempSync(join(tmpdir(), 'postern-telemetry-'))
  writeFiles(data, {
    'front/apiproxy/front.xml': '<APIProxy name="front"/>',
    'front/apiproxy/policies/SC.xml': `<ServiceCallout name="SC"><Request variable="r"><Set><Path>/side</Path></Set></Request>
      <Response>a</Response><HTTPTargetConnection><URL>${upstream.url}</URL></HTTPTargetConnection></ServiceCallout>`,
    'front/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request><Step><Name>SC</Name></Step></Request></PreFlow>
      <HTTPProxyConnection><BasePath>/front</BasePath></HTTPProxyConnection>
      <RouteRule name="t"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'front/apiproxy/targets/default.xml': `<TargetEndpoint name="default"><LocalTargetConnection>
      <APIProxy>inner</APIProxy><ProxyEndpoint>default</ProxyEndpoint></LocalTargetConnection></TargetEndpoint>`,
    'postern.yaml': stringify({
      version: 1,
      apis: [
        { bundle: './front' },
        { name: 'inner', basePath: '/inner', target: upstream.url },
        { name: 'bad', basePath: '/out', target: `${upstream.url}/bad` },
      ],
    }),
  })
  const args = ['--config', join(data, 'postern.yaml'), ...argsOf(collector.backend.url)]
  postern = await Postern.start(args, { data: join(data, 'data'), workers: 2, env })
}

const toCollector = (url: string): string[] => ['--otlp-endpoint', url]

afterEach(async () => {
  await postern?.stop()
  postern = null
  await upstream?.stop()
  await collector?.backend.stop()
  rmSync(data, { recursive: true, force: true })
})

test('a call that brings a trace goes on in it, with a span for each hop', async () => {
  const secret = 'key-of-the-collector'
  await start(toCollector, { OTEL_EXPORTER_OTLP_HEADERS: `x-key=${secret}`, OTEL_SERVICE_NAME: 'edge' })
  const answer = await call(`${postern!.gateway}/front/x?secret=1`, {
    headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=b' },
  })
  expect(answer.status).toBe(200)
  await until(async () => collector.spans.length === 5)
  const { spans } = collector
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]))
  const server = (name: string): Span => spans.find((span) => span.kind === 2 && span.name === name)!
  const serverOf = (span: Span): string => `${attribute(span, 'server.address')}:${attribute(span, 'server.port')}`
  const client = (parent: Span, address: string): Span =>
    spans.find((span) => span.kind === 3 && span.parentSpanId === parent.spanId && serverOf(span) === address)!
  const { host } = new URL(upstream.url)
  const front = server('GET /front')
  const inner = server('GET /inner')
  expect(front.parentSpanId).toBe(PARENT)
  expect(serverOf(front)).toBe(new URL(postern!.gateway).host)
  const callout = client(front, host)
  expect(seen['/side']).toBe(`00-${TRACE}-${callout.spanId}-01`)
  const hop = spans.find((span) => span.spanId === inner.parentSpanId)!
  expect([hop.kind, hop.parentSpanId]).toEqual([3, front.spanId])
  const target = client(inner, host)
  expect(seen['/x']).toBe(`00-${TRACE}-${target.spanId}-01`)
  expect(attribute(front, 'postern.request_id')).toBe(answer.headers['x-request-id'])
  expect(attribute(front, 'http.response.status_code')).toBe('200')
  for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
    expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(front.startTimeUnixNano) - 1_000_000n)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano))
  }
  expect(JSON.stringify(spans)).not.toContain('secret')
  expect(collector.requests[0]).toEqual({ path: '/v1/traces', key: secret, service: 'edge' })
})

test('a trace begins with the request id; one that nobody samples goes on unseen; an error shows', async () => {
  await start((url) => toCollector(`${url}/`))
  await call(`${postern!.gateway}/inner/quiet`, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } })
  expect(seen['/quiet']).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-00$`))
  const twice = await call(`${postern!.gateway}/out`, { headers: { traceparent: 'not one' } })
  expect(twice.status).toBe(502)
  await until(async () => collector.spans.length === 2)
  const [own, out] = collector.spans
  expect(own!.traceId).toBe(twice.headers['x-request-id'])
  expect(own!.parentSpanId).toBeUndefined()
  expect([own!.status.code, out!.status.code, attribute(out!, 'error.type')]).toEqual([2, 2, '502'])
})

test('a collector that is away holds up no call, and gets what waited', async () => {
  await start(toCollector, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
  collector.status = 503
  for (let i = 0; i < 20; i++) expect((await call(`${postern!.gateway}/inner/${i}`)).status).toBe(200)
  await until(async () => collector.requests.length > 0)
  collector.status = 200
  const run = await postern!.stop()
  postern = null
  // At the end it is tried once more.
  expect(collector.spans.length).toBe(40)
  expect(run.stderr).toContain('spans wait')
})

test('without a collector a traceparent goes on as it came', async () => {
  await start(() => [], { OTEL_EXPORTER_OTLP_ENDPOINT: '' })
  await call(`${postern!.gateway}/inner/x`, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } })
  expect(seen['/x']).toBe(`00-${TRACE}-${PARENT}-01`)
  await call(`${postern!.gateway}/inner/none`)
  expect(seen['/none']).toBe('undefined')
})

test.each([
  [['--otlp-endpoint', 'collector:4318'], {}, 'a collector is an http or https URL'],
  [['--otlp-share', '2'], {}, 'a share is a number from 0 to 1'],
  [['--otlp-endpoint', 'http://127.0.0.1:9'], { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http/json'],
  [['--otlp-endpoint', 'http://127.0.0.1:9'], { OTEL_EXPORTER_OTLP_HEADERS: 'k=%zz-secret' }, 'the value of k'],
])('%j %j is refused at start', async (args, env, text) => {
  data = mkdtempSync(join(tmpdir(), 'postern-telemetry-'))
  const run = await runPostern(['start', ...args, '--data', data, '--port', '0', '--admin-port', '0'], env)
  expect(run.code).toBe(1)
  expect(run.stderr).toContain(text)
  expect(run.stderr).not.toContain('secret')
})
