import { afterEach, expect, test } from 'vitest'
import { CHUNKED, MALFORMED, ODD } from './test-requests.ts'
import { cleanUp, exchangeRaw, serve } from './test-support.ts'

afterEach(cleanUp)

test.each(MALFORMED)('%s', async (_name, bytes, status) => {
  const targets: string[] = []
  const server = await serve((exchange) => {
    targets.push(exchange.target)
    exchange.body?.start({ onData: () => true, onEnd: () => exchange.send(200, 'OK', [], 'read'), onError: () => {} })
    if (exchange.body === null) exchange.send(200, 'OK', [], 'none')
  })
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const rest of ['', smuggled]) {
    const text = await exchangeRaw(server.port, bytes + rest)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(text).toMatch(new RegExp(`\r\n\r\n${status} [^\r\n]+$`))
  }
  expect(targets).not.toContain('/smuggled')
  expect(targets.length === 0 || bytes.startsWith(CHUNKED)).toBe(true)
})

test.each(ODD)('%s is fine', async (_name, bytes, body) => {
  const server = await serve((exchange) => {
    let read = ''
    const answer = (): void => exchange.send(200, 'OK', [], `<${read}>`)
    if (exchange.body === null) answer()
    const onData = (chunk: Buffer): boolean => {
      read += chunk.toString('latin1')
      return true
    }
    exchange.body?.start({ onData, onEnd: answer, onError: () => {} })
  })
  const text = await exchangeRaw(server.port, `${bytes}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  expect(text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2)
  expect(text).toContain(`\r\n\r\n<${body}>HTTP/1.1 200 OK\r\n`)
})
