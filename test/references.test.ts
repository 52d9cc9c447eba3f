import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { references } from '../scripts/references.ts'

const made = [...(await references())]

test('there are references', () => {
  expect(made.length).toBeGreaterThan(5)
})

test.each(made)('%s is fresh (npm run docs)', (file, text) => {
  expect(readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')).toBe(text)
})
