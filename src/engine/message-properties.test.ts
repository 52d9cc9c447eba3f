import { describe, expect, test } from 'vitest'
import { Message } from './message.ts'
import { messageProperty } from './message-properties.ts'

function request(): Message {
  const message = Message.streaming(
    'request',
    ['Cache-Control', 'public, maxage=16544', 'Content-Type', 'application/x-www-form-urlencoded'],
    null,
  )
  message.verb = 'POST'
  message.uri = '/a/b?x=1&x=2&y=%20'
  message.content = 'f=1&g=2&f=3'
  return message
}

describe('properties of a message', () => {
  test.each([
    ['verb', 'POST'],
    ['uri', '/a/b?x=1&x=2&y=%20'],
    ['path', '/a/b'],
    ['querystring', 'x=1&x=2&y=%20'],
    ['status.code', null],
    ['header.cache-control', 'public'],
    ['header.Cache-Control.2', 'maxage=16544'],
    ['header.cache-control.3', null],
    ['header.cache-control.values', ['public', 'maxage=16544']],
    ['header.cache-control.values.count', 2],
    ['header.cache-control.values.string', 'public, maxage=16544'],
    ['header.absent', null],
    ['header.absent.values.count', 0],
    ['headers.count', 2],
    ['headers.names', ['Cache-Control', 'Content-Type']],
    ['queryparam.x', '1'],
    ['queryparam.x.2', '2'],
    ['queryparam.x.values.count', 2],
    ['queryparam.y', ' '],
    ['queryparam.z', null],
    ['queryparams.count', 2],
    ['formparam.f', '1'],
    ['formparam.f.2', '3'],
    ['formparams.names', ['f', 'g']],
    ['formstring', 'f=1&g=2&f=3'],
    ['content', 'f=1&g=2&f=3'],
    ['content.as.base64', 'Zj0xJmc9MiZmPTM='],
  ])('%s', (path, expected) => {
    expect(messageProperty(path)?.get(request())).toEqual(expected)
  })

  test.each(['', 'nothing', 'header', 'header.', 'constructor', 'toString.x', '__proto__'])(
    '%j is no property',
    (path) => {
      expect(messageProperty(path)).toBeNull()
    },
  )

  test.each(['header.a b', 'header.a\r\nb.2', 'header.ä.values'])(
    '%j cannot be written, and is never there',
    (path) => {
      expect(messageProperty(path)).toMatchObject({ set: null })
      expect(messageProperty(path)!.get(request())).toBeNull()
    },
  )

  test('writing a form parameter writes the content', () => {
    const message = request()
    messageProperty('formparam.g')!.set!(message, 'ä')
    expect(message.content).toBe('f=1&g=%C3%A4&f=3')
  })

  test('writing a status keeps a reason of its own and follows the usual one', () => {
    const message = Message.response(200, 'OK', [], null)
    const status = messageProperty('status.code')!
    status.set!(message, 404)
    expect([message.status, message.reason]).toEqual([404, 'Not Found'])
    message.reason = 'Gone fishing'
    status.set!(message, '503')
    expect([message.status, message.reason]).toEqual([503, 'Gone fishing'])
    status.set!(message, 'junk')
    expect(message.status).toBe(503)
  })
})
