import fc from 'fast-check'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { Problems } from '../../model/problem.ts'
import { bundleLimits } from './files.ts'
import { readZip } from './zip.ts'
import { writeZip } from './zip-writer.ts'

test('what is written is read again, by us and by others', () => {
  const path = fc.stringMatching(/^[a-zé][a-z0-9 .é]{0,20}$/).map((name) => `apiproxy/${name}x`)
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(path, fc.uint8Array()), { selector: ([name]) => name }), (entries) => {
      const zip = writeZip(new Map(entries))
      const problems = new Problems()
      const read = readZip(zip, 'a.zip', bundleLimits, problems)
      expect(problems.list).toEqual([])
      expect([...read!].map(([name, bytes]) => [name, [...bytes]])).toEqual(entries.map(([n, b]) => [n, [...b]]))
      expect(Object.keys(unzipSync(zip)).sort()).toEqual(entries.map(([name]) => name).sort())
    }),
  )
})
