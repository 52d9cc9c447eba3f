import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { WireOutbound } from '../../gateway/outbound.ts'
import { Destinations } from '../../gateway/url.ts'
import type { EnvironmentEntities } from '../../model/entities.ts'
import { createUpstreamClient } from '../../wire/client.ts'
import { CA_CERT, CLIENT_CERT, CLIENT_KEY, SERVER_CERT, SERVER_KEY } from '../../wire/test-certificates.ts'
import { type PolicyRun, runPolicy } from '../test-kit.ts'
import serviceCallout from './index.ts'

const cleanups: (() => void)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

const entities: Partial<EnvironmentEntities> = {
  keyStores: [
    { name: 'trust', aliases: [{ name: 'ca', cert: CA_CERT, key: null }] },
    { name: 'keys', aliases: [{ name: 'me', cert: CLIENT_CERT, key: CLIENT_KEY }] },
    { name: 'wrongKey', aliases: [{ name: 'me', cert: CLIENT_CERT, key: SERVER_KEY }] },
    { name: 'empty', aliases: [] },
  ],
  references: [
    { name: 'trustRef', refers: 'trust', resourceType: 'TrustStore' },
    { name: 'dangling', refers: 'gone', resourceType: 'TrustStore' },
  ],
}

const TRUST = '<TrustStore>trust</TrustStore>'
const CLIENT = '<ClientAuthEnabled>true</ClientAuthEnabled><KeyStore>keys</KeyStore><KeyAlias>me</KeyAlias>'

async function backend(options: TlsOptions = {}): Promise<number> {
  const server = createServer({ cert: SERVER_CERT, key: SERVER_KEY, ...options }, (request, response) => {
    const socket = request.socket as TLSSocket
    const { subject } = socket.getPeerCertificate()
    response.end(`${subject?.CN ?? 'nobody'} ${socket.getProtocol()} ${socket.getCipher().name}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const policy = (port: number, ssl: string): string => `<ServiceCallout name="SC"><Response>answer</Response>
  <HTTPTargetConnection><URL>https://127.0.0.1:${port}/</URL><SSLInfo>${ssl}</SSLInfo></HTTPTargetConnection>
</ServiceCallout>`

function outboundOf(verify = true): WireOutbound {
  const client = createUpstreamClient()
  cleanups.push(() => client.close())
  return new WireOutbound(client, new Destinations({}, verify))
}

function call(port: number, ssl: string, outbound = outboundOf()): Promise<PolicyRun> {
  return runPolicy(serviceCallout, policy(port, ssl), { outbound, entities })
}

const contentOf = (run: PolicyRun): unknown => (run.exchange.get('answer') as { content: string } | null)?.content
const handshake = (reason: string): object => ({
  text: `Execution of ServiceCallout SC failed. Reason: SSL Handshake failed ${reason}`,
})

describe('who is trusted', () => {
  test.each([
    TRUST,
    '<TrustStore>ref://trustRef</TrustStore>',
    `<Enabled>true</Enabled><Enforce>true</Enforce>${TRUST}`,
  ])('a certificate that the store signs: %s', async (ssl) => {
    const run = await call(await backend(), ssl)
    expect(run.problemLines).toEqual([])
    expect(run.outcome).toBeUndefined()
    expect(run.exchange.get('servicecallout.SC.expectedcn')).toBe('127.0.0.1')
  })

  test.each(['<Enabled>true</Enabled>', '<TrustStore>keys</TrustStore>', '<Enforce>true</Enforce>'])(
    'no other one: %s',
    async (ssl) => {
      const run = await call(await backend(), ssl)
      expect(run.outcome).toMatchObject(handshake('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))
      expect(run.exchange.get('servicecallout.SC.failed')).toBe(true)
    },
  )

  test('any with IgnoreValidationErrors, unless Enforce stands beside it', async () => {
    const ignore = '<IgnoreValidationErrors>true</IgnoreValidationErrors>'
    expect((await call(await backend(), ignore)).outcome).toBeUndefined()
    const both = await call(await backend(), `${ignore}<Enforce>true</Enforce>`)
    expect(both.outcome).toMatchObject(handshake('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))
    expect(both.problemLines).toEqual([expect.stringContaining('SSLInfoConflict')])
  })
})

describe('CommonName', () => {
  test.each([
    ['up.example', true],
    ['SERVER', true],
    ['other.example', false],
  ])('%s: %s', async (name, matches) => {
    const run = await call(await backend(), `${TRUST}<CommonName>${name}</CommonName>`)
    if (matches) expect(run.outcome).toBeUndefined()
    else expect(run.outcome).toMatchObject(handshake('ERR_TLS_CERT_ALTNAME_INVALID'))
    expect(run.exchange.get('servicecallout.SC.expectedcn')).toBe(name)
  })
})

describe('mutual TLS', () => {
  const asking = { ca: CA_CERT, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' } as const

  test('the certificate of the alias is shown', async () => {
    expect(contentOf(await call(await backend(asking), TRUST + CLIENT))).toMatch(/^client /)
  })

  test('without one the handshake fails, on connections of its own', async () => {
    const port = await backend(asking)
    const outbound = outboundOf()
    expect((await call(port, TRUST + CLIENT, outbound)).outcome).toBeUndefined()
    expect((await call(port, TRUST, outbound)).outcome).toMatchObject(
      handshake('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'),
    )
  })
})

test('Protocols and Ciphers, in the names of Java', async () => {
  const list = ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'SSL_RSA_WITH_RC4_128_MD5']
  const ciphers = `<Ciphers>${list.map((name) => `<Cipher>${name}</Cipher>`).join('')}</Ciphers>`
  const run = await call(await backend(), `${TRUST}<Protocols><Protocol>TLSv1.2</Protocol></Protocols>${ciphers}`)
  expect(contentOf(run)).toBe('nobody TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384')
  expect(run.problemLines).toEqual([expect.stringContaining('SSL_RSA_WITH_RC4_128_MD5')])
})

test.each([
  ['<TrustStore>gone</TrustStore>', 'error: TrustStoreMissing: the environment has no TrustStore named gone'],
  ['<TrustStore>empty</TrustStore>', 'error: KeyAliasMissing: TrustStore empty holds no certificate'],
  ['<TrustStore>ref://gone</TrustStore>', 'error: ReferenceMissing: there is no reference ref://gone'],
  ['<TrustStore>ref://dangling</TrustStore>', 'error: TrustStoreMissing: the environment has no TrustStore named gone'],
  ['<KeyStore>ref://gone</KeyStore>', 'error: ReferenceMissing: there is no reference ref://gone'],
  [CLIENT.replace('keys', 'gone'), 'error: KeyStoreMissing: the environment has no KeyStore named gone'],
  [CLIENT.replace('me<', 'you<'), 'error: KeyAliasMissing: KeyStore keys has no alias you'],
  [
    CLIENT.replace('keys', 'trust').replace('me<', 'ca<'),
    'error: KeyAliasMissing: alias ca of KeyStore trust has no private key',
  ],
  [
    CLIENT.replace('keys', 'wrongKey'),
    'error: InvalidSSLInfo: the keys, ciphers and protocols of SSLInfo cannot be used',
  ],
  ['<ClientAuthEnabled>true</ClientAuthEnabled>', 'error: InvalidSSLInfo: <ClientAuthEnabled> needs <KeyStore>'],
  ['<Enforce>yes</Enforce>', 'error: InvalidSSLInfo: <Enforce> must be true or false, not yes'],
  ['<KeyStore>{a}</KeyStore>', 'error: NotSupportedYet: <KeyStore> from a variable is not supported'],
  ['<Protocols><Protocol>SSLv3</Protocol></Protocols>', 'error: InvalidSSLInfo: protocol SSLv3 is not known'],
  ['<Ciphers><Cipher>NONE</Cipher></Ciphers>', 'error: InvalidSSLInfo: none of the <Cipher> is known'],
  ['<CommonName wildcardMatch="maybe">a</CommonName>', 'error: InvalidSSLInfo: wildcardMatch must be true or false'],
  ['<Enabled>false</Enabled>', 'error: InvalidSSLInfo: <Enabled>false</Enabled> does not fit the URL'],
  ['<Odd>1</Odd>', 'warning: UnknownElement: <Odd> is not known in SSLInfo and has no effect'],
])('at deployment: %s', async (ssl, line) => {
  const { problemLines } = await call(1, ssl)
  expect(problemLines).toContainEqual(expect.stringContaining(line))
})
