// The stand-in for what the shop calls. Demo only. It fails when it is asked to: `X-Stand-In: 503`, or `late` for no answer in time.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const PRODUCTS: readonly object[] = [
  { sku: 'kettle', euros: 39 },
  { sku: 'lamp', euros: 24 },
  { sku: 'chair', euros: 89 },
]
const LATE_MS = 2_500

export interface Stock {
  readonly port: number
  close(): void
}

/** Starts it on loopback; port 0 takes a free one. */
export function startStock(port: number): Promise<Stock> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const asked = request.headers['x-stand-in']
    const path = (request.url ?? '').split('?')[0]!
    if (asked === 'late') {
      const timer = setTimeout(() => answer(200, PRODUCTS), LATE_MS)
      response.once('close', () => clearTimeout(timer))
    } else if (typeof asked === 'string' && /^5\d\d$/.test(asked)) answer(Number(asked), { error: 'as asked for' })
    else if (path === '/products' || path === '/search') answer(200, PRODUCTS)
    else if (path === '/orders' && request.method === 'POST') answer(201, { order: 'accepted' })
    else {
      const product = PRODUCTS.find((one) => path === `/products/${(one as { sku: string }).sku}`)
      answer(product === undefined ? 404 : 200, product ?? { error: 'no such product' })
    }
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve({ port: portOf(server), close: () => stop(server) }))
  })
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function stop(server: Server): void {
  server.close()
  server.closeAllConnections()
}
