import { expect, test } from 'vitest'
import { problemLine } from '../../model/problem.ts'
import { readSharedFlow } from './shared-flow.ts'

const KINDS = new Map([['Mark', { parse: () => ({}) }]])
const read = (files: Readonly<Record<string, string>>) =>
  readSharedFlow(new Map(Object.entries(files).map(([path, text]) => [`sharedflowbundle/${path}`, text])), KINDS, {
    fallbackName: 'folder',
  })

test('steps, policies and resources; the name is that of the descriptor', () => {
  const { sharedFlow, problems } = read({
    'sf.xml': '<SharedFlowBundle name="logging"><DisplayName>Logging</DisplayName></SharedFlowBundle>',
    'sharedflows/default.xml':
      '<SharedFlow name="default"><Step><Name>M</Name><Condition>a = "b"</Condition></Step></SharedFlow>',
    'policies/M.xml': '<Mark name="M"/>',
    'resources/jsc/a.js': 'var a',
  })
  expect(problems).toEqual([])
  expect(sharedFlow).toMatchObject({
    name: 'logging',
    displayName: 'Logging',
    steps: [{ policy: 'M', condition: { text: 'a = "b"' } }],
    policies: [{ name: 'M', kind: 'Mark' }],
    resources: [{ type: 'jsc', name: 'a.js', text: 'var a' }],
  })
})

test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    'without a flow',
    { 'sf.xml': '<SharedFlowBundle name="a"/>' },
    'sharedflowbundle:1:1: error: SharedFlowMissing: no file in sharedflowbundle/sharedflows/; a bundle needs a SharedFlow',
  ],
  [
    'two flows',
    { 'sharedflows/a.xml': '<SharedFlow/>', 'sharedflows/b.xml': '<SharedFlow/>' },
    'sharedflowbundle/sharedflows/b.xml:1:1: error: DuplicateElement: a second file in sharedflows/; a bundle has one shared flow',
  ],
  [
    'another element',
    { 'sharedflows/a.xml': '<ProxyEndpoint/>' },
    'sharedflowbundle/sharedflows/a.xml:1:1: error: WrongElement: <ProxyEndpoint> in sharedflows/; its file holds a <SharedFlow>',
  ],
  [
    'an unknown step',
    { 'sharedflows/a.xml': '<SharedFlow><Step><Name>M</Name></Step></SharedFlow>' },
    'sharedflowbundle/sharedflows/a.xml:1:25: error: UnknownStep: no policy of this bundle is called M',
  ],
])('%s', (_, files, line) => {
  const { sharedFlow, problems } = read(files)
  expect(sharedFlow).toBeNull()
  expect(problems.map(problemLine)).toContain(line)
})
