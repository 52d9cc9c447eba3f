import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MemoryDocuments } from '../memory/documents.ts'
import { loadSealKey, sealed } from './sealed.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-sealed-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (body: Uint8Array | null): string | null => body && Buffer.from(body).toString()

test('bodies come back, and are not to be read where they are kept', () => {
  const inner = new MemoryDocuments()
  const documents = sealed(inner, loadSealKey(folder))
  documents.write([{ kind: 'k', key: 'a', body: bytes('the secret') }], 1)
  expect(text(documents.read('k', 'a'))).toBe('the secret')
  expect(Buffer.from(inner.read('k', 'a')!).includes('secret')).toBe(false)
  documents.write([{ kind: 'k', key: 'a', body: null }], 1)
  expect(documents.read('k', 'a')).toBeNull()
})

test('a body that was changed, moved or sealed with another key is refused by name', () => {
  const inner = new MemoryDocuments()
  const key = loadSealKey(folder)
  const documents = sealed(inner, key)
  documents.write([{ kind: 'k', key: 'a', body: bytes('x') }], 1)
  const body = inner.read('k', 'a')!
  inner.write([{ kind: 'k', key: 'b', body }], 1)
  expect(() => documents.read('k', 'b')).toThrow(/k b in catalog.db cannot be opened with secret-key/)
  expect(() => sealed(inner, Buffer.alloc(32)).read('k', 'a')).toThrow(/cannot be opened/)
  const changed = Buffer.from(body)
  changed[changed.length - 1]! ^= 1
  inner.write([{ kind: 'k', key: 'a', body: changed }], 1)
  expect(() => documents.read('k', 'a')).toThrow(/cannot be opened/)
  inner.write([{ kind: 'k', key: 'a', body: body.subarray(0, 6) }], 1)
  expect(() => documents.read('k', 'a')).toThrow(/cannot be opened/)
})

test('what was written before there were seals is read', () => {
  const inner = new MemoryDocuments()
  inner.write([{ kind: 'k', key: 'a', body: bytes('{"a":1}') }], 1)
  expect(text(sealed(inner, loadSealKey(folder)).read('k', 'a'))).toBe('{"a":1}')
})

test('the key is made once, mode 600; a file that holds none is refused', () => {
  const key = loadSealKey(folder)
  expect(loadSealKey(folder).equals(key)).toBe(true)
  const file = join(folder, 'secret-key')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, 'nonsense')
  expect(() => loadSealKey(folder)).toThrow(/holds no key/)
  writeFileSync(file, before)
})
