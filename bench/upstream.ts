// The upstream of the benchmarks: 1 KiB for every call but /callout, which answers JSON, in its own process on the upstream's port. node bench/upstream.ts PORT
import { SERVER_LIMITS } from '../src/gateway/protocol.ts'
import { listen } from '../src/wire/server.ts'

const body = Buffer.alloc(1024, 'x')
const user = '{"sub":"user-1","name":"Ada","roles":["reader","writer"]}'
const headers = ['Content-Type', 'text/plain']
await listen({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  reusePort: false,
  limits: SERVER_LIMITS,
  onRequest: (down) =>
    down.target === '/callout'
      ? down.send(200, 'OK', ['Content-Type', 'application/json'], user)
      : down.send(200, 'OK', headers, body),
  protocolError: (_status, _reason, detail) => ({ headers, body: detail }),
})
process.stdout.write('ready\n')
