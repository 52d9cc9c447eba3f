import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { type Zippable, zipSync } from 'fflate'
import { afterEach, describe, expect, test } from 'vitest'
import { problemLine } from '../../model/problem.ts'
import { readBundle } from './bundle.ts'
import { type BundleFilesRead, baseOfFolder, bundleLimits, filesOfFolder, filesOfZip } from './files.ts'

const text = (value: string): Uint8Array => Buffer.from(value)

const linesOf = (read: BundleFilesRead): string[] => read.problems.map(problemLine)

function zip(files: Zippable): Buffer {
  return Buffer.from(zipSync(files))
}

/** The zip with every `from` in it replaced by as many bytes: the only way to names that zip writers refuse. */
function patched(archive: Buffer, from: string, to: string): Buffer {
  const result = Buffer.from(archive)
  for (let at = result.indexOf(from); at !== -1; at = result.indexOf(from, at + 1)) result.write(to, at, 'latin1')
  return result
}

/** Offset of the first central header, where most fields are believed from. */
const central = (archive: Buffer): number => archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))

describe('zips', () => {
  const good = zip({ 'apiproxy/': new Uint8Array(), 'apiproxy/a.xml': text('<APIProxy name="a"/>') })

  test('files by path, without folders and what desktops leave behind', () => {
    const read = filesOfZip(
      zip({
        apiproxy: { proxies: { 'default.xml': [text('<a/>'), { level: 0 }] }, '.DS_Store': text('x') },
        __MACOSX: { apiproxy: { '._a.xml': text('x') } },
        'readme.md': text('x'),
      }),
    )
    expect([...(read.files ?? [])].map(([path, content]) => [path, String(content)])).toEqual([
      ['apiproxy/proxies/default.xml', String(text('<a/>'))],
    ])
    expect(linesOf(read)).toEqual(['readme.md:1:1: warning: UnexpectedFile: not in apiproxy/; it is not read'])
  })

  test('backslashes of Windows tools are slashes', () => {
    const archive = patched(good, 'apiproxy/a', 'apiproxy\\a')
    expect([...(filesOfZip(archive).files ?? new Map()).keys()]).toEqual(['apiproxy/a.xml'])
  })

  test.each([
    ['a parent', '../proxies', 'leads out of the archive'],
    ['an absolute path', '/piproxy/a', 'leads out of the archive'],
    ['a drive', 'C:iproxy/a', 'leads out of the archive'],
    ['a backslash parent', '..\\proxy/a', 'leads out of the archive'],
    ['an empty segment', 'apip//xy/a', 'no plain path'],
    ['a dot', 'apipr/./ya', 'no plain path'],
  ])('%s in a name is refused', (_, name, why) => {
    const archive = patched(good, 'apiproxy/a'.slice(0, name.length), name)
    const read = filesOfZip(archive, 'x.zip')
    expect(read.files).toBeNull()
    expect(linesOf(read)[0]).toContain('x.zip:1:1: error: BadZip: the name ')
    expect(linesOf(read)[0]).toContain(why)
  })

  const change = (offset: number, value: number, bytes: 2 | 4): Buffer => {
    const archive = Buffer.from(zip({ 'apiproxy/a.xml': text('x'.repeat(500)) }))
    archive.writeUIntLE(value, central(archive) + offset, bytes)
    return archive
  }
  test.each([
    ['encrypted', change(8, 1, 2), 'is encrypted'],
    ['another method', change(10, 14, 2), 'packed by method 14'],
    ['a wrong checksum', change(16, 1, 4), 'its checksum is wrong'],
    ['a size that lies low', change(24, 10, 4), 'cannot be unpacked to the size'],
    ['a size that lies high', change(24, 501, 4), 'its size is not what the list says'],
    ['a packed size beyond the end', change(20, 5_000, 4), 'it is cut off'],
    ['a place beyond the end', change(42, 5_000_000, 4), 'it has no header'],
    ['a symbolic link', change(40, 0xa1ff, 2), 'is a symbolic link'],
    ['a bomb by its sizes', change(24, bundleLimits.bytesMax + 1, 4), 'it unpacks to more than'],
    ['cut off', good.subarray(0, good.length - 30), 'not a zip archive'],
    ['no zip', Buffer.from('PK but nothing else'), 'not a zip archive'],
    ['nothing', Buffer.alloc(0), 'not a zip archive'],
    ['too many bytes', Buffer.alloc(bundleLimits.zipBytesMax + 1), 'a bundle may have'],
  ])('%s is refused', (_, archive, why) => {
    const read = filesOfZip(archive, 'x.zip')
    expect(read.files).toBeNull()
    expect(linesOf(read)).toEqual([expect.stringContaining('x.zip:1:1: error: BadZip: ')])
    expect(linesOf(read)[0]).toContain(why)
  })

  test('too many entries are refused', () => {
    const files = Object.fromEntries(Array.from({ length: bundleLimits.entriesMax + 1 }, (_, i) => [`a${i}`, text('')]))
    expect(linesOf(filesOfZip(zip(files)))[0]).toContain('entries; a bundle may have')
  })

  test('a name that is there twice is refused', () => {
    const archive = patched(
      zip({ 'apiproxy/a.xml': text('1'), 'apiproxy/b.xml': text('2') }),
      'apiproxy/b',
      'apiproxy/a',
    )
    expect(linesOf(filesOfZip(archive))[0]).toContain('apiproxy/a.xml is in it twice')
  })

  test('a bomb whose sizes lie stops at the size that it states', () => {
    const bomb = deflateRawSync(Buffer.alloc(200 * 1024 * 1024))
    const archive = zip({ 'apiproxy/a.xml': [bomb, { level: 0 }] })
    archive.writeUInt16LE(8, central(archive) + 10)
    archive.writeUInt32LE(1_000, central(archive) + 24)
    const began = performance.now()
    expect(linesOf(filesOfZip(archive))[0]).toContain('cannot be unpacked to the size')
    expect(performance.now() - began).toBeLessThan(500)
  })

  test.each([
    [
      { 'weather/apiproxy/a.xml': text('x') },
      'InvalidBundle: Bundle is invalid. Unable to read/find APIProxy contents',
    ],
    [{}, 'the top folder must be apiproxy/, nothing is in it'],
  ])('a zip without apiproxy/ is no bundle: %o', (files: Zippable, why) => {
    expect(linesOf(filesOfZip(zip(files)))[0]).toContain(why)
  })

  test('no bytes crash the reader', () => {
    const mutations = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 })
    fc.assert(
      fc.property(mutations, fc.nat(good.length), (changes, length) => {
        const archive = Buffer.from(good.subarray(0, length))
        for (const [at, byte] of changes) if (at < length) archive[at] = byte
        const { files, problems } = filesOfZip(archive)
        expect(files === null).toBe(problems.some((problem) => problem.severity === 'error'))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('folders', () => {
  const made: string[] = []
  afterEach(() => {
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
  })

  function folder(files: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(join(tmpdir(), 'postern-'))
    made.push(root)
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    return root
  }

  test('one that holds apiproxy/, or is it', () => {
    const root = folder({ 'apiproxy/proxies/a.xml': '<a/>', 'apiproxy/.git/x': 'x', 'pom.xml': 'x' })
    for (const path of [root, join(root, 'apiproxy')]) {
      const read = filesOfFolder(path)
      expect(linesOf(read)).toEqual([])
      expect([...(read.files?.keys() ?? [])]).toEqual(['apiproxy/proxies/a.xml'])
      expect(baseOfFolder(path)).toBe(root)
    }
  })

  test('an empty one, another one, a missing one', () => {
    const empty = folder({})
    expect(linesOf(filesOfFolder(empty))).toEqual([
      `${empty}:1:1: error: InvalidBundle: Bundle is invalid. Unable to read/find APIProxy contents: the top folder must be apiproxy/, nothing is in it`,
    ])
    expect(linesOf(filesOfFolder(folder({ 'src/a.ts': '' })))[0]).toContain('must be apiproxy/, found src')
    expect(linesOf(filesOfFolder(join(empty, 'no')))[0]).toContain('Unreadable: there is no such file or folder')
    expect(filesOfFolder(folder({ 'sharedflowbundle/a.xml': '' })).top).toBe('sharedflowbundle')
  })

  test('links that lead in a circle end', () => {
    const root = folder({ 'apiproxy/proxies/a.xml': '<a/>' })
    symlinkSync(join(root, 'apiproxy'), join(root, 'apiproxy/loop'))
    expect(linesOf(filesOfFolder(root))).toEqual([expect.stringContaining('BundleTooLarge: folders nested more than')])
  })
})

test('a resource that is not text is named', () => {
  const proxy =
    '<ProxyEndpoint name="a"><HTTPProxyConnection><BasePath>/a</BasePath></HTTPProxyConnection><RouteRule/></ProxyEndpoint>'
  const files = new Map<string, Uint8Array | string>([
    ['apiproxy/proxies/a.xml', proxy],
    ['apiproxy/resources/jsc/a.js', Buffer.from([0xff, 0])],
    ['apiproxy/resources/java/a.jar', Buffer.from([0xff, 0])],
  ])
  const { proxy: model, problems } = readBundle(files, new Map())
  expect(problems.map((problem) => problem.code)).toEqual(['ResourceNotRead'])
  expect(model?.resources).toEqual([])
  expect(Object.isFrozen(model?.proxyEndpoints[0]?.routeRules)).toBe(true)
})

test('no bytes in any file crash the reader of bundles', () => {
  const path = fc.constantFrom('a.xml', 'proxies/a.xml', 'targets/a.xml', 'policies/a.xml', 'resources/jsc/a.js', 'x/y')
  const tag = fc.constantFrom(
    ...[
      'ProxyEndpoint',
      'TargetEndpoint',
      'PreFlow',
      'Flows',
      'Flow',
      'Request',
      'Step',
      'Name',
      'Condition',
      'FaultRules',
    ],
    ...[
      'HTTPProxyConnection',
      'BasePath',
      'RouteRule',
      'URL',
      'HTTPTargetConnection',
      'Properties',
      'Property',
      'Quota',
    ],
    ...['SSLInfo', 'LoadBalancer', 'APIProxy', 'DefaultFaultRule', 'FaultRule', 'AlwaysEnforce', 'Nothing'],
  )
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('/a', 'http://a.example', 'a', '', ' x ', 'true'),
      fc
        .tuple(tag, fc.constantFrom('', ' name="a"', ' name="success.codes"'), fc.array(tie('tree'), { maxLength: 4 }))
        .map(([name, attributes, inner]) => `<${name}${attributes}>${inner.join('')}</${name}>`),
    ),
  }))
  const content = fc.oneof(tree, fc.uint8Array({ maxLength: 60 }))
  const bundle = fc.array(fc.tuple(path, content), { maxLength: 5 })
  fc.assert(
    fc.property(bundle, (entries) => {
      const files = new Map(entries.map(([name, bytes]) => [`apiproxy/${name}`, bytes]))
      const { proxy, draft, problems } = readBundle(files, new Map())
      expect(proxy === null).toBe(problems.some((problem) => problem.severity === 'error'))
      expect(JSON.parse(JSON.stringify(draft))).toEqual(draft)
    }),
    { numRuns: 1_000 },
  )
})
