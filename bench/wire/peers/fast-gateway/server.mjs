// fast-gateway with its default HTTP proxy. 3.4.7: later versions ask for a fast-proxy-lite that was never published.
import gateway from 'fast-gateway'
import { fetchUser, upstreamUrl } from '../callout.mjs'

function addUser(request, _response, next) {
  fetchUser((error, user) => {
    if (error) return next(error)
    request.headers['x-user'] = user
    next()
  })
}

const server = gateway({
  routes: [
    { prefix: '/svc', prefixRewrite: '', target: upstreamUrl, middlewares: [addUser], proxyConfig: { http: {} } },
    { prefix: '/', pathRegex: '*', prefixRewrite: '/', target: upstreamUrl, proxyConfig: { http: {} } },
  ],
})
server.start(Number(process.env.PORT), '127.0.0.1')
