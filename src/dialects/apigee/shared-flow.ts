import type { SharedFlow } from '../../model/entities.ts'
import { type Problem, Problems } from '../../model/problem.ts'
import { type BundleOptions, freezeAll, indexOf, readDescriptor } from './bundle.ts'
import { checkChildren } from './elements.ts'
import type { BundleFiles } from './files.ts'
import { readSteps } from './flows.ts'
import { layoutOf } from './layout.ts'
import type { PolicyReaders } from './policies.ts'
import { readResources } from './resources.ts'

export interface SharedFlowRead {
  /** Frozen. Null exactly when a problem is an error. */
  readonly sharedFlow: SharedFlow | null
  /** What there is of it, errors or not. Frozen. */
  readonly draft: SharedFlow
  readonly problems: readonly Problem[]
}

const WHOLE = { file: 'sharedflowbundle', line: 1, column: 1 }

/** The files of a shared flow (`sharedflowbundle/`) to the model, with all problems at once. Never throws for what they hold. */
export function readSharedFlow(files: BundleFiles, kinds: PolicyReaders, options: BundleOptions = {}): SharedFlowRead {
  const problems = new Problems()
  const layout = layoutOf(files, 'sharedflowbundle', problems)
  const policies = indexOf(layout, kinds, problems)
  const [root, second] = layout.roots.sharedflows
  if (second !== undefined) {
    problems.error('DuplicateElement', second.at, 'a second file in sharedflows/; a bundle has one shared flow')
  }
  if (root === undefined && layout.unreadable.sharedflows.length === 0) {
    problems.error('SharedFlowMissing', WHOLE, 'no file in sharedflowbundle/sharedflows/; a bundle needs a SharedFlow')
  } else if (root !== undefined && root.name !== 'SharedFlow') {
    problems.error('WrongElement', root.at, `<${root.name}> in sharedflows/; its file holds a <SharedFlow>`)
  }
  if (root !== undefined) checkChildren(root, problems)
  const flow: SharedFlow = {
    dialect: 'apigee',
    ...readDescriptor(layout, 'SharedFlowBundle', options, problems),
    revision: options.revision ?? 1,
    steps: readSteps(root, { policies, problems }),
    policies: policies.finish(),
    resources: readResources(layout.resources, 'sharedflowbundle', problems),
  }
  freezeAll(flow)
  return { sharedFlow: problems.hasErrors ? null : flow, draft: flow, problems: problems.list }
}
