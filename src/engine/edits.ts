import { compileCopy } from './edits-copy.ts'
import type { Edit } from './edits-model.ts'
import { compileRemove } from './edits-remove.ts'
import type { EditOptions, MessageEdit } from './edits-step.ts'
import { compileVariableEdit } from './edits-variable.ts'
import { compileWrite } from './edits-write.ts'
import type { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'
import type { Message } from './message.ts'
import type { CompileEnv } from './policy.ts'

export interface CompiledEdits {
  readonly steps: readonly MessageEdit[]
  /** Index of the first AssignVariable among the steps; their number when there is none. */
  readonly firstVariable: number
  /** There is something besides AssignVariable. */
  readonly changeMessage: boolean
}

/** Compiles blocks to a flat list of small closures. Constant values are worked out here. */
export function compileEdits(edits: readonly Edit[], env: CompileEnv, options: EditOptions): CompiledEdits {
  const steps: MessageEdit[] = []
  let firstVariable = -1
  let changeMessage = false
  for (const edit of edits) {
    if (edit.edit === 'variable') {
      if (firstVariable < 0) firstVariable = steps.length
      steps.push(compileVariableEdit(edit.variable, env, options))
      continue
    }
    const compiled = compileEdit(edit, env, options)
    if (compiled.length > 0) changeMessage = true
    steps.push(...compiled)
  }
  return { steps, firstVariable: firstVariable < 0 ? steps.length : firstVariable, changeMessage }
}

function compileEdit(edit: Exclude<Edit, { edit: 'variable' }>, env: CompileEnv, options: EditOptions): MessageEdit[] {
  switch (edit.edit) {
    case 'copy':
      return [compileCopy(edit.source, edit.selections, env, options)]
    case 'remove':
      return edit.selections.flatMap((selection) => compileRemove(selection, env, options))
    case 'add':
    case 'set':
      return edit.writes.flatMap((write) => compileWrite(write, edit.edit, env, options))
  }
}

/** Runs the steps from one index up to another; stops at the first fault. */
export function applyEdits(
  steps: readonly MessageEdit[],
  from: number,
  to: number,
  x: Exchange,
  m: Message,
): Fault | undefined {
  for (let i = from; i < to; i++) {
    const fault = steps[i]!(x, m)
    if (fault !== undefined) return fault
  }
  return undefined
}
