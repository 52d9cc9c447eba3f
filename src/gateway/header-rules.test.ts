import { describe, expect, test } from 'vitest'
import { connectionTokens, DROP, FORWARDED_FOR, headerRule, PASS, REQUEST_ONLY } from './header-rules.ts'

describe('header rules', () => {
  test.each([
    ['Accept', PASS],
    ['Content-Type', PASS],
    ['Cookie', PASS],
    ['X-Api-Key', PASS],
    ['X-Apigateway', PASS],
    ['Te-Deum', PASS],
    ['', PASS],
    ['Connection', DROP],
    ['KEEP-ALIVE', DROP],
    ['te', DROP],
    ['Content-Length', DROP],
    ['X-Request-ID', DROP],
    ['x-apig-count', DROP],
    ['X-Apig-RateLimit-api', DROP],
    ['X-Apigee-Anything', REQUEST_ONLY],
    ['Host', REQUEST_ONLY],
    ['Expect', REQUEST_ONLY],
    ['X-Forwarded-For', FORWARDED_FOR],
  ])('%s', (name, rule) => {
    expect(headerRule(name)).toBe(rule)
  })

  test('Connection names more of them', () => {
    expect(connectionTokens(['Connection', 'keep-alive', 'A', 'b'])).toBeNull()
    expect(connectionTokens(['connection', 'close, X-A', 'Connection', ' x-B ,'])).toEqual(new Set(['x-a', 'x-b']))
  })
})
