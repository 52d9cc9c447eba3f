import { describe, expect, test } from 'vitest'
import { Destinations, joinTarget } from './url.ts'

describe('destinations', () => {
  const destinations = new Destinations(
    { 'http://real.host': 'http://127.0.0.1:81', 'https://tls.host:444': 'https://[::1]:82' },
    true,
  )

  test.each([
    ['http://h', 'http://h:80', 'h', '/', ''],
    ['http://H:8080/p?q=1#f', 'http://h:8080', 'H:8080', '/p', 'q=1'],
    ['https://h/a/b', 'https://h:443', 'h', '/a/b', ''],
    ['http://[::1]:90/x', 'http://[::1]:90', '[::1]:90', '/x', ''],
    ['http://real.host/x', 'http://127.0.0.1:81', 'real.host', '/x', ''],
    ['http://real.host:80/x', 'http://127.0.0.1:81', 'real.host:80', '/x', ''],
    ['https://tls.host:444/x', 'https://[::1]:82', 'tls.host:444', '/x', ''],
  ])('%s', (url, key, authority, path, query) => {
    const to = destinations.parse(url)
    expect([to?.origin.key, to?.authority, to?.path, to?.query]).toEqual([key, authority, path, query])
  })

  test.each([
    '',
    'h/p',
    'ftp://h',
    'http://',
    'http:///p',
    'http://h:99999/',
    'http://h:0',
    'http://u@h/',
    'http://a b/',
    'http://h\n/',
  ])('%j is refused', (url) => {
    expect(destinations.parse(url)).toBeNull()
  })

  test('one origin for one place', () => {
    expect(destinations.parse('http://h/1')?.origin).toBe(destinations.parse('http://h/2')?.origin)
  })
})

test.each([
  ['/', '', '', '', '/'],
  ['/', '/x', '', '', '/x'],
  ['/a', '/x', '', '', '/a/x'],
  ['/a/', '/x', '', '', '/a/x'],
  ['/a', '', 'u=1', 'c=2', '/a?u=1&c=2'],
  ['/a', '/', '', 'c=2', '/a/?c=2'],
])('joined %j %j %j %j', (path, suffix, urlQuery, query, expected) => {
  expect(joinTarget(path, suffix, urlQuery, query)).toBe(expected)
})
