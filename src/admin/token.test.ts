import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadAdminToken, sameSecret } from './token.ts'

describe('the admin token', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-token-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const file = (): string => join(folder, 'admin-token')
  const mode = (): number => statSync(file()).mode & 0o777

  test('is made at the first start, 32 random bytes in a file that only its owner reads', () => {
    const made = loadAdminToken(folder, {})
    expect(made.value).toMatch(/^[\w-]{43}$/)
    expect(made).toMatchObject({ from: file(), warnings: [] })
    expect(readFileSync(file(), 'utf8')).toBe(`${made.value}\n`)
    expect(mode()).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['admin-token'])
  })

  test('stays the same at the next start, and differs between folders', () => {
    const { value } = loadAdminToken(folder, {})
    expect(loadAdminToken(folder, {}).value).toBe(value)
    expect(loadAdminToken(join(folder, 'not', 'there', 'yet'), {}).value).not.toBe(value)
  })

  test('comes from POSTERN_ADMIN_TOKEN when that is set, and then no file is made', () => {
    const token = 'a-token-of-more-than-sixteen'
    expect(loadAdminToken(folder, { POSTERN_ADMIN_TOKEN: token })).toEqual({
      value: token,
      from: 'POSTERN_ADMIN_TOKEN',
      warnings: [],
    })
    expect(readdirSync(folder)).toEqual([])
    expect(loadAdminToken(folder, { POSTERN_ADMIN_TOKEN: '' }).from).toBe(file())
  })

  test('is warned about when it is short, and refused when no header could carry it', () => {
    expect(loadAdminToken(folder, { POSTERN_ADMIN_TOKEN: 'short' }).warnings).toHaveLength(1)
    for (const bad of ['two words', 'line\nbreak', 'ünïcode', 'x'.repeat(513)]) {
      expect(() => loadAdminToken(folder, { POSTERN_ADMIN_TOKEN: bad })).toThrow(/visible ASCII/)
    }
  })

  test('in a file that others may read is closed to them, with a warning', () => {
    writeFileSync(file(), 'kept-from-earlier\n')
    chmodSync(file(), 0o644)
    const loaded = loadAdminToken(folder, {})
    expect(loaded.value).toBe('kept-from-earlier')
    expect(loaded.warnings[0]).toContain('could be read by others')
    expect(mode()).toBe(0o600)
    expect(loadAdminToken(folder, {}).warnings).toEqual([])
  })

  test('that cannot be had is one clear line', () => {
    writeFileSync(file(), '\n')
    expect(() => loadAdminToken(folder, {})).toThrow(/admin-token holds no token .*; remove it/)
    rmSync(file())
    mkdirSync(file())
    expect(() => loadAdminToken(folder, {})).toThrow(/cannot keep the admin token in .*set POSTERN_ADMIN_TOKEN instead/)
    writeFileSync(join(folder, 'plain'), '')
    expect(() => loadAdminToken(join(folder, 'plain', 'below'), {})).toThrow(/cannot keep the admin token in/)
  })
})

test('secrets are equal only when they are', () => {
  expect(sameSecret('abc', 'abc')).toBe(true)
  expect(sameSecret('abc', 'abd')).toBe(false)
  expect(sameSecret('abc', 'abcd')).toBe(false)
  expect(sameSecret('', 'a')).toBe(false)
})
