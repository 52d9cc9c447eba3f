import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TEMPLATE_FUNCTIONS, type TemplateEnv } from './template-functions.ts'

const ENV: TemplateEnv = {
  now: () => 0,
  uuid: () => 'u',
  randomInt: (min) => min,
  xpath: () => null,
  jsonPath: () => null,
}

function run(name: string, ...args: string[]): string | null {
  const known = TEMPLATE_FUNCTIONS.get(name)
  if (known === undefined) throw new Error(`no ${name}`)
  return known.run(args, ENV)
}

const ALPHA = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const NASTY = `<apple> 'orange' & "banana"`

describe('template functions', () => {
  const cases: readonly (readonly [name: string, args: readonly string[], expected: string | null])[] = [
    ['md5Hex', ['abc'], '900150983cd24fb0d6963f7d28e17f72'],
    ['sha1Hex', ['abc'], 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['sha256Hex', ['abc'], 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['sha256Base64', ['abc'], 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='],
    ['md5Base64', ['abc'], 'kAFQmDzST7DWlj99KOF/cg=='],
    ['sha384Hex', ['é'], createHash('sha384').update('é', 'utf8').digest('hex')],
    ['sha512Base64', [''], createHash('sha512').update('').digest('base64')],
    ['encodeBase64', ['abc'], 'YWJj'],
    ['encodeBase64', ['é'], 'w6k='],
    ['decodeBase64', ['aGVsbG8sIHdvcmxk'], 'hello, world'],
    ['decodeBase64', ['aGVsbG8sIHdvcmxk\n'], 'hello, world'],
    ['decodeBase64', ['d29ybGQK'], 'world\n'],
    ['decodeBase64', ['_-_-'], ''],
    ['decodeBase64', ['a'], ''],
    ['toUpperCase', ['straße'], 'STRASSE'],
    ['toLowerCase', ['The Lazy DOG.'], 'the lazy dog.'],
    // substring, by commons-lang's rules
    ['substring', [ALPHA, '22'], 'WXYZ'],
    ['substring', [ALPHA, '-4'], 'WXYZ'],
    ['substring', [ALPHA, '0', '4'], 'ABCD'],
    ['substring', [ALPHA, '0', '-4'], 'ABCDEFGHIJKLMNOPQRSTUV'],
    ['substring', [ALPHA, '-8', '-4'], 'STUV'],
    ['substring', [ALPHA, '5', '2'], ''],
    ['substring', [ALPHA, '20', '100'], 'UVWXYZ'],
    ['substring', [ALPHA, '-100', '2'], 'AB'],
    ['substring', [ALPHA, '100'], ''],
    ['substring', ['abc', 'x'], null],
    ['substring', ['abc', '1', ''], null],
    ['substring', ['abc', '99999999999999999999'], null],
    ['replaceAll', ['Bearer ABC-9993', '9993', ''], 'Bearer ABC-'],
    ['replaceAll', ['Bearer ABC-9993', '^Bearer ', 'TOKEN: '], 'TOKEN: ABC-9993'],
    ['replaceAll', ['a1b22', '([0-9])', '<$1>'], 'a<1>b<2><2>'],
    ['replaceAll', ['a', '(', ''], null],
    ['replaceFirst', ['a1b22', '[0-9]', 'X'], 'aXb22'],
    ['escapeJSON', ['say "hi"\n\\ /'], 'say \\"hi\\"\\n\\\\ /'],
    ['escapeJSON', ['poor man’s'], 'poor man’s'],
    ['escapeXML', [NASTY], '&lt;apple&gt; &apos;orange&apos; &amp; &quot;banana&quot;'],
    ['escapeXML', ['a\u0001b\u007fc\ufffe'], 'ab&#127;c'],
    ['escapeXML11', [NASTY], '&lt;apple&gt; &apos;orange&apos; &amp; &quot;banana&quot;'],
    ['escapeXML11', ['a\u0001b\u0000c\u0085d'], 'a&#1;bc\u0085d'],
    ['encodeHTML', [NASTY], '&lt;apple&gt; &#39;orange&#39; &amp; &quot;banana&quot;'],
    ['encodeHTML', ['5 + 5 < 88'], '5 + 5 &lt; 88'],
    ['timeFormatUTC', ['MMMM d, yyyy', '1531349564'], 'July 11, 2018'],
    ['timeFormatUTC', ['yyyy-MM-dd HH-mm-ss', '1494390266'], '2017-05-10 04-24-26'],
    ['timeFormatUTCMs', ["yyyy-MM-dd'T'HH:mm'Z'", '1494390266000'], '2017-05-10T04:24Z'],
    ['timeFormatUTCMs', ['yyyy', 'soon'], null],
    ['timeFormatUTCMs', ['yyyy', '9000000000000000'], null],
    ['timeFormatUTCMs', ['jj', '0'], null],
    ['createUuid', [], 'u'],
    ['randomLong', [], '-9223372036854775808'],
    ['randomLong', ['10'], '10'],
    ['randomLong', ['5', '5'], '5'],
    ['randomLong', ['6', '5'], null],
    ['randomLong', ['x'], null],
    ['xeger', ['[1-9]{7}'], '1111111'],
    ['xeger', ['(?=a)'], null],
    ['firstnonnull', [], null],
    ['firstnonnull', ['a', 'b'], 'a'],
    ['xpath', ['/a', '<a/>'], ''],
    ['jsonPath', ['$.a', '{}'], ''],
  ]
  test.each(cases)('%s %j -> %s', (name, args, expected) => {
    expect(run(name, ...args)).toBe(expected)
  })

  test.each(['Md5', 'Sha1', 'Sha224', 'Sha256', 'Sha384', 'Sha512'])('hmac%s with all encodings', (name) => {
    const digest = (key: string | Buffer, output: 'hex' | 'base64') =>
      createHmac(name.toLowerCase(), key).update('text').digest(output)
    expect(run(`hmac${name}`, 'key', 'text')).toBe(digest('key', 'base64'))
    expect(run(`hmac${name}`, 'key', 'text', 'UTF-8', 'base16')).toBe(digest('key', 'hex'))
    expect(run(`hmac${name}`, '00ff', 'text', 'hex', 'HEX')).toBe(digest(Buffer.from('00ff', 'hex'), 'hex'))
    expect(run(`hmac${name}`, 'AP8=', 'text', 'base64')).toBe(digest(Buffer.from('00ff', 'hex'), 'base64'))
    expect(run(`hmac${name}`, 'zz', 'text', 'hex')).toBeNull()
    expect(run(`hmac${name}`, 'key', 'text', 'rot13')).toBeNull()
    expect(run(`hmac${name}`, 'key', 'text', 'utf-8', 'utf-8')).toBeNull()
  })

  test('a cascade of keys gives the published signing key', () => {
    const date = run('hmacSha256', 'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', '20150830', 'utf-8', 'base16')!
    const region = run('hmacSha256', date, 'us-east-1', 'base16', 'base16')!
    const service = run('hmacSha256', region, 'iam', 'base16', 'base16')!
    expect(run('hmacSha256', service, 'aws4_request', 'base16', 'base16')).toBe(
      'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
    )
  })

  test('randomLong stays between its ends', () => {
    const seeds = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(long, long, seeds, (a, b, chance) => {
        const [min, max] = a < b ? [a, b] : [b, a]
        const env = { ...ENV, randomInt: (lo: number, hi: number) => lo + Math.floor(chance.next().value! * (hi - lo)) }
        const drawn = BigInt(TEMPLATE_FUNCTIONS.get('randomLong')!.run([String(min), String(max)], env)!)
        expect(drawn >= min && drawn <= max).toBe(true)
      }),
    )
  })

  test('randomLong ends with a source that always gives the highest', () => {
    const env = { ...ENV, randomInt: (_: number, max: number) => max - 1 }
    expect(TEMPLATE_FUNCTIONS.get('randomLong')!.run(['0', '4294967296'], env)).toMatch(/^\d+$/)
    expect(TEMPLATE_FUNCTIONS.get('randomLong')!.run(['0', '1000'], env)).toBe('1000')
  })

  test('every function has a usage that names it and a line of documentation', () => {
    for (const [name, known] of TEMPLATE_FUNCTIONS) {
      expect(known.usage.startsWith(`${name}(`)).toBe(true)
      expect(known.doc).toMatch(/\.$/)
      expect(known.argumentsMin).toBeLessThanOrEqual(known.argumentsMax)
    }
  })

  test('the functions are those of the reference', () => {
    const hashes = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'].flatMap((name) => [`${name}Hex`, `${name}Base64`])
    const hmacs = ['Md5', 'Sha1', 'Sha224', 'Sha256', 'Sha384', 'Sha512'].map((name) => `hmac${name}`)
    const others = `encodeBase64 decodeBase64 toUpperCase toLowerCase substring replaceAll replaceFirst escapeJSON escapeXML
      escapeXML11 encodeHTML timeFormat timeFormatMs timeFormatUTC timeFormatUTCMs createUuid randomLong xeger
      firstnonnull xpath jsonPath`
    const names = [...hashes, ...hmacs, ...others.split(/\s+/)]
    expect([...TEMPLATE_FUNCTIONS.keys()].sort()).toEqual(names.sort())
  })

  test('no arguments make a function throw', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('', '1', '-1', '(', '[a-z]{2}', 'hex', 'yyyy', '$1', 'a\\'))
    fc.assert(
      fc.property(
        fc.constantFrom(...TEMPLATE_FUNCTIONS.keys()),
        fc.array(text, { minLength: 4, maxLength: 4 }),
        (name, args) => {
          const known = TEMPLATE_FUNCTIONS.get(name)!
          const made = known.run(args.slice(0, Math.min(4, known.argumentsMax)), ENV)
          expect(made === null || typeof made === 'string').toBe(true)
          expect(known.check?.(args) ?? null).toSatisfy((found: unknown) => found === null || typeof found === 'string')
        },
      ),
      { numRuns: 1000 },
    )
  })
})
