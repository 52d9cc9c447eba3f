// A bare proxy on the same transport: what Postern would cost without routing, flows, throttles, records and headers.
// node bench/floor.ts PORT UPSTREAM_PORT
import type { BodySink, BodySource } from '../src/core/body.ts'
import { SERVER_LIMITS } from '../src/gateway/protocol.ts'
import { TargetCall } from '../src/gateway/target-call.ts'
import { createUpstreamClient } from '../src/wire/client.ts'
import { listen } from '../src/wire/server.ts'
import type { Downstream, Origin } from '../src/wire/types.ts'

const [port = 8080, upstreamPort = 9700] = process.argv.slice(2).map(Number)
const origin: Origin = { key: 'upstream', secure: false, host: '127.0.0.1', port: upstreamPort }
const client = createUpstreamClient()

function pass(down: Downstream): void {
  const target = new TargetCall({
    onAnswer(status, reason, headers, body) {
      if (body === null) return down.send(status, reason, headers, null)
      down.head(status, reason, headers, body.lengthBytes)
      body.start(stream(down, body))
    },
    onFailure: () => down.send(502, 'Bad Gateway', [], null),
  })
  down.finishListener = { onFinish: (how) => how === 'gone' && target.abort() }
  target.send(client, {
    origin,
    method: down.method,
    target: down.target,
    headers: down.rawHeaders,
    body: down.body,
    connectTimeoutMs: 3_000,
    ioTimeoutMs: 55_000,
  })
}

function stream(down: Downstream, body: BodySource): BodySink {
  down.drainListener = { onDrain: () => body.resume() }
  return {
    onData: (chunk) => down.write(chunk),
    onEnd: (trailers) => down.end(trailers),
    onError: () => down.abort(),
  }
}

await listen({
  host: '127.0.0.1',
  port,
  reusePort: false,
  limits: SERVER_LIMITS,
  onRequest: pass,
  protocolError: (_status, _reason, detail) => ({ headers: ['Content-Type', 'text/plain'], body: detail }),
})
process.stdout.write(`floor on ${port}\n`)
