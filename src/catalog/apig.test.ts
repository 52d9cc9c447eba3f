import { expect, test } from 'vitest'
import { Fields } from '../dialects/apig/fields.ts'
import { createGroup } from '../dialects/apig/resources.ts'
import { readApigSection } from '../dialects/apig/section.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { documentChanges, draftOver, openApig } from './apig.ts'

test('lists are in one order before and after a restart: of the file, then as things were made', () => {
  const files = readApigSection({ groups: [{ name: 'filed' }] }, (_, message) => expect.fail(message))
  const documents = new MemoryDocuments()
  const open = () => openApig(files, documents, () => undefined).resources.state
  let state = open()
  for (const [i, name] of ['zeta', 'alpha', 'beta'].entries()) {
    const draft = draftOver(state, files, 1_000 + i)
    createGroup(draft, new Fields({ name }))
    documents.write(documentChanges(draft.changes), 0)
    state = draft.state()
  }
  const names = (groups: Iterable<{ readonly name: string }>): string[] => [...groups].map(({ name }) => name)
  expect(names(state.group.values())).toEqual(['filed', 'zeta', 'alpha', 'beta'])
  expect(names(open().group.values())).toEqual(['filed', 'zeta', 'alpha', 'beta'])
})
