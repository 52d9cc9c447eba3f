import { expect, test } from 'vitest'
import { didYouMean, nearestName } from './nearest.ts'

test.each([
  ['AsignMessage', 'AssignMessage'],
  ['basepath', 'basePath'],
  ['unit', 'unit'],
  ['xyz', null],
  ['', null],
  ['basePathbasePath', null],
  ['a'.repeat(65), null],
])('%s was probably %s', (name, meant) => {
  expect(nearestName(name, ['basePath', 'AssignMessage', 'unit', 'a'.repeat(66)])).toBe(meant)
})

test('the end of a message', () => {
  expect(didYouMean('Stp', ['Step'])).toBe(' (did you mean Step?)')
  expect(didYouMean('Else', ['Step'])).toBe('')
})
