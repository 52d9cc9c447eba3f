import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { BodySink, BodySource } from '../core/body.ts'
import { Message } from './message.ts'

/** A body that arrives in the given chunks, each after the sink was ready for it. */
function source(chunks: readonly Buffer[], lengthBytes = -1): BodySource {
  let sink: BodySink | null = null
  let next = 0
  const go = (): void => {
    while (sink !== null && next < chunks.length) if (!sink.onData(chunks[next++]!)) return
    if (next === chunks.length) {
      next++
      sink?.onEnd(null)
    }
  }
  return {
    lengthBytes,
    start: (to) => {
      sink = to
      setImmediate(go)
    },
    resume: go,
    cancel: () => {
      sink = null
    },
  }
}

const PLAIN = Buffer.from('{"name": "Zürich"}')

describe('the content of a message', () => {
  test.each([
    ['', PLAIN],
    ['identity', PLAIN],
    ['gzip', gzipSync(PLAIN)],
    ['GZIP', gzipSync(PLAIN)],
    ['br', brotliCompressSync(PLAIN)],
    ['deflate', deflateSync(PLAIN)],
    ['deflate', deflateRawSync(PLAIN)],
  ])('in coding %j is what a step reads', async (coding, bytes) => {
    const headers = coding === '' ? [] : ['Content-Encoding', coding]
    const message = Message.streaming('response', headers, source([bytes.subarray(0, 5), bytes.subarray(5)]))
    expect(await message.load(1_000)).toBeUndefined()
    expect(message.content).toBe(PLAIN.toString())
    expect(message.headers.get('content-encoding')).toBe(coding === 'identity' ? coding : undefined)
    expect(message.load(1_000)).toBeUndefined()
  })

  test('a small body that would become large is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000))
    const message = Message.streaming('request', ['Content-Encoding', 'gzip'], source([bomb]))
    expect(await message.load(100_000)).toBe('too-big')
  })

  test.each([
    ['declared', 2_000],
    ['found out', -1],
  ])('a body over the limit is refused, %s', async (_how, lengthBytes) => {
    const message = Message.streaming('request', [], source([Buffer.alloc(600), Buffer.alloc(600)], lengthBytes))
    expect(await message.load(1_000)).toBe('too-big')
  })

  test('what is not in its coding is said to be so', async () => {
    const message = Message.streaming('response', ['Content-Encoding', 'gzip'], source([PLAIN]))
    expect(await message.load(1_000)).toBe('undecodable')
  })

  test('two that wait for the same body both have it', async () => {
    const message = Message.streaming('response', [], source([PLAIN]))
    expect(await Promise.all([message.load(1_000), message.load(1_000)])).toEqual([undefined, undefined])
    expect(message.content).toBe(PLAIN.toString())
  })

  test('latin1 is read as it says', () => {
    const message = Message.response(
      200,
      'OK',
      ['Content-Type', 'text/plain; charset=ISO-8859-1'],
      Buffer.from('Zürich', 'latin1'),
    )
    expect(message.content).toBe('Zürich')
  })
})
