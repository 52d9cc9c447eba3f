import { describe, expect, test } from 'vitest'
import { KeyValueStore } from '../../catalog/key-value-maps.ts'
import type { MapAnswer } from '../../core/key-value-maps.ts'
import { Fault } from '../../engine/fault.ts'
import { delayed } from '../../stores/conformance/delayed.ts'
import { MemoryDocuments } from '../../stores/memory/documents.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import keyValueMapOperations from './index.ts'

function world() {
  const maps = new KeyValueStore({ documents: new MemoryDocuments(), now: Date.now })
  const run = (body: string, more: RunOptions = {}, attributes = 'mapIdentifier="m"') =>
    runPolicy(
      keyValueMapOperations,
      `<KeyValueMapOperations name="KVM" ${attributes}>${body}</KeyValueMapOperations>`,
      {
        maps,
        ...more,
      },
    )
  const value = async (map: string, key: string) => {
    const answer = (await maps.run(map, [{ do: 'get', key }])) as MapAnswer & { done: true }
    return answer.values[0] ?? null
  }
  return { maps, run, value }
}

const key = (...parts: string[]): string =>
  `<Key>${parts.map((part) => (part.startsWith('@') ? `<Parameter ref="${part.slice(1)}"/>` : `<Parameter>${part}</Parameter>`)).join('')}</Key>`
const codeOf = (outcome: unknown): unknown => (outcome instanceof Fault ? outcome.code : outcome)

describe('KeyValueMapOperations', () => {
  test('put, get and delete in the environment; keys of several parts', async () => {
    const { run, value } = world()
    await run(`<Put>${key('a', '@id')}<Value ref="v"/></Put>`, { variables: { id: '7', v: 'one' } })
    expect(await value('environment/test/m', 'a__7')).toEqual(['one'])
    const { exchange } = await run(`<Get assignTo="got">${key('@k')}</Get>`, { variables: { k: 'a__7' } })
    expect(exchange.get('got')).toBe('one')
    const gone = await run(`<Delete>${key('a__7')}</Delete><Get assignTo="got">${key('a__7')}</Get>`)
    expect([gone.outcome, gone.exchange.get('got')]).toEqual([undefined, null])
  })

  test('the same over a store that answers later', async () => {
    const { maps, run } = world()
    const later = { maps: delayed(maps) }
    await run(`<Put>${key('a')}<Value>1</Value></Put>`, later)
    expect((await run(`<Get assignTo="got">${key('a')}</Get>`, later)).exchange.get('got')).toBe('1')
  })

  test.each([
    ['organization', 'organization/m'],
    ['environment', 'environment/test/m'],
    ['apiproxy', 'apiproxy/test/m'],
    ['policy', 'revision/test/1/m'],
  ])('Scope %s', async (scope, map) => {
    const { run, value } = world()
    await run(`<Scope>${scope}</Scope><Put>${key('a')}<Value>1</Value></Put>`)
    expect(await value(map, 'a')).toEqual(['1'])
  })

  test('without mapIdentifier it is kvmap; an empty one is a fault', async () => {
    const { run, value } = world()
    await run(`<Put>${key('a')}<Value>1</Value></Put>`, {}, '')
    expect(await value('environment/test/kvmap', 'a')).toEqual(['1'])
    const { outcome } = await run(`<Get assignTo="x">${key('a')}</Get>`, {}, 'mapIdentifier=""')
    expect(codeOf(outcome)).toBe('steps.keyvaluemapoperations.UnsupportedOperationException')
  })

  test('override="false" keeps what is there', async () => {
    const { run, value } = world()
    const put = (text: string, override: string) =>
      run(`<Put override="${override}">${key('a')}<Value>${text}</Value></Put>`)
    await put('1', 'false')
    await put('2', 'false')
    expect(await value('environment/test/m', 'a')).toEqual(['1'])
    await put('3', 'true')
    expect(await value('environment/test/m', 'a')).toEqual(['3'])
  })

  test('several values: all, or the one of index', async () => {
    const { run } = world()
    await run(`<Put>${key('a')}<Value>x</Value><Value>y</Value></Put>`)
    const get = (attributes: string) => run(`<Get assignTo="got" ${attributes}>${key('a')}</Get>`)
    expect((await get('')).exchange.get('got')).toEqual(['x', 'y'])
    expect((await get('index="2"')).exchange.get('got')).toBe('y')
    expect((await get('index="3"')).exchange.get('got')).toBeNull()
  })

  test('a part that is not set: nothing is written, nothing is read', async () => {
    const { maps, run } = world()
    const { outcome } = await run(
      `<Put>${key('@none')}<Value>1</Value></Put><Put>${key('a')}<Value ref="none"/></Put><Get assignTo="x">${key('@none')}</Get>`,
    )
    expect(outcome).toBeUndefined()
    expect(maps.find('environment/test/m')).toBeNull()
  })

  test('an encrypted map fills private variables only', async () => {
    const { maps, run } = world()
    await maps.create('environment/test/m', true)
    await run(`<Put>${key('a')}<Value>secret</Value></Put>`)
    const shown = await run(`<Get assignTo="got">${key('a')}</Get>`)
    expect(codeOf(shown.outcome)).toBe('steps.keyvaluemapoperations.SetVariableFailed')
    expect((shown.outcome as Fault).text).not.toContain('secret')
    expect((await run(`<Get assignTo="private.got">${key('a')}</Get>`)).exchange.get('private.got')).toBe('secret')
  })

  test('what is too large is refused before anything is written', async () => {
    const { maps, run } = world()
    const { outcome } = await run(`<Put>${key('a')}<Value>1</Value></Put><Put>${key('b')}<Value ref="big"/></Put>`, {
      variables: { big: 'x'.repeat(600_000) },
    })
    expect(codeOf(outcome)).toBe('steps.keyvaluemapoperations.StoreUnavailable')
    expect(maps.find('environment/test/m')).toBeNull()
  })

  test.each([
    [`<Get assignTo="x" index="0">${key('a')}</Get>`, 'InvalidIndex'],
    ['<Get assignTo="x"/>', 'KeyIsMissing'],
    ['<Delete><Key/></Delete>', 'KeyIsMissing'],
    [`<Put>${key('a')}</Put>`, 'ValueIsMissing'],
    ['<InitialEntries><Entry><Key/><Value>1</Value></Entry></InitialEntries>', 'KeyIsMissing'],
    [`<InitialEntries><Entry>${key('a')}</Entry></InitialEntries>`, 'ValueIsMissing'],
    [`<Scope>planet</Scope><Delete>${key('a')}</Delete>`, 'InvalidScope'],
  ])('%s is %s', async (body, code) => {
    const { problems } = await world().run(body)
    expect(problems.map((problem) => `${problem.severity} ${problem.code}`)).toEqual([`error ${code}`])
  })

  test('a policy that does nothing is a warning', async () => {
    expect((await world().run('')).problems.map(({ code }) => code)).toEqual(['EmptyElement'])
  })
})
