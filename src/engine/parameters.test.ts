import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode, Parameters } from './parameters.ts'

describe('parameters', () => {
  test('what nobody wrote goes out as it came', () => {
    const parameters = new Parameters('a=%7e&b&=x&c=1+2&a=%ZZ')
    expect(parameters.get('c')).toBe('1 2')
    expect(parameters.all('a')).toEqual(['~', '%ZZ'])
    parameters.set('c', 'ü&')
    expect(parameters.text).toBe('a=%7e&b&=x&c=%C3%BC%26&a=%ZZ')
  })

  test('set keeps one, add adds, remove removes all', () => {
    const parameters = new Parameters('a=1&b=2&a=3')
    parameters.set('a', 'x')
    expect(parameters.text).toBe('a=x&b=2')
    parameters.add('b', 'y')
    expect(parameters.text).toBe('a=x&b=2&b=y')
    parameters.setNth('b', 2, null)
    parameters.remove('a')
    expect(parameters.text).toBe('b=2')
    expect(parameters.names()).toEqual(['b'])
  })

  test('any text survives encoding', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => decode(encode(text)) === text.toWellFormed()))
  })

  test('any query survives reading', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parameters = new Parameters(text)
        parameters.names()
        return parameters.text === text
      }),
    )
  })
})
