// http-proxy behind a bare node:http server.
import http from 'node:http'
import httpProxy from 'http-proxy'
import { fetchUser, upstreamUrl } from '../callout.mjs'

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
const proxy = httpProxy.createProxyServer({ target: upstreamUrl, agent, xfwd: true })
proxy.on('error', (error, _request, response) => response.destroy(error))

const server = http.createServer((request, response) => {
  if (!request.url.startsWith('/svc/')) return proxy.web(request, response)
  fetchUser((error, user) => {
    if (error) return response.destroy(error)
    request.headers['x-user'] = user
    request.url = request.url.slice('/svc'.length)
    proxy.web(request, response)
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
