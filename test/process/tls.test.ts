import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type AgentOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CA_CERT,
  CLIENT_CERT,
  CLIENT_KEY,
  OTHER_CERT,
  OTHER_KEY,
  SERVER_CERT,
  SERVER_KEY,
} from '../../src/wire/test-certificates.ts'
import { call } from '../kit/backend.ts'
import { Postern, runPostern, writeFiles } from '../kit/postern.ts'

const SCHEME = `<AssignMessage name="AM"><Set><Headers><Header name="X-Scheme">{client.scheme}</Header></Headers></Set></AssignMessage>`

/** Says in a header which scheme the client used; without a target. */
const BUNDLE = {
  'apiproxy/scheme.xml': '<APIProxy name="scheme"/>',
  'apiproxy/policies/AM.xml': SCHEME,
  'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PostFlow><Response><Step><Name>AM</Name></Step></Response></PostFlow>
    <HTTPProxyConnection><BasePath>/scheme</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
}

/** One call that trusts nothing but the test's own CA, on a connection of its own. */
function secureCall(
  url: string,
  options: AgentOptions = {},
): Promise<{ status: number; scheme: string | string[] | undefined; subject: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca: CA_CERT, ...options })
    const outgoing = request(url, { agent }, (incoming) => {
      const socket = incoming.socket as import('node:tls').TLSSocket
      const subject = String(socket.getPeerCertificate().subject.CN)
      incoming.resume()
      incoming.on('error', reject)
      incoming.on('end', () => {
        agent.destroy()
        resolve({ status: incoming.statusCode ?? 0, scheme: incoming.headers['x-scheme'], subject })
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('the TLS door of the gateway', () => {
  let folder: string
  let cert: string
  let key: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-tls-'))
    cert = join(folder, 'cert.pem')
    key = join(folder, 'key.pem')
    writeFileSync(cert, SERVER_CERT)
    writeFileSync(key, SERVER_KEY)
    writeFiles(join(folder, 'scheme'), BUNDLE)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('serves beside the plain port, on every thread, and flows see https', async () => {
    const env = { POSTERN_TLS_PORT: '0', POSTERN_TLS_CERT: cert, POSTERN_TLS_KEY: key }
    const postern = await Postern.start([join(folder, 'scheme')], { env, workers: 2 })
    try {
      expect(postern.gatewayTls).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
      for (let i = 0; i < 8; i++) {
        expect(await secureCall(`${postern.gatewayTls}/scheme`)).toEqual({
          status: 200,
          scheme: 'https',
          subject: 'server',
        })
      }
      const plain = await call(`${postern.gateway}/scheme`)
      expect([plain.status, plain.headers['x-scheme']]).toEqual([200, 'http'])
    } finally {
      expect((await postern.stop()).code).toBe(0)
    }
  })

  test('several certificates, by name; a CA that clients must be signed by', async () => {
    const [otherCert, otherKey, ca] = ['other-cert.pem', 'other-key.pem', 'ca.pem'].map((name) => join(folder, name))
    writeFileSync(otherCert!, OTHER_CERT)
    writeFileSync(otherKey!, OTHER_KEY)
    writeFileSync(ca!, CA_CERT)
    const args = ['--tls-cert', cert, '--tls-key', key, '--tls-cert', otherCert!, '--tls-key', otherKey!]
    const env = { POSTERN_TLS_PORT: '0', POSTERN_TLS_CLIENT_CA: ca! }
    const postern = await Postern.start([join(folder, 'scheme'), ...args], { env, workers: 2 })
    try {
      const url = `${postern.gatewayTls}/scheme`
      const own = { cert: CLIENT_CERT, key: CLIENT_KEY }
      expect(await secureCall(url, own)).toMatchObject({ status: 200, subject: 'server' })
      const other = { ...own, servername: 'a.wild.example', ca: OTHER_CERT }
      expect(await secureCall(url, other)).toMatchObject({ status: 200, subject: 'other' })
      await expect(secureCall(url)).rejects.toThrow()
      await expect(secureCall(url, { cert: OTHER_CERT, key: OTHER_KEY })).rejects.toThrow()
    } finally {
      await postern.stop()
    }
  })

  test('what cannot be used is one clear line', async () => {
    const otherKey = join(folder, 'other-key.pem')
    writeFileSync(otherKey, CLIENT_KEY)
    const absent = join(folder, 'absent.pem')
    const cases: readonly [string[], RegExp][] = [
      [['--tls-port', '0'], /--tls-cert and --tls-key missing/],
      [['--tls-cert', cert, '--tls-key', key], /--tls-port missing/],
      [['--tls-port', '0', '--tls-cert', absent, '--tls-key', key], /--tls-cert \S+absent\.pem cannot be read: ENOENT/],
      [['--tls-port', '0', '--tls-cert', key, '--tls-key', key], /--tls-cert \S+key\.pem holds no certificate/],
      [['--tls-port', '0', '--tls-cert', cert, '--tls-key', cert], /--tls-key \S+cert\.pem holds no private key/],
      [
        ['--tls-port', '0', '--tls-cert', cert, '--tls-key', key, '--tls-cert', cert],
        /a --tls-key for each --tls-cert, in the same order: there are 2 certificates and 1 keys/,
      ],
      [
        ['--tls-port', '0', '--tls-cert', cert, '--tls-key', key, '--tls-client-ca', key],
        /--tls-client-ca \S+key\.pem holds no certificate/,
      ],
      [['--tls-client-ca', cert], /--tls-port and --tls-cert and --tls-key missing/],
      [['--tls-port', '0', '--tls-cert', cert, '--tls-key', otherKey], /other-key\.pem is not the key of --tls-cert/],
    ]
    const runs = cases.map(([args]) =>
      runPostern([
        'start',
        join(folder, 'scheme'),
        '--port',
        '0',
        '--admin-port',
        '0',
        '--backend-port',
        '0',
        '--data',
        folder,
        ...args,
      ]),
    )
    for (const [i, run] of (await Promise.all(runs)).entries()) {
      expect(run.code).toBe(1)
      expect(run.stdout).toBe('')
      expect(run.stderr).toMatch(cases[i]![1])
      expect(run.stderr.trim().split('\n')).toHaveLength(1)
    }
  })
})
