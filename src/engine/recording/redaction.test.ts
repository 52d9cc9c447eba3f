import { describe, expect, test } from 'vitest'
import { Redaction } from './redaction.ts'

const redaction = (...secrets: string[]): Redaction => {
  const made = new Redaction()
  for (const secret of secrets) made.add(secret)
  return made
}

describe('a secret under another name', () => {
  const secrets = redaction('p@ss w/rd"1', 'p@ss w/rd"1+more', 'abc', 'true', 'ab')
  test.each([
    ['as it is', 'x=p@ss w/rd"1;', 'x=*****;'],
    ['the longer one first', 'p@ss w/rd"1+more', '*****'],
    ['percent-encoded', '/a?p=p%40ss%20w%2Frd%221', '/a?p=*****'],
    ['as a form writes it', 'p=p%40ss+w%2Frd%221&x=1', 'p=*****&x=1'],
    ['inside JSON', '{"p":"p@ss w/rd\\"1"}', '{"p":"*****"}'],
    ['in base64', `token ${Buffer.from('p@ss w/rd"1').toString('base64')}`, 'token *****'],
    ['in the credentials of Basic', `Basic ${Buffer.from('ada:p@ss w/rd"1').toString('base64')}`, 'Basic *****'],
    ['a short one as the whole of a text', 'abc', '*****'],
    ['a short one in another text', 'abcdef', 'abcdef'],
    ['a word that says nothing', 'true', 'true'],
    ['one that is too short', 'ab', 'ab'],
  ])('%s', (_, text, clean) => {
    expect(secrets.of(text)).toBe(clean)
  })
})

test('no secret, no change', () => {
  expect(redaction().of('Basic YTpi')).toBe('Basic YTpi')
})

test('long ones too, and marks of patterns mean themselves', () => {
  const long = `.*(${'x'.repeat(2_000)})[`
  expect(redaction(long, 'a.c+d*e').of(`<${long}> a.c+d*e abccdde`)).toBe('<*****> ***** abccdde')
})

test('many secrets in a large text take no long time', () => {
  const secrets = redaction(...Array.from({ length: 500 }, (_, i) => `secret-number-${i}-of-many`))
  const text = 'nothing to be found in here; '.repeat(40_000)
  const began = performance.now()
  expect(secrets.of(text)).toBe(text)
  expect(performance.now() - began).toBeLessThan(2_000)
})
