import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Problem, Problems, problemLine } from '../../model/problem.ts'
import type { XmlElement } from '../../model/xml.ts'
import { readXml, xmlLimits } from './xml-reader.ts'

function read(source: Uint8Array | string): { root: XmlElement | null; lines: string[]; list: readonly Problem[] } {
  const problems = new Problems()
  const root = readXml(source, 'a.xml', problems)
  return { root, lines: problems.list.map(problemLine), list: problems.list }
}

describe('encodings', () => {
  const xml = '<?xml version="1.0"?>\r\n<a b="ü">\r\n  ü\r</a>'
  const utf16 = Buffer.from(`\ufeff${xml}`, 'utf16le')
  test.each([
    ['a string', xml],
    ['UTF-8', Buffer.from(xml)],
    ['a byte order mark', Buffer.from(`\ufeff${xml}`)],
    ['UTF-16, little end first', utf16],
    ['UTF-16, big end first', Buffer.from(utf16).swap16()],
    ['Latin 1', Buffer.from(xml.replace('?>', ' encoding="ISO-8859-1"?>'), 'latin1')],
    ['UTF-8 that says UTF-16', Buffer.from(xml.replace('?>', ' encoding="UTF-16"?>'))],
  ])('%s', (_, source) => {
    const { root, lines } = read(source)
    expect(lines).toEqual([])
    expect(root).toMatchObject({ name: 'a', attributes: { b: 'ü' }, text: '\n  ü\n', at: { line: 2, column: 1 } })
  })

  test('a byte that is not UTF-8 is named with its place', () => {
    const { root, lines } = read(Buffer.concat([Buffer.from('<a>\n  x'), Buffer.from([0xff]), Buffer.from('</a>')]))
    expect(root).toBeNull()
    expect(lines).toEqual(['a.xml:2:4: error: BadEncoding: a byte that is not utf-8; save the file as UTF-8'])
  })
})

describe('elements', () => {
  test('text has entities decoded and sections joined; content keeps markup to the letter', () => {
    const { root } = read('<p><a>1 &lt; 2<![CDATA[ & ]]>3</a><b><c>{x} &amp; y</c> z</b><d/></p>')
    const [a, b, d] = root?.children ?? []
    expect(a).toMatchObject({ text: '1 < 2 & 3', content: '1 < 2 & 3' })
    expect(b).toMatchObject({ text: ' z', content: '<c>{x} &amp; y</c> z' })
    expect(d).toMatchObject({ text: '', content: '', children: [] })
  })

  test('places of elements and texts', () => {
    const { root } = read(
      '<p>\n  <!-- c -->\n  <a\n    b="1">\n x</a><e><!-- d -->y</e><f><![CDATA[z]]></f><g><?p q?>w</g></p>',
    )
    const [a, e, f, g] = root?.children ?? []
    expect(a?.at).toEqual({ file: 'a.xml', line: 3, column: 3 })
    expect(a?.textAt).toEqual({ file: 'a.xml', line: 4, column: 11 })
    expect(e?.textAt).toEqual({ file: 'a.xml', line: 5, column: 20 })
    expect(g?.textAt).toEqual({ file: 'a.xml', line: 5, column: 55 })
    expect(f?.textAt).toEqual({ file: 'a.xml', line: 5, column: 37 })
  })

  test('names of JavaScript mean nothing as attributes', () => {
    const { root } = read('<a constructor="1" __proto__="2"/>')
    expect(Object.keys(root?.attributes ?? {})).toEqual(['constructor', '__proto__'])
    expect(root?.attributes['toString']).toBeUndefined()
  })

  test('a declaration in a payload is none', () => {
    expect(read('<a><![CDATA[<?xml version="1.0"?>]]></a>').root?.text).toBe('<?xml version="1.0"?>')
  })
})

describe('limits', () => {
  const { depthMax, elementsMax, attributesMax, charactersMax } = xmlLimits
  const attributes = Array.from({ length: attributesMax + 1 }, (_, i) => `a${i}="1"`).join(' ')
  test.each([
    ['TooDeep', '<a>'.repeat(depthMax + 1)],
    ['TooManyElements', `<a>${'<b/>'.repeat(elementsMax)}</a>`],
    ['TooManyAttributes', `<a ${attributes}/>`],
    ['FileTooLarge', `<a>${' '.repeat(charactersMax)}</a>`],
    ['DoctypeNotAllowed', '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
  ])('%s', (code, source) => {
    const { root, list } = read(source)
    expect(root).toBeNull()
    expect(list.map((problem) => problem.code)).toEqual([code])
  })

  test.each([
    ['comments that never end', '<!-- '.repeat(100_000)],
    ['tags that never end', '<a '.repeat(100_000)],
    ['declarations', '<?xml '.repeat(100_000)],
    ['sections', `<a>${'<![CDATA[x]]>'.repeat(100_000)}</a>`],
    ['references', `<a>${'&amp;'.repeat(200_000)}</a>`],
    ['line ends', `<a>${'\r\n'.repeat(500_000)}</a>`],
    ['questions', `<a>${'<?'.repeat(100_000)}</a>`],
  ])('%s end soon', (_, source) => {
    const began = performance.now()
    read(source)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

const piece = fc.constantFrom(
  ...['<a>', '</a>', '<a/>', '<b c="d">', '</b>', '<!--', '-->', '<![CDATA[', ']]>', '<?xml version="1.0"?>', '<?p ?>'],
  ...[
    '<!DOCTYPE a>',
    '&amp;',
    '&#x41;',
    '&#0;',
    '&no;',
    '<',
    '>',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '\r\n',
    '\ufeff',
    '\ud800',
    'text',
  ],
)

test('no text crashes the reader, and a null is always explained', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const { root, list } = read(text)
      expect(root === null).toBe(list.some((problem) => problem.severity === 'error'))
      for (const { at } of list) expect(Math.min(at.line, at.column)).toBeGreaterThan(0)
    }),
    { numRuns: 1_000 },
  )
})

test('no bytes crash the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { root, list } = read(bytes)
      expect(root !== null || list.length > 0).toBe(true)
    }),
    { numRuns: 500 },
  )
})
