import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { isXmlReady, needsXml, prepareXml, withDocument, XmlFailure, XPath } from './xml-document.ts'

beforeAll(() => prepareXml())

const text = (source: string | Uint8Array, expression = '/*', namespaces = {}) =>
  withDocument(source, (document) => document.text(new XPath(expression, namespaces), 1000))

describe('documents', () => {
  test.each([
    ['<a>b</a>', 'b'],
    ['<a>é &#x2603; &lt;</a>', 'é ☃ <'],
    ['\ufeff<a>b</a>', 'b'],
    ['<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', 'é'],
    ['<a><![CDATA[<x>]]></a>', '<x>'],
    ['<a>\ud800</a>', '\ufffd'],
    ['<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE a>]]></a>', '<!DOCTYPE a>'],
  ])('%s', (source, expected) => {
    expect(text(source)).toBe(expected)
  })

  test('bytes are read in the encoding that they declare', () => {
    expect(text(Buffer.from('<a>é</a>'))).toBe('é')
    expect(text(Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', 'latin1'))).toBe('é')
    expect(text(Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-16"?><a>é</a>', 'utf16le'))).toBe('é')
    expect(text(Buffer.from('<a>é</a>', 'latin1'))).toMatchObject({ kind: 'malformed' })
  })

  test.each([
    ['', 'empty', 'the document is empty'],
    [' ', 'malformed', "line 1, column 2: Start tag expected, '<' not found"],
    ['<a>\n<b></a>', 'malformed', 'line 2, column 8: Opening and ending tag mismatch'],
    ['<a/><b/>', 'malformed', 'Extra content'],
    ['<p:a/>', 'malformed', 'Namespace prefix p'],
    ['<a>\0</a>', 'malformed', 'Invalid character'],
    ['<a>&undefined;</a>', 'malformed', 'undefined'],
    ['<a>'.repeat(257) + '</a>'.repeat(257), 'malformed', 'depth'],
    [`<a>${'x'.repeat(1024 * 1024)}</a>`, 'too-big', 'larger than 1048576 bytes'],
    [`<a>${'é'.repeat(600 * 1024)}</a>`, 'too-big', 'larger than 1048576 bytes'],
  ])('%.40s is refused', (source, kind, message) => {
    const result = text(source)
    expect(result).toBeInstanceOf(XmlFailure)
    expect(result).toMatchObject({ kind, message: expect.stringContaining(message) })
  })

  test.each([
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
  ])('a DTD is refused: %s', (source) => {
    for (const one of [source, Buffer.from(source), Buffer.from(`\ufeff${source}`, 'utf16le')]) {
      expect(text(one)).toMatchObject({ kind: 'dtd' })
    }
  })

  test('entities that multiply are refused at once', () => {
    const entities = Array.from({ length: 30 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('')
    const started = performance.now()
    expect(text(`<!DOCTYPE a [<!ENTITY e0 "x">${entities}]><a b="&e30;">&e30;</a>`)).toBeInstanceOf(XmlFailure)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('any text', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<a/>',
      ' x="1"',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&lt;',
      '&#0;',
      '<?p ?>',
      'é',
      '\0',
    )
    const source = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(source, (one) => {
        const result = text(one)
        expect(result === null || typeof result === 'string' || result instanceof XmlFailure).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('XPath', () => {
  test.each([
    ['$x', 'xpath', 'Undefined variable'],
    ['nope()', 'xpath', 'Unregistered function'],
    ['p:a', 'xpath', 'Undefined namespace prefix'],
    ['a[', 'xpath', 'no XPath'],
    ['//*[//*[//*[//*]]]', 'limit', 'limit exceeded'],
  ])('%s fails', (expression, kind, message) => {
    const result = text(`<a>${'<b/>'.repeat(100)}</a>`, expression)
    expect(result).toMatchObject({ kind, message: expect.stringContaining(message) })
  })

  test('a compiled expression serves many documents, and namespaces are its own', () => {
    const xpath = new XPath('/p:a', { p: 'urn:x' })
    const read = (source: string) => withDocument(source, (document) => document.text(xpath, 1000))
    expect(read('<a xmlns="urn:x">1</a>')).toBe('1')
    expect(read('<q:a xmlns:q="urn:x">2</q:a>')).toBe('2')
    expect(read('<p:a xmlns:p="urn:y">3</p:a>')).toBeNull()
  })

  test.each([
    ['//b', '<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b p:x="1"><c/></p:b></a>', null],
    [
      '//p:b',
      '<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b><c/></p:b></a>',
      '<p:b xmlns="urn:d" xmlns:p="urn:p"><c/></p:b>',
    ],
    ['//p:b', '<a xmlns:p="u"><p:b xmlns:p="urn:p"/></a>', '<p:b xmlns:p="urn:p"/>'],
    ['//b', '<a xmlns="urn:d"><b xmlns=""/></a>', '<b xmlns=""/>'],
    ['//b', '<a><b x="&lt;&quot;">&lt;<!--c--><?p i?></b></a>', '<b x="&lt;&quot;">&lt;<!--c--><?p i?></b>'],
    ['//b/node()', '<a><b>&lt;<!--c--><?p i?></b></a>', '&lt;<!--c--><?p i?>'],
    ['//@x', '<a x="1"><b x="&lt;"/></a>', '1<'],
    ['/', '<?xml version="1.0"?><a/>', '<a/>'],
    ['count(//b)', '<a/>', null],
  ])('the markup of %s in %s', (expression, source, expected) => {
    const xpath = new XPath(expression, { p: 'urn:p' })
    expect(withDocument(source, (document) => document.markup(xpath, 1000))).toBe(expected)
  })

  test('markup is bounded', () => {
    const source = `<a>${'<b/>'.repeat(25_000)}</a>`
    expect(withDocument(source, (document) => document.markup(new XPath('//b'), 1e6))).toMatchObject({ kind: 'limit' })
    const deep = `${'<a>'.repeat(200)}${'x'.repeat(100_000)}${'</a>'.repeat(200)}`
    expect(withDocument(deep, (document) => document.markup(new XPath('//a'), 1e6))).toMatchObject({ kind: 'limit' })
  })
})

test('what is thrown while a document is open leaves, and the document is freed', () => {
  expect(() =>
    withDocument('<a/>', () => {
      throw new Error('mine')
    }),
  ).toThrow('mine')
  const xpath = new XPath('//b[999]')
  const source = `<a>${'<b>x</b>'.repeat(1000)}</a>`
  const rounds = (count: number): number => {
    for (let i = 0; i < count; i++) {
      expect(withDocument(source, (document) => document.text(xpath, 1e6))).toBe('x')
      withDocument('<a', () => 1)
      withDocument('<!DOCTYPE a><a/>', () => 1)
    }
    return process.memoryUsage.rss()
  }
  const before = rounds(100)
  // About 200 KB each: what is not freed would be 300 MB.
  expect((rounds(1500) - before) / 1024 / 1024).toBeLessThan(100)
})

test('it is loaded only when somebody asks, and until then documents are refused', () => {
  const script = `
    import { isXmlReady, prepareXml, withDocument } from './src/core/xml-document.ts'
    const before = [isXmlReady(), withDocument('<a/>', () => 1).kind]
    await Promise.all([prepareXml(), prepareXml()])
    console.log(JSON.stringify([...before, isXmlReady(), withDocument('<a/>', () => 1), prepareXml() === undefined]))`
  const args = ['--input-type=module-typescript', '-e', script]
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: new URL('../..', import.meta.url) })
  expect(JSON.parse(output)).toEqual([false, 'not-ready', true, 1, true])
  expect(isXmlReady()).toBe(true)
})

test.each([
  ['{"kind":"ExtractVariables","config":{"xpaths":["/a"]}}', true],
  ['{"text":"{xpath(\'/a\',request.content)}"}', true],
  ['{"kind":"AssignMessage"}', false],
])('%s needs XML: %s', (plan, expected) => {
  expect(needsXml(plan)).toBe(expected)
})
