import { describe, expect, test } from 'vitest'
import { Draft, emptyState, randomId } from './draft.ts'
import { ApigError } from './error.ts'
import { Fields } from './fields.ts'
import { createApi } from './publishing.ts'
import { createAcl, createAuthorizer, createGroup, createPlugin, createQuota } from './resources.ts'
import { createResponse } from './responses.ts'

type Json = Record<string, unknown>

const newDraft = (): Draft => new Draft(emptyState(), { makeId: randomId, nowMs: 0, owned: () => false })

/** What a change refuses, as path and words; '' when it takes it. */
function refusal(change: (draft: Draft) => unknown): string {
  const draft = newDraft()
  try {
    change(draft)
    return ''
  } catch (error) {
    if (!(error instanceof ApigError)) throw error
    expect(draft.changes.filter(({ kind }) => kind !== 'group')).toEqual([])
    return `${error.path}: ${error.message}`
  }
}

const HTTP = { url_domain: '127.0.0.1:8080', req_protocol: 'HTTP', req_method: 'GET', req_uri: '/' }

function api(more: Json): string {
  return refusal((draft) => {
    const { id } = createGroup(draft, new Fields({ name: 'group' }))
    const body = { group_id: id, name: 'one', req_method: 'GET', req_uri: '/a/{id}', ...more }
    return createApi(draft, new Fields({ backend_type: 'HTTP', backend_api: HTTP, ...body }))
  })
}

const plugin = (plugin_type: string, content: Json): string =>
  refusal((draft) =>
    createPlugin(draft, new Fields({ plugin_name: 'one', plugin_type, plugin_content: JSON.stringify(content) })),
  )

describe('the address of a backend', () => {
  const withDomain = (url_domain: string): string => api({ backend_api: { ...HTTP, url_domain } })

  test.each([
    'a',
    'a.example',
    'a_b.example:8080',
    '10.0.0.1:65535',
    '[::1]:80',
    '#host#',
    '#host#:80',
    'x.#host#:#port#',
  ])('%s', (domain) => expect(withDomain(domain)).toBe(''))

  test.each([
    '*',
    '(((',
    'a b',
    'a:0',
    'a:65536',
    'a:x',
    '::1',
    'http://a',
    'a/b',
    'é.example',
    '-a',
    '#v',
    '{a',
    'a\u0000',
  ])('%j is none', (domain) => expect(withDomain(domain)).toContain('url_domain: Invalid parameter value'))
})

describe('what a backend takes from the request', () => {
  const to = (req_uri: string, backend_params: Json[], req_params: Json[] = []): string =>
    api({ backend_api: { ...HTTP, req_uri }, backend_params, req_params })
  const from = (name: string, value: string, location = 'QUERY'): Json => ({ name, value, location, origin: 'REQUEST' })

  test.each([
    ['a path parameter by its own name', () => to('/b/{id}', [])],
    ['one that is renamed', () => to('/b/{x}', [from('x', 'id', 'PATH')])],
    ['a constant in the path', () => to('/b/{x}', [{ name: 'x', value: '1', location: 'PATH', origin: 'CONSTANT' }])],
    ['a declared one', () => to('/', [from('q', 'p')], [{ name: 'p', location: 'QUERY' }])],
  ])('%s', (_, change) => expect(change()).toBe(''))

  test.each([
    ['nothing of that name', () => to('/', [from('q', 'p')]), 'backend_params.0.value', 'p is neither'],
    ['a path without a value', () => to('/b/{x}', []), 'backend_api.req_uri', '{x} has no value'],
    [
      'a stray declaration',
      () => to('/', [], [{ name: 'p', location: 'PATH' }]),
      'req_params.0.name',
      '{p} does not stand',
    ],
    ['Host', () => to('/', [{ ...from('Host', 'id', 'HEADER') }]), 'backend_params.0.name', 'host_value'],
    [
      'our own header',
      () => to('/', [from('X-Apig-Count', 'id', 'HEADER')]),
      'backend_params.0.name',
      'set by the gateway',
    ],
    [
      'two lines in a header',
      () => to('/', [{ name: 'X-A', value: 'a\r\nb: c', location: 'HEADER', origin: 'CONSTANT' }]),
      'backend_params.0.value',
      'without control characters',
    ],
  ])('%s is refused', (_, change, path, words) => {
    expect(change()).toContain(`${path}: `)
    expect(change()).toContain(words)
  })
})

describe('headers that could not be sent, or would not', () => {
  const mock = (header: Json): string => api({ backend_type: 'MOCK', mock_info: { header: [header] } })
  const edit = (header: Json): string =>
    plugin('set_resp_headers', { response_headers: [{ action: 'override', ...header }] })
  const worded = (header: Json): string =>
    refusal((draft) => {
      const { id } = createGroup(draft, new Fields({ name: 'group' }))
      return createResponse(draft, id, new Fields({ name: 'one', responses: { THROTTLED: { headers: [header] } } }))
    })

  test('usual ones', () => {
    expect(mock({ key: 'X-A', value: 'é' })).toBe('')
    expect(edit({ name: 'X-A', value: 'b' })).toBe('')
    expect(edit({ name: 'X-A', value: '$context.requestId', value_type: 'system_parameter' })).toBe('')
    expect(worded({ key: 'Access-Control-Allow-Origin', value: '*' })).toBe('')
  })

  test.each([
    ['mock, two lines', mock({ key: 'X-A', value: 'a\r\nb: c' }), 'mock_info.header.0.value'],
    ['mock, ours', mock({ key: 'X-Apig-Count', value: '1' }), 'mock_info.header.0.key'],
    ['mock, the length', mock({ key: 'Content-Length', value: '1' }), 'mock_info.header.0.key'],
    ['plug-in, two lines', edit({ name: 'X-A', value: 'a\nb' }), 'response_headers.0.value'],
    [
      'plug-in, unknown',
      edit({ name: 'X-A', value: '$context.nope', value_type: 'system_parameter' }),
      'headers.0.value',
    ],
    ['response, ours', worded({ key: 'x-request-id', value: '1' }), 'responses.THROTTLED.headers.0.key'],
    ['response, control', worded({ key: 'X-A', value: 'a\u0001' }), 'responses.THROTTLED.headers.0.value'],
  ])('%s', (_, refused, path) => expect(refused).toContain(`${path}: Invalid parameter value`))
})

test('conditions that nothing could meet', () => {
  const acl = (acl_value: string): string =>
    refusal((draft) =>
      createAcl(draft, new Fields({ acl_name: 'one', acl_type: 'DENY', entity_type: 'IP', acl_value })),
    )
  expect(acl('1.1.1.1-1.1.1.9,::1-::2')).toBe('')
  expect(acl('1.1.1.9-1.1.1.1')).toContain('acl_value: ')
  const quota = (reset_time: string): string =>
    refusal((draft) =>
      createQuota(draft, new Fields({ name: 'one', call_limits: 1, time_interval: 1, time_unit: 'DAY', reset_time })),
    )
  expect(quota('2028-02-29 23:59:59')).toBe('')
  for (const text of ['2026-02-30 00:00:00', '2026-13-01 00:00:00', '2026-01-01 24:00:00'])
    expect(quota(text), text).toContain('reset_time: ')
  const authorizer = (name: string, location: string): string =>
    refusal((draft) =>
      createAuthorizer(
        draft,
        new Fields({ name: 'one', authorizer_uri: 'http://a.example/', identities: [{ name, location }] }),
      ),
    )
  expect(authorizer('a b', 'QUERY')).toBe('')
  expect(authorizer('a b', 'HEADER')).toContain('identities.0.name: ')
  const breaker = (left: string): string =>
    plugin('breaker', {
      breaker_condition: {
        breaker_type: 'condition',
        breaker_mode: 'counter',
        unhealthy_condition: JSON.stringify([left, '==', '500']),
        unhealthy_threshold: 1,
        time_window: 1,
        open_breaker_time: 1,
      },
    })
  expect(breaker('$context.statusCode')).toBe('')
  expect(breaker('$context.nope')).toContain('$context.nope is not')
  for (const req_uri of ['/a/../b', '/.']) expect(api({ req_uri }), req_uri).toContain('req_uri: ')
})
