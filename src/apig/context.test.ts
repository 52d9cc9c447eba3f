import { expect, test } from 'vitest'
import type { Exchange } from '../engine/exchange.ts'
import { compileTemplate, jsonEscape } from './context.ts'
import { climbs, encodePath, encodeSegment } from './encoding.ts'

test('texts with values of the call', () => {
  const x = {
    id: 'i"d',
    fault: null,
    basePath: '/p',
    dialectState: { query: 'q=1', authorizer: new Map([['who', 'a\nb']]), app: null },
  } as unknown as Exchange
  const text = (template: string): string => compileTemplate(template, jsonEscape)(x)
  expect(text('"$context.requestId"')).toBe('"i\\"d"')
  expect(text('$context.reqUri.')).toBe('/p?q=1.')
  expect(text('[$context.authorizer.frontend.who]')).toBe('[a\\nb]')
  expect(text('[$context.nothing][$context.error.code][$context.appId]')).toBe('[][][]')
})

test('paths of backends', () => {
  expect([encodeSegment('a/b c'), encodeSegment("it's:@$"), encodeSegment('ü?#%')]).toEqual([
    'a%2Fb%20c',
    "it's:@$",
    '%C3%BC%3F%23%25',
  ])
  expect(encodePath('a/b c')).toBe('a/b%20c')
  expect(['..', 'a/../b', '.', 'a..b', '...'].map(climbs)).toEqual([true, true, true, false, false])
})
