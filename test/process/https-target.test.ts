import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CA_CERT, CLIENT_CERT, CLIENT_KEY, SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { call } from '../kit/backend.ts'
import { Postern, writeFiles } from '../kit/postern.ts'

const bundle = (url: string): Record<string, string> => ({
  'apiproxy/callout.xml': '<APIProxy name="callout"/>',
  'apiproxy/policies/SC.xml': `<ServiceCallout name="SC"><Response>answer</Response><HTTPTargetConnection><URL>${url}/callout</URL></HTTPTargetConnection></ServiceCallout>`,
  'apiproxy/policies/AM.xml': '<AssignMessage name="AM"><Set><Payload>{answer.content}</Payload></Set></AssignMessage>',
  'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>SC</Name></Step></Request><Response><Step><Name>AM</Name></Step></Response></PreFlow>
    <HTTPProxyConnection><BasePath>/callout</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
})

describe('targets and callouts over TLS', () => {
  let folder: string
  let server: Server
  let origin: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-https-'))
    server = createServer({ cert: SERVER_CERT, key: SERVER_KEY }, (request, response) =>
      response.end(`secure ${request.url}`),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    writeFiles(join(folder, 'bundle'), bundle(origin))
  })

  afterAll(async () => {
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })

  async function answers(edgeCompatible: boolean): Promise<{ status: number; text: string }[]> {
    const config = join(folder, `${edgeCompatible}.yaml`)
    writeFileSync(
      config,
      `version: 1\ntls: {edgeCompatible: ${edgeCompatible}}\napis:\n  - {name: t, basePath: /t, target: "${origin}"}\n  - {bundle: ./bundle}\n`,
    )
    const postern = await Postern.start(['--config', config], { workers: 1 })
    try {
      return [await call(`${postern.gateway}/t/x`), await call(`${postern.gateway}/callout`)]
    } finally {
      await postern.stop()
    }
  }

  test('SSLInfo of a target: its trust store, the certificate of its key store, by reference, with another common name', async () => {
    const mutual = createServer(
      { cert: SERVER_CERT, key: SERVER_KEY, ca: CA_CERT, requestCert: true, rejectUnauthorized: true },
      (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN as string),
    )
    await new Promise<void>((resolve) => mutual.listen(0, '127.0.0.1', resolve))
    const { port } = mutual.address() as AddressInfo
    const target = (ssl: string): string => `<TargetEndpoint name="default"><HTTPTargetConnection>
      <URL>https://127.0.0.1:${port}/</URL><SSLInfo><Enabled>true</Enabled>${ssl}</SSLInfo></HTTPTargetConnection></TargetEndpoint>`
    const proxy = (name: string, ssl: string): Record<string, string> => ({
      [`apiproxy/${name}.xml`]: `<APIProxy name="${name}"/>`,
      'apiproxy/targets/default.xml': target(ssl),
      'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
        <RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    })
    const trust = '<TrustStore>ref://trustRef</TrustStore>'
    const client = '<ClientAuthEnabled>true</ClientAuthEnabled><KeyStore>keys</KeyStore><KeyAlias>me</KeyAlias>'
    const proxies: Record<string, string> = {
      good: trust + client,
      named: `${trust}${client}<CommonName>up.example</CommonName>`,
      nobody: trust,
      othername: `${trust}${client}<CommonName>other.example</CommonName>`,
      notrust: client,
      any: `<IgnoreValidationErrors>true</IgnoreValidationErrors>${client}`,
    }
    for (const [name, ssl] of Object.entries(proxies)) writeFiles(join(folder, name), proxy(name, ssl))
    writeFiles(folder, { 'ca.pem': CA_CERT, 'client.pem': CLIENT_CERT, 'client.key': CLIENT_KEY })
    const config = join(folder, 'ssl.yaml')
    writeFileSync(
      config,
      `version: 1
apis: [${Object.keys(proxies)
        .map((name) => `{bundle: ./${name}}`)
        .join(', ')}]
keyStores:
  - {name: trust, aliases: [{name: ca, certFile: ./ca.pem}]}
  - {name: keys, aliases: [{name: me, certFile: ./client.pem, keyFile: ./client.key}]}
references: [{name: trustRef, refers: trust, resourceType: TrustStore}]
`,
    )
    const postern = await Postern.start(['--config', config], { workers: 1 })
    try {
      const got: Record<string, string> = {}
      for (const name of Object.keys(proxies)) {
        const { status, text } = await call(`${postern.gateway}/${name}`)
        got[name] = status === 200 ? text : `${status} ${JSON.parse(text).fault.detail.errorcode.split('.').pop()}`
      }
      expect(got).toEqual({
        good: 'client',
        named: 'client',
        nobody: expect.stringMatching(/^50[23] /),
        othername: '503 SslHandshakeFailed',
        notrust: '503 SslHandshakeFailed',
        any: 'client',
      })
    } finally {
      await postern.stop()
      mutual.closeAllConnections()
      await new Promise((resolve) => mutual.close(resolve))
    }
  })

  test("Edge's way takes any certificate, by address too", async () => {
    const [target, callout] = await answers(true)
    expect([target?.status, target?.text]).toEqual([200, 'secure /x'])
    expect([callout?.status, callout?.text]).toEqual([200, 'secure /callout'])
  })

  test('ours refuses one that it cannot verify, and says no more than why', async () => {
    const [target, callout] = await answers(false)
    expect(target?.status).toBe(503)
    expect(JSON.parse(target!.text).fault.detail.errorcode).toBe('messaging.adaptors.http.flow.SslHandshakeFailed')
    expect(callout?.status).toBe(500)
    expect(JSON.parse(callout!.text).fault.detail.errorcode).toBe('steps.servicecallout.ExecutionFailed')
    for (const answer of [target, callout]) expect(answer?.text).not.toMatch(/127\.0\.0\.1|node/i)
  })
})
