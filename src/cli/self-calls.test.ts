import { expect, test } from 'vitest'
import { runtimeOfResources } from '../dialects/apig/runtime.ts'
import { readApigSection } from '../dialects/apig/section.ts'
import { selfCalls } from './self-calls.ts'

const doors = { ports: [8080], host: '0.0.0.0' }

function found(path: string, mode: string, domain: string, sent: string, protocol = 'HTTP'): number {
  const backend_api = { url_domain: domain, req_protocol: protocol, req_method: 'GET', req_uri: sent }
  const api = { name: 'api', req_method: 'GET', req_uri: path, match_mode: mode, backend_type: 'HTTP', backend_api }
  const section = { groups: [{ name: 'group', domains: ['api.example.com'], apis: [api] }] }
  const { apis } = runtimeOfResources(readApigSection(section, (at, message) => expect.fail(`${at}: ${message}`)))
  return selfCalls(apis, doors).length
}

test.each([
  ['/a', 'NORMAL', '127.0.0.1:8080', '/a', 1],
  ['/a', 'SWA', 'localhost:8080', '/a/b', 1],
  ['/a/{id}', 'NORMAL', 'api.example.com:8080', '/a/x', 1],
  ['/a', 'NORMAL', '127.0.0.1:8080', '/b', 0],
  ['/a', 'NORMAL', '127.0.0.1:8080', '/a/b', 0],
  ['/a', 'NORMAL', '127.0.0.1:9090', '/a', 0],
  ['/a', 'NORMAL', '127.0.0.1', '/a', 0],
  ['/a', 'NORMAL', 'other.example:8080', '/a', 0],
] as const)('%s (%s) with backend %s%s', (path, mode, domain, sent, count) => {
  expect(found(path, mode, domain, sent)).toBe(count)
})
