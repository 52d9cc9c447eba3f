import { beforeAll, describe, expect, test } from 'vitest'
import { prepareXml } from '../core/xml-document.ts'
import { type MaskConfig, noMask } from '../model/entities.ts'
import { Masker, maskFault } from './masking.ts'

const masker = (...configs: Partial<MaskConfig>[]): Masker =>
  new Masker(
    configs.map((one) => ({ ...noMask, ...one })),
    'p',
  )

beforeAll(() => prepareXml())

test('variables: by name, headers in any case, private ones always', () => {
  const masks = masker({ variables: ['servicecallout.request.header.Authorization', 'card'] })
  const hidden = ['servicecallout.request.header.authorization', 'card', 'private.x']
  const shown = ['Card', 'request.header.authorization', 'privates.x']
  expect(hidden.map((name) => masks.hides(name))).toEqual([true, true, true])
  expect(shown.map((name) => masks.hides(name))).toEqual([false, false, false])
})

test('secrets of applications are hidden always; what hid something is told once', () => {
  const masks = masker({ variables: ['a', 'b'], jsonPathsRequest: ['$.c'] })
  expect(masks.hides('verifyapikey.VA.client_secret')).toBe(true)
  expect(masks.hides('client_secrets')).toBe(false)
  masks.hides('a')
  masks.content('request', '{"c":"1"}')
  expect(masks.takeMatched()).toEqual(['*.client_secret', 'a', '$.c'])
  expect(masks.takeMatched()).toEqual([])
  expect(masks.texts).toEqual(['a', 'b', '$.c'])
  expect(masks.unmatched).toEqual(['b'])
})

test('masks of the organisation and of the proxy, not of others', () => {
  const masks = masker({ variables: ['a'] }, { proxy: 'p', variables: ['b'] }, { proxy: 'q', variables: ['c'] })
  expect(['a', 'b', 'c'].map((name) => masks.hides(name))).toEqual([true, true, false])
})

describe('JSON', () => {
  const document = {
    card: { number: '4111', name: 'A' },
    list: [{ id: 1, pin: 2 }, { id: 2, pin: 1 }, 3],
    deep: { x: { pin: [7, 8] } },
  }
  test.each([
    ['$.card.number', { ...document, card: { number: '*****', name: 'A' } }],
    ['$.card', { ...document, card: '*****' }],
    ['$.card.*', { ...document, card: { number: '*****', name: '*****' } }],
    ['$.list[0]', { ...document, list: ['*****', { id: 2, pin: 1 }, 3] }],
    ['$.list[-1]', { ...document, list: [{ id: 1, pin: 2 }, { id: 2, pin: 1 }, '*****'] }],
    ['$.list[*].pin', { ...document, list: [{ id: 1, pin: '*****' }, { id: 2, pin: '*****' }, 3] }],
    ['$.list[?(@.id == 2)].pin', { ...document, list: [{ id: 1, pin: 2 }, { id: 2, pin: '*****' }, 3] }],
    ['$.list[?(@.id == 1)]', { ...document, list: ['*****', { id: 2, pin: 1 }, 3] }],
    [
      '$..pin',
      {
        ...document,
        list: [{ id: 1, pin: '*****' }, { id: 2, pin: '*****' }, 3],
        deep: { x: { pin: '*****' } },
      },
    ],
    ["$['card','deep']", { ...document, card: '*****', deep: '*****' }],
    ['$.none', document],
  ])('%s', (path, expected) => {
    const masks = masker({ jsonPathsResponse: [path] })
    expect(JSON.parse(masks.content('response', JSON.stringify(document)))).toEqual(expected)
    expect(masks.content('request', '{"card":1}')).toBe('{"card":1}')
    expect(masks.unmatched).toEqual(path === '$.none' ? ['$.none'] : [])
  })

  test('what is no JSON, or too large, is hidden whole; without a mask everything stays', () => {
    const masks = masker({ jsonPathsRequest: ['$.a'] })
    expect(masks.content('request', '{"a":')).toBe('*****')
    expect(masks.content('request', `{"b":"${'x'.repeat(2_000_000)}"}`)).toBe('*****')
    expect(masks.content('request', '')).toBe('')
    expect(masks.content('fault', '{"a":')).toBe('{"a":')
  })

  test('numbers that nothing hides stay as they were written', () => {
    expect(masker({ jsonPathsRequest: ['$.a'] }).content('request', '{"a":1,"b":1.0,"c":12345678901234567890}')).toBe(
      '{"a":"*****","b":1.0,"c":12345678901234567890}',
    )
  })
})

describe('XML', () => {
  const xml = '<s:r xmlns:s="urn:s"><s:pin a="1">2</s:pin><b><pin>3</pin></b></s:r>'
  test.each([
    ['/s:r/s:pin', '<s:r xmlns:s="urn:s"><s:pin a="1">*****</s:pin><b><pin>3</pin></b></s:r>'],
    ['/s:r/s:pin/@a', '<s:r xmlns:s="urn:s"><s:pin a="*****">2</s:pin><b><pin>3</pin></b></s:r>'],
    ['//pin/text()', '<s:r xmlns:s="urn:s"><s:pin a="1">2</s:pin><b><pin>*****</pin></b></s:r>'],
    ['//b | //pin', '<s:r xmlns:s="urn:s"><s:pin a="1">2</s:pin><b>*****</b></s:r>'],
    ['//none', xml],
  ])('%s', (path, expected) => {
    const masks = masker({ namespaces: { s: 'urn:s' }, xPathsFault: [path] })
    expect(masks.content('fault', xml).trim()).toBe(expected)
  })

  test('what is no XML, or has a DTD, is hidden whole', () => {
    const masks = masker({ xPathsRequest: ['//a'] })
    expect(masks.content('request', '<a>')).toBe('*****')
    expect(masks.content('request', '<!DOCTYPE a><a/>')).toBe('*****')
  })
})

test.each([
  ['json', '$.a', null],
  ['json', '$.a[', 'is'],
  ['json', '$.a.length()', 'a function finds no place'],
  ['xml', '//a', null],
  ['xml', 'a', 'begins with a slash'],
] as const)('%s %s', (kind, text, fault) => {
  if (fault === null) expect(maskFault(kind, text)).toBeNull()
  else expect(maskFault(kind, text)).not.toBeNull()
})
