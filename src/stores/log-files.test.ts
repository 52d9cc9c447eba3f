import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { LogFile } from '../core/log-files.ts'
import { LogFolder, logFilesPort, RemoteLogFiles } from './log-files.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function world() {
  const folder = mkdtempSync(join(tmpdir(), 'postern-logs-'))
  folders.push(folder)
  const clock = { ms: 0 }
  const troubles: string[] = []
  const logs = new LogFolder({ folder, now: () => clock.ms, onTrouble: (path) => troubles.push(path) })
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  return { folder, clock, troubles, logs, read }
}
const file = (more: Partial<LogFile> = {}): LogFile => ({
  path: 'a/b.log',
  bytesMax: null,
  ageMsMax: null,
  kept: 2,
  rotateAtStart: false,
  ...more,
})

test('lines are added to what is there', () => {
  const { folder, logs, read } = world()
  logs.append(file(), ['one', 'two'])
  new LogFolder({ folder, now: () => 0, onTrouble: () => undefined }).append(file(), ['three'])
  expect(read('a/b.log')).toBe('one\ntwo\nthree\n')
})

test('a full file is put aside, and the oldest goes', () => {
  const { folder, logs, read } = world()
  for (const line of ['1', '2', '3', '4']) logs.append(file({ bytesMax: 2 }), [line])
  expect(readdirSync(join(folder, 'a')).sort()).toEqual(['b.log', 'b.log.1', 'b.log.2'])
  expect(['a/b.log', 'a/b.log.1', 'a/b.log.2'].map(read)).toEqual(['4\n', '3\n', '2\n'])
})

test('an old file is put aside, and that of the last run when it is wanted', () => {
  const { folder, clock, logs, read } = world()
  logs.append(file({ ageMsMax: 1_000, kept: 1 }), ['1'])
  clock.ms = 10 * Date.now()
  logs.append(file({ ageMsMax: 1_000, kept: 1 }), ['2'])
  expect([read('a/b.log'), read('a/b.log.1')]).toEqual(['2\n', '1\n'])
  const next = new LogFolder({ folder, now: () => 0, onTrouble: () => undefined })
  next.append(file({ rotateAtStart: true }), ['3'])
  next.append(file({ rotateAtStart: true }), ['4'])
  expect([read('a/b.log'), read('a/b.log.1')]).toEqual(['3\n4\n', '2\n'])
})

test('a folder that cannot be is told once, and nobody throws', () => {
  const { folder, logs, troubles } = world()
  writeFileSync(join(folder, 'a'), '')
  logs.append(file(), ['1'])
  logs.append(file(), ['2'])
  expect(troubles).toEqual(['a/b.log'])
})

test('over a port: every line, in order', async () => {
  const { logs, read } = world()
  const remote = new RemoteLogFiles(logFilesPort(logs))
  for (let i = 0; i < 1_000; i++) remote.write(file(), String(i))
  const all = `${Array.from({ length: 1_000 }, (_, i) => i).join('\n')}\n`
  await vi.waitFor(() => expect(read('a/b.log')).toBe(all), { timeout: 5_000 })
})
