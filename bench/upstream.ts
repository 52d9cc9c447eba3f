// The upstream of the benchmarks: 1 KiB for every call, in its own process on the upstream's port. node bench/upstream.ts PORT
import { SERVER_LIMITS } from '../src/gateway/protocol.ts'
import { listen } from '../src/wire/server.ts'

const body = Buffer.alloc(1024, 'x')
const headers = ['Content-Type', 'text/plain']
await listen({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  reusePort: false,
  limits: SERVER_LIMITS,
  onRequest: (down) => down.send(200, 'OK', headers, body),
  protocolError: (_status, _reason, detail) => ({ headers, body: detail }),
})
process.stdout.write('ready\n')
