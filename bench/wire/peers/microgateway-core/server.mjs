// The core of Apigee Edge Microgateway, offline: one proxy, no calls to Apigee. The plugin for svc sees every request,
// so it is loaded only when that workload is asked for.
import path from 'node:path'
import microgateway from 'microgateway-core'
import { fetchUser, upstreamUrl } from '../callout.mjs'

const gateway = microgateway({
  edgemicro: {
    port: Number(process.env.PORT),
    address: '127.0.0.1',
    nodelay: true,
    max_connections: -1,
    max_connections_hard: -1,
    plugins: {},
    logging: {
      level: 'none',
      dir: path.join(process.env.RUN_DIR, 'logs'),
      stats_log_interval: 60,
      rotate_interval: 24,
      to_console: false,
    },
  },
  headers: {
    'x-forwarded-for': true,
    'x-forwarded-host': true,
    'x-request-id': true,
    'x-response-time': true,
    via: true,
  },
  proxies: [
    { name: 'all', proxy_name: 'all', revision: '1', base_path: '/', url: `${upstreamUrl}/`, max_connections: -1 },
  ],
})

const addUser = {
  onrequest(request, _response, next) {
    if (!request.targetPath.startsWith('/svc/')) return next()
    fetchUser((error, user) => {
      if (error) return next(error)
      request.headers['x-user'] = user
      request.targetPath = request.targetPath.slice('/svc'.length)
      next()
    })
  },
}
if (process.env.BENCH_WORKLOADS.split(',').includes('svc')) gateway.addPlugin('svc', () => addUser)

gateway.start((error) => {
  if (error) throw error
})
