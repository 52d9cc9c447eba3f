import { describe, expect, test } from 'vitest'
import type { BodySink, BodySource } from '../core/body.ts'
import { Masker } from '../engine/masking.ts'
import { KeptBodies } from './kept-bodies.ts'

const NO_PATHS = { jsonPathsResponse: [], jsonPathsFault: [], xPathsRequest: [], xPathsResponse: [], xPathsFault: [] }
const masker = new Masker(
  [{ proxy: null, variables: [], namespaces: {}, jsonPathsRequest: ['$.pin'], ...NO_PATHS }],
  'p',
)

/** Gives its chunks as soon as it is started, each from the same buffer, as the transport does. */
function sourceOf(...chunks: readonly Buffer[]): BodySource {
  return {
    lengthBytes: -1,
    start(sink) {
      for (const chunk of chunks) {
        const lent = Buffer.from(chunk)
        sink.onData(lent)
        lent.fill(0)
      }
      sink.onEnd(null)
    },
    resume: () => undefined,
    cancel: () => undefined,
  }
}

/** What goes on, and what is kept. */
function streamed(...chunks: readonly Buffer[]): { passed: string; kept: string | null } {
  const bodies = new KeptBodies()
  let passed = ''
  const sink: BodySink = {
    onData: (chunk) => {
      passed += chunk.toString('latin1')
      return true
    },
    onEnd: () => undefined,
    onError: () => undefined,
  }
  bodies.request(sourceOf(...chunks)).start(sink)
  return { passed, kept: bodies.requestText(masker) }
}

describe('bodies that are kept', () => {
  test('go by untouched, and are masked', () => {
    const { passed, kept } = streamed(Buffer.from('{"pin":"00'), Buffer.from('00","who":"Ada"}'))
    expect(passed).toBe('{"pin":"0000","who":"Ada"}')
    expect(kept).toBe('{"pin":"*****","who":"Ada"}')
  })

  test('what a mask cannot look into is hidden whole; so is what was seen in part', () => {
    expect(streamed(Buffer.from('no JSON')).kept).toBe('*****')
    const large = Buffer.from(`{"a":"${'x'.repeat(100_000)}","pin":"0000"}`)
    expect(streamed(large).kept).toBe(`*****... (${large.length} bytes)`)
  })

  test('long text is cut, bytes are only counted, nothing is null', () => {
    const bodies = new KeptBodies()
    const text = (content: Buffer | string): string | null => bodies.responseText(masker, 'response', content)
    expect(text('short')).toBe('short')
    expect(text('y'.repeat(5_000))).toBe(`${'y'.repeat(4_096)}... (5000 bytes)`)
    expect(text(Buffer.from([1, 0, 2]))).toBe('(3 bytes that are no text)')
    expect(text(Buffer.from([0xff, 0xfe, 0x41]))).toBe('(3 bytes that are no text)')
    expect([text(''), bodies.responseText(masker, 'response', null), bodies.requestText(masker)]).toEqual([
      null,
      null,
      null,
    ])
    expect(streamed().kept).toBe(null)
  })
})
