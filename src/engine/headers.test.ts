import { describe, expect, test } from 'vitest'
import { Headers } from './headers.ts'

describe('headers', () => {
  const raw = ['Accept', 'a', 'X-Many', 'one, two', 'x-many', 'three'] as const

  test('are found without case and keep what came in until somebody writes', () => {
    const headers = new Headers(raw)
    expect(headers.get('x-many')).toBe('one, two')
    expect(headers.all('x-many')).toEqual(['one, two', 'three'])
    expect(headers.pieces('x-many')).toEqual(['one', 'two', 'three'])
    expect(headers.names()).toEqual(['Accept', 'X-Many'])
    expect(headers.raw).toBe(raw)
    headers.set('X-MANY', 'new')
    expect(headers.raw).toEqual(['Accept', 'a', 'X-Many', 'new'])
    expect(raw).toEqual(['Accept', 'a', 'X-Many', 'one, two', 'x-many', 'three'])
  })

  test('a copy is independent', () => {
    const headers = new Headers(raw)
    const copy = headers.copy()
    copy.remove('x-many')
    copy.add('B', 'b')
    expect(copy.raw).toEqual(['Accept', 'a', 'B', 'b'])
    expect(headers.raw).toEqual(raw)
  })

  test.each([
    [2, 'TWO', ['one', 'TWO', 'three']],
    [2, null, ['one', 'three']],
    [9, 'more', ['one', 'two', 'three', 'more']],
    [9, null, ['one', 'two', 'three']],
  ])('piece %i becomes %s', (index, value, pieces) => {
    const headers = new Headers(raw)
    headers.setPiece('x-many', index, value)
    expect(headers.pieces('x-many')).toEqual(pieces)
  })

  test.each([
    ['plain', 'plain'],
    ['split\r\nX-Evil: 1', 'split X-Evil: 1'],
    ['zero\0', 'zero '],
    ['für', 'für'],
    ['日本', '\xe6\x97\xa5\xe6\x9c\xac'],
  ])('%j is written as %j', (value, written) => {
    const headers = new Headers([])
    headers.set('A', value)
    headers.add('B', value)
    expect(headers.raw).toEqual(['A', written, 'B', written])
  })

  test('removing the only piece removes the header', () => {
    const headers = new Headers(['A', 'a'])
    headers.setPiece('A', 1, null)
    expect(headers.raw).toEqual([])
  })
})
