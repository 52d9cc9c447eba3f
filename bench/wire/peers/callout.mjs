// The svc workload for the Node peers: one keep-alive GET to the upstream, parse the answer, hand on the user.
import http from 'node:http'

const agent = new http.Agent({ keepAlive: true })
const options = { host: '127.0.0.1', port: 9700, path: '/callout', agent }

export const upstreamUrl = 'http://127.0.0.1:9700'

/** `done(error, user)` */
export function fetchUser(done) {
  const request = http.get(options, (response) => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (text) => {
      body += text
    })
    response.on('end', () => done(null, JSON.parse(body).sub))
  })
  request.on('error', done)
}
