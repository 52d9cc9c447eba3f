import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { SERVER_CERT, SERVER_KEY } from '../../wire/test-certificates.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import messageLogging from './index.ts'

const run = (body: string, options: RunOptions = {}) =>
  runPolicy(messageLogging, `<MessageLogging name="ML">${body}</MessageLogging>`, options)
const syslog = (port: number, rest: string): string =>
  `<Syslog><Message>v={mine}{none}</Message><Host>127.0.0.1</Host><Port>${port}</Port>${rest}</Syslog>`
const HEAD = `1 2026-01-01T00:00:00.000Z ${'0'.repeat(32)} Apigee - - - `

describe('MessageLogging', () => {
  test('UDP: one datagram', async () => {
    const server = createSocket('udp4')
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const arrived = once(server, 'message')
    const { outcome } = await run(syslog(server.address().port, ''), { variables: { mine: 'a\r\nb' } })
    expect(outcome).toBeUndefined()
    expect(String((await arrived)[0])).toBe('v=a b')
    server.close()
  })

  test('TCP: one line each, in Apigee form, with the severity of the level', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const body = syslog(
      (server.address() as AddressInfo).port,
      '<Protocol>TCP</Protocol><FormatMessage>true</FormatMessage>',
    )
    const first = await run(`${body}<logLevel>ALERT</logLevel>`, { variables: { mine: 1 } })
    await first.again()
    const [socket] = await connected
    let text = ''
    while (text.split('\n').length < 3) text += String((await once(socket, 'data'))[0])
    expect(text).toBe(`<9>${HEAD}v=1\n<9>${HEAD}v=1\n`)
    socket.destroy()
    server.close()
  })

  test('TLS: a certificate that does not verify is refused, unless that is allowed', async () => {
    const server = createTlsServer({ cert: SERVER_CERT, key: SERVER_KEY }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const over = (rest: string): string =>
      syslog(port, `<Protocol>TCP</Protocol><SSLInfo><Enabled>true</Enabled>${rest}</SSLInfo>`)
    // However far the handshake comes before the client turns away: the entry is never read.
    const received: string[] = []
    const data = new Promise<void>((resolve) => {
      server.on('secureConnection', (socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk) => {
          received.push(String(chunk))
          if (String(chunk).endsWith('\n')) resolve()
        })
      })
    })
    const closed = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)))
    await run(over(''), { variables: { mine: 1 } })
    await closed
    await run(over('<IgnoreValidationErrors>true</IgnoreValidationErrors>'), { variables: { mine: 2 } })
    await data
    expect(received.join('')).toBe('v=2\n')
    server.close()
  })

  test('a server that is not there, and a message of 10 MB, cost the call nothing', async () => {
    const variables = { mine: 'x'.repeat(10_000_000) }
    for (const protocol of ['UDP', 'TCP']) {
      const { outcome, again } = await run(syslog(1, `<Protocol>${protocol}</Protocol>`), { variables })
      expect([outcome, await again()]).toEqual([undefined, undefined])
    }
  })

  test.each([
    ['', 'MissingSyslog'],
    ['<Syslog><Host>a</Host></Syslog>', 'MissingMessage'],
    ['<Syslog><Message>m</Message></Syslog>', 'InvalidHost'],
    [syslog(0, ''), 'InvalidPort'],
    [syslog(70_000, ''), 'InvalidPort'],
    [syslog(1, '<Protocol>HTTP</Protocol>'), 'InvalidProtocol'],
    [syslog(1, '<SSLInfo><Enabled>true</Enabled></SSLInfo>'), 'InvalidProtocol'],
    [syslog(1, '<DateFormat>yyyy</DateFormat>'), 'NotSupportedYet'],
    [`${syslog(1, '')}<File/>`, 'ConflictingElements'],
    [`${syslog(1, '')}<logLevel>DEBUG</logLevel>`, 'InvalidLogLevel'],
  ])('deployment of %s: %s', async (body, code) => {
    const { problems } = await run(body)
    expect(problems.map((problem) => problem.code)).toEqual([code])
  })

  test('File: a line in a file of the policy, below the folder of all logs', async () => {
    const written: unknown[] = []
    const logFiles = { write: (...line: unknown[]) => written.push(line) }
    const rotation =
      '<FileRotationOptions rotateFileOnStartup="true"><FileRotationType>TIME</FileRotationType><RotationFrequency unit="hour">2</RotationFrequency><MaxFilesToRetain>3</MaxFilesToRetain></FileRotationOptions>'
    const file = `<File><Message>v={mine}</Message><FileName>calls.log</FileName>${rotation}</File>`
    const { problemLines } = await run(file, { logFiles, variables: { mine: 'a\nb' } })
    expect(problemLines).toEqual([])
    const path = 'postern/test/test/1/ML/calls.log'
    const expected = { path, bytesMax: null, ageMsMax: 7_200_000, kept: 3, rotateAtStart: true }
    expect(written).toEqual([[expected, 'v=a b']])
  })

  test.each([
    ['<File><Message>m</Message><FileName>../x</FileName></File>', 'InvalidFileName'],
    ['<File><FileName>x</FileName></File>', 'MissingMessage'],
    [
      '<File><Message>m</Message><FileName>x</FileName></File><Syslog><Message>m</Message><Host>h</Host></Syslog>',
      'ConflictingElements',
    ],
    [
      '<File><Message>m</Message><FileName>x</FileName><FileRotationOptions><FileRotationType>MOON</FileRotationType></FileRotationOptions></File>',
      'InvalidRotation',
    ],
  ])('%s is %s', async (body, code) => {
    expect((await run(body)).problems.map((problem) => problem.code)).toEqual([code])
  })
})
