import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// docs/reference/service-callout.md says which test shows each line of the contract: it must be there, by that name.

const textOf = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

const rows = textOf('docs/reference/service-callout.md')
  .split('\n')
  .filter((line) => line.startsWith('| `') || line.startsWith('| empty'))
  .map((line) => {
    const [what, , , shown = ''] = line.slice(2, -2).split(' | ')
    return [what!, shown] as const
  })

test('there are rows', () => {
  expect(rows.length).toBeGreaterThan(35)
})

test.each(rows)('%s is shown by a test', (_, shown) => {
  for (const one of shown.split('<br>')) {
    const [, path, title] = /^([\w./-]+\.(?:ts|golden)): (.+)$/.exec(one)!
    expect(textOf(path!), one).toContain(title!.replaceAll('\\|', '|'))
  }
})
