import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DASHES = `${'-'.repeat(10)}\n`

/** A file of a golden folder: input, a line of ten dashes, what is expected of it. */
export interface GoldenCase {
  readonly name: string
  readonly input: string
  readonly expected: string
  /** Puts another expectation into the file: run the tests with GOLDEN=write, then read the difference. */
  write(actual: string): void
}

/** All `*.golden` of a folder. Throws when there are none: a loop over nothing proves nothing. */
export function goldenCases(folder: string): GoldenCase[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.golden'))
  if (names.length === 0) throw new Error(`no .golden file in ${folder}`)
  return names.map((name) => {
    const file = join(folder, name)
    const text = readFileSync(file, 'utf8')
    const split = text.indexOf(`\n${DASHES}`)
    if (split === -1) throw new Error(`${file} has no line of ten dashes`)
    const input = text.slice(0, split + 1)
    const expected = text.slice(split + 1 + DASHES.length)
    return { name, input, expected, write: (actual) => writeFileSync(file, input + DASHES + actual) }
  })
}

export const writesGolden: boolean = process.env['GOLDEN'] === 'write'

/** `=== path` lines begin files. */
export function filesOf(input: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const part of input.split(/^=== /m).slice(1)) {
    const end = part.indexOf('\n')
    files.set(part.slice(0, end), part.slice(end + 1))
  }
  return files
}
