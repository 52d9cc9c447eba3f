import type { VariableEdit } from './edits-model.ts'
import type { EditOptions, MessageEdit } from './edits-step.ts'
import { compileText } from './edits-write.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import { boundedCache } from './language/bounded-cache.ts'
import { toText, type Value } from './language/value.ts'
import type { CompileEnv } from './policy.ts'
import type { Variable } from './variables.ts'

type Source = (x: Exchange) => Value | Fault

/** Names and templates that are known only at run time are compiled once each, as long as there are not more than this. */
const LATE_TEXTS_MAX = 100

/** Compiles AssignVariable: the first source that gives something is assigned, with its type. */
export function compileVariableEdit(edit: VariableEdit, env: CompileEnv, options: EditOptions): MessageEdit {
  const target = compileName(edit, env, options)
  const sources = compileSources(edit, env, options)
  const missing = edit.ref ?? edit.templateRef
  return (x) => {
    const variable = target(x)
    if (variable instanceof Fault) return variable
    let value: Value = null
    for (let i = 0; i < sources.length && value === null; i++) {
      const found = sources[i]!(x)
      if (found instanceof Fault) return found
      value = found
    }
    if (value === null && missing !== null && !options.ignoreUnresolved) return options.unresolved(missing)
    return variable.set(x, value) ? undefined : options.notSet(variable.name, 'it cannot be written')
  }
}

function compileName(edit: VariableEdit, env: CompileEnv, options: EditOptions): (x: Exchange) => Variable | Fault {
  const name = compileText(edit.name, env, { ignoreUnresolved: options.ignoreUnresolved })
  if (typeof name === 'string') {
    const variable = env.variable(name)
    return () => variable
  }
  const late = boundedCache(LATE_TEXTS_MAX, env.lateVariable)
  return (x) => {
    const text = name(x)
    return typeof text === 'string' ? late(text.trim()) : text
  }
}

function compileSources(edit: VariableEdit, env: CompileEnv, options: EditOptions): Source[] {
  const sources: Source[] = []
  if (edit.ref !== null) sources.push(env.variable(edit.ref).get)
  if (edit.templateRef !== null) sources.push(lateTemplate(edit.templateRef, env, options))
  if (edit.template !== null) {
    const text = compileText(edit.template, env, { ignoreUnresolved: options.ignoreUnresolved })
    sources.push(typeof text === 'string' ? () => text : text)
  }
  if (edit.resourceUrl !== null) {
    const resource = env.resource(edit.resourceUrl)
    if (resource === null) env.problem('NoResourceForURL', edit.at, `the bundle has no resource ${edit.resourceUrl}`)
    sources.push(() => resource)
  }
  if (edit.value !== null) sources.push(() => edit.value)
  return sources
}

/** A template that a variable holds. Bodies that it reads are there only when something else asked for them. */
function lateTemplate(name: string, env: CompileEnv, options: EditOptions): Source {
  const holder = env.variable(name)
  const late = boundedCache(LATE_TEXTS_MAX, (text) =>
    env.lateTemplate(text, { ignoreUnresolved: options.ignoreUnresolved }),
  )
  return (x) => {
    const text = holder.get(x)
    return text === null ? null : late(toText(text))(x)
  }
}
