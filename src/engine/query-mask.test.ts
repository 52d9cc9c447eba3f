import { describe, expect, test } from 'vitest'
import type { DeployedProxy } from '../model/deployment.ts'
import type { MaskConfig } from '../model/entities.ts'
import type { PolicyKind } from './policy.ts'
import { CallMask } from './query-mask.ts'

const MASKS: MaskConfig[] = [
  {
    proxy: null,
    variables: ['request.queryparam.iban'],
    namespaces: {},
    jsonPathsRequest: [],
    jsonPathsResponse: [],
    jsonPathsFault: [],
    xPathsRequest: [],
    xPathsResponse: [],
    xPathsFault: [],
  },
]

const identifying = new Map([['VerifyAPIKey', { identifies: true } as PolicyKind]])

function deployed(config: unknown): DeployedProxy {
  const policy = { name: 'VA', kind: 'VerifyAPIKey', config }
  return { proxy: { name: 'p', policies: [policy] } } as unknown as DeployedProxy
}

describe('the query of a call, as it may be kept', () => {
  const mask = new CallMask(MASKS, deployed({ key: { ref: 'request.queryparam.who' } }), identifying)

  test.each([
    ['', ''],
    ['a=1&b=2', 'a=1&b=2'],
    ['a=1&user_key=SECRET', 'a=1&user_key=*****'],
    ['user_key=SECRET&a=1', 'user_key=*****&a=1'],
    ['access_token=SECRET&Password=SECRET', 'access_token=*****&Password=*****'],
    ['iban=DE1&who=SECRET&plan=gold', 'iban=*****&who=*****&plan=gold'],
    ['user%5Fkey=SECRET', 'user%5Fkey=*****'],
    ['user_key=', 'user_key=*****'],
    ['user_key', 'user_key'],
    ['&&=&a', '&&=&a'],
    ['%zz_token=SECRET&x=%zz', '%zz_token=*****&x=%zz'],
  ])('%s', (query, kept) => {
    expect(mask.query(query)).toBe(kept)
    // Judged names are kept at hand.
    expect(mask.query(query)).toBe(kept)
  })

  test('queries in a sentence', () => {
    expect(mask.text('no proxy for url: /a?b=1&token=SECRET, sorry')).toBe('no proxy for url: /a?b=1&token=***** sorry')
    expect(mask.text('"http://h/a?token=SECRET" is none')).toBe('"http://h/a?token=*****" is none')
    expect(mask.text('why? nobody knows')).toBe('why? nobody knows')
  })

  test('names that clients make up do not fill the memory, and are still judged', () => {
    for (let i = 0; i < 2_000; i++) expect(mask.query(`n${i}=1`)).toBe(`n${i}=1`)
    expect(mask.query('token=SECRET')).toBe('token=*****')
  })
})
