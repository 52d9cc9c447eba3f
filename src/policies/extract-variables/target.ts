import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText, type Value } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import type { CompileEnv } from '../../engine/policy.ts'
import type { ExtractFault } from './faults.ts'

export type Env = CompileEnv<ExtractFault>

/** Sets one variable; gives the fault when it cannot be set. */
export type Target = (x: Exchange, value: Value) => Fault | undefined

/** Longest value that is shown in a fault. */
const SHOWN_CHARS_MAX = 1024

/** The variable `<prefix>.<name>`. It cannot be set while a variable that its name begins with (`a.b` of `a.b.c`) has a value. */
export function compileTarget(name: string, prefix: string, env: Env): Target {
  const full = prefix === '' ? name : `${prefix}.${name}`
  const variable = env.variable(full)
  const parents: string[] = []
  for (let dot = full.indexOf('.'); dot > 0; dot = full.indexOf('.', dot + 1)) parents.push(full.slice(0, dot))
  const immutable = env.fault('ImmutableVariable', full)
  return (x, value) => {
    for (const parent of parents) {
      const held = x.get(parent)
      if (held !== null && !(held instanceof Message)) {
        return env.fault('SetVariableFailed', full, toText(value).slice(0, SHOWN_CHARS_MAX))
      }
    }
    return variable.set(x, value) ? undefined : immutable
  }
}
