import { expect, test } from 'vitest'
import { requestIds } from './ids.ts'

test('ids are 32 hex digits and never the same', () => {
  const nextId = requestIds()
  const ids = Array.from({ length: 2_000 }, () => nextId())
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})

test('threads share no beginning', () => {
  expect(requestIds()().slice(0, 24)).not.toBe(requestIds()().slice(0, 24))
})
