import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
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
