import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MapAnswer, MapOperation } from '../core/key-value-maps.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { keyValuePort, RemoteKeyValueMaps } from '../stores/memory/key-value-port.ts'
import { KeyValueStore } from './key-value-maps.ts'

const store = (documents = new MemoryDocuments(), bytesMax?: number) =>
  new KeyValueStore({ documents, now: () => 0, ...(bytesMax !== undefined && { bytesMax }) })
const put = (key: string, value: string, override = true): MapOperation => ({
  do: 'put',
  key,
  values: [value],
  override,
})
const get = (key: string): MapOperation => ({ do: 'get', key })
const values = (answer: MapAnswer) => (answer.done ? answer.values : answer.why)

describe('key value maps', () => {
  test('any run of operations, over a port and after a restart, is what one Map would hold', async () => {
    const key = fc.constantFrom('a', 'b', 'c\n', '')
    const operation = fc.oneof(
      key.map((k): MapOperation => ({ do: 'get', key: k })),
      fc.tuple(key, fc.string(), fc.boolean()).map(([k, v, o]) => put(k, v, o)),
      key.map((k): MapOperation => ({ do: 'delete', key: k })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('m', 'n'), fc.array(operation)), { maxLength: 8 }),
        async (runs) => {
          const documents = new MemoryDocuments()
          const maps = new RemoteKeyValueMaps(keyValuePort(store(documents)))
          const model = new Map<string, Map<string, string>>()
          for (const [map, operations] of runs) {
            const entries = model.get(map) ?? new Map<string, string>()
            model.set(map, entries)
            const expected: (string[] | null)[] = []
            for (const one of operations) {
              if (one.do === 'get') expected.push(entries.has(one.key) ? [entries.get(one.key)!] : null)
              else if (one.do === 'delete') entries.delete(one.key)
              else if (one.override || !entries.has(one.key)) entries.set(one.key, one.values[0]!)
            }
            expect(values(await maps.run(map, operations))).toEqual(expected)
          }
          const again = store(documents)
          for (const [map, entries] of model) {
            const kept = [...(again.find(map)?.entries ?? [])].map(([k, v]) => [k, v[0]])
            expect(new Map(kept as [string, string][])).toEqual(entries)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('what cannot be kept is undone and said', async () => {
    const documents = new MemoryDocuments()
    const maps = store(documents)
    await maps.run('m', [put('a', '1')])
    documents.write = () => {
      throw new Error('disk full')
    }
    const answers = await Promise.all([
      maps.run('m', [put('a', '2'), put('b', '3')]),
      maps.run('n', [put('a', '4')]),
      maps.run('m', [{ do: 'delete', key: 'a' }]),
    ])
    expect(answers.map(values)).toEqual(Array(3).fill('the key value maps cannot be written: disk full'))
    expect(values(await maps.run('m', [get('a'), get('b')]))).toEqual([['1'], null])
    expect(maps.find('n')).toBeNull()
  })

  test('bounded in bytes; room that was freed can be used again', async () => {
    const maps = store(undefined, 1_000)
    expect(values(await maps.run('m', [put('a', 'x'.repeat(300))]))).toEqual([])
    expect(values(await maps.run('m', [put('b', 'x'.repeat(300))]))).toMatch(/larger than 1000 bytes/)
    await maps.remove('m')
    expect(values(await maps.run('m', [put('b', 'x'.repeat(300))]))).toEqual([])
  })
})
