import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sourceTextOf, targetProperties, urlFault, urlOf } from './http-connection.ts'
import { Problems } from './problem.ts'
import { readProperties } from './properties.ts'
import type { XmlElement } from './xml.ts'

const at = { file: 'a.xml', line: 3, column: 7 }

function element(name: string, text: string, attributes = {}, children: readonly XmlElement[] = []): XmlElement {
  return { name, attributes, children, text, content: text, at, textAt: at }
}

test('an error of a URL tells nobody its user and password', () => {
  const problems = new Problems()
  expect(urlOf(element('URL', 'http://ada:s3cret@backend.example/a@b'), problems)).toBeNull()
  expect(problems.list[0]!.message).toContain('http://*****@backend.example/a@b')
  expect(problems.list[0]!.message).not.toContain('s3cret')
})

describe('URLs', () => {
  test.each([
    'http://backend.example',
    'https://backend.example:8443/a/b?c=d#e',
    'HTTP://backend.example',
    'http://[::1]:8080/x',
    'http://{request.dom_port}/{request.resourcePath}',
    'http://{host}:{port}/',
    'http://{host}:80{n}/',
    'http://a.{domain:example}/x?w=${request.header.woeid}',
    'http://a.example/documents/(default)/{a}:run',
    'http://a_b.example//x',
  ])('%s', (url) => {
    expect(urlFault(url)).toBeNull()
  })

  test.each([
    ['{x}', 'the scheme cannot come from a variable'],
    ['${x}/y', 'the scheme cannot come from a variable'],
    ['{scheme}://a.example', 'the scheme cannot come from a variable'],
    ['h{x}p://a.example', 'the scheme cannot come from a variable'],
    ['//a.example', 'begins with http:// or https://'],
    ['a.example:80', 'begins with http:// or https://'],
    ['ws://a.example', 'scheme ws is not known'],
    ['http://', 'the host is missing'],
    ['http://?q', 'the host is missing'],
    ['http://a b', 'no white space'],
    ['http://a:0', 'host or host:port'],
    ['http://a:65536', 'host or host:port'],
    ['http://a:b:c', 'host or host:port'],
    ['http://a:', 'host or host:port'],
    ['http://u@a', 'Authorization header'],
  ])('%s cannot be', (url, why) => {
    expect(urlFault(url)).toContain(why)
  })

  test('judging ends soon, whatever the text', () => {
    for (const text of ['{', '${', '{}', '://', 'http://{', 'http://a:']) {
      const began = performance.now()
      urlFault(text.repeat(100_000))
      urlFault(`http://${text.repeat(100_000)}`)
      expect(performance.now() - began).toBeLessThan(1_000)
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => ['string', 'object'].includes(typeof urlFault(text))),
    )
  })
})

test.each([
  ['2xx', true],
  ['2xx, 4xx, 5xx', true],
  [' 2XX ,304,', true],
  ['1xx,2xx,3xx,404', true],
  ['2xx 3xx', false],
  ['6xx', false],
  ['20x', false],
  ['2xx,,3xx', false],
  [',', false],
])('success.codes %s: %s', (value, good) => {
  const problems = new Problems()
  const property = element('Property', value, { name: 'success.codes' })
  const properties = readProperties(element('Properties', '', {}, [property]), targetProperties, problems)
  expect(properties).toEqual(good ? { 'success.codes': value.trim() } : {})
  expect(problems.hasErrors).toBe(!good)
})

test.each([
  ['x', 3, 7],
  ['  x', 3, 9],
  ['\n x ', 4, 2],
  ['\n\n\nx', 6, 1],
])('the place of the first letter of %j', (text, line, column) => {
  expect(sourceTextOf(element('Condition', text))).toEqual({ text: 'x', at: { file: 'a.xml', line, column } })
  expect(sourceTextOf(element('Condition', ' \n'))).toBeNull()
})
