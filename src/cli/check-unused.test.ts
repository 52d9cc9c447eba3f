import { expect, test } from 'vitest'
import { readBundle } from '../dialects/apigee/index.ts'
import { type MaskConfig, noEntities, noMask } from '../model/entities.ts'
import { Problems, problemLine } from '../model/problem.ts'
import { POLICY_KINDS } from '../policies/index.ts'
import { checkMasks, checkUnused } from './check-unused.ts'

const { draft } = readBundle(
  new Map([
    ['apiproxy/p.xml', '<APIProxy name="p"/>'],
    [
      'apiproxy/policies/SC.xml',
      '<ServiceCallout name="SC"><Request variable="mine"/><HTTPTargetConnection><URL>http://a.test</URL></HTTPTargetConnection></ServiceCallout>',
    ],
    [
      'apiproxy/policies/LC.xml',
      '<LookupCache name="LC"><CacheKey><KeyFragment>a</KeyFragment></CacheKey><CacheResource>used</CacheResource></LookupCache>',
    ],
    [
      'apiproxy/proxies/default.xml',
      '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/p</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>',
    ],
  ]),
  POLICY_KINDS,
)
const drafts = [{ deployed: { proxy: draft, serviceId: null, throttle: null }, base: '' }]

function warnings(masks: Partial<MaskConfig>[], caches: string[] = []): string[] {
  const problems = new Problems()
  const entities = {
    ...noEntities,
    masks: masks.map((mask) => ({ ...noMask, ...mask })),
    caches: caches.map((name) => ({ name, expirySeconds: null })),
  }
  checkUnused(drafts, entities, 'postern.yaml', problems)
  checkMasks(entities.masks, 'postern.yaml', problems)
  return problems.list.map((problem) => problemLine(problem).replace(/^\S+ /, ''))
}

test('what is used, or comes with every call, gives no warning', () => {
  const variables = ['mine.header.Authorization', 'request.header.X', 'private.a', 'client.ip']
  expect(warnings([{ variables, jsonPathsRequest: ['$.a'], xPathsFault: ['//a'] }], ['used'])).toEqual([])
})

test.each([
  [{ variables: ['servicecallout.request.header.Authorization'] }, 'UnusedMask: a mask hides servicecallout.request'],
  [{ proxy: 'q' }, 'UnusedMask: a mask is for the proxy q, which is not loaded'],
  [{ jsonPathsFault: ['$.a['] }, 'InvalidMask: the mask $.a['],
  [{ xPathsRequest: ['a'] }, 'InvalidMask: the mask a: an XPath of a mask begins with a slash'],
])('%j', (mask, line) => {
  expect(warnings([mask])).toEqual([expect.stringContaining(line)])
})

test('a cache that no policy names', () => {
  expect(warnings([], ['lost'])).toEqual(['warning: UnusedCache: no policy names the cache lost in <CacheResource>'])
})
