import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText, type Value } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import { messageProperty } from '../../engine/message-properties.ts'
import type { TextExtraction } from './config.ts'
import { bestMatch, compilePattern, isPatternProblem, type Pattern } from './pattern.ts'
import { compileTarget, type Env, type Target } from './target.ts'

/** Does one extraction: reads the source, sets variables; the fault that ended it. */
export type Extract = (x: Exchange, source: Value) => Fault | undefined

/** The text that patterns look at; null: there is none, and nothing is extracted. */
type ReadText = (x: Exchange, source: Value) => string | null

/** URIPath, QueryParam, Header, FormParam, Variable. What does not fit is no error: its variables are not set. */
export function compileTexts(config: TextExtraction, prefix: string, env: Env): Extract {
  const read = compileRead(config, env)
  const patterns: Pattern[] = []
  const targets = new Map<Pattern, readonly Target[]>()
  for (const { text, kind, ignoreCase, at } of config.patterns) {
    const pattern = compilePattern(text, kind, ignoreCase)
    if (isPatternProblem(pattern)) env.problem(pattern.code, at, `Pattern ${text}: ${pattern.reason}`)
    else {
      patterns.push(pattern)
      targets.set(
        pattern,
        pattern.names.map((name) => compileTarget(name, prefix, env)),
      )
    }
  }
  return (x, source) => {
    const text = read(x, source)
    const best = text === null ? null : bestMatch(patterns, text)
    if (best === null) return undefined
    const set = targets.get(best.pattern)!
    for (let i = 0; i < set.length; i++) {
      const fault = set[i]!(x, best.values[i]!)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

/** The property of a message that each place reads: `w.2` and `.values` mean what they mean in variables. */
const PROPERTIES = { query: 'queryparam', header: 'header', form: 'formparam' } as const

function compileRead({ from, name }: TextExtraction, env: Env): ReadText {
  if (from === 'path') {
    return (x, source) => (source instanceof Message && source.kind === 'request' ? x.pathSuffix : null)
  }
  if (from === 'variable') {
    const variable = env.variable(name)
    return (x) => textOf(variable.get(x))
  }
  const property = messageProperty(`${PROPERTIES[from]}.${name}`)
  if (property === null) return () => null
  return (_, source) => {
    if (!(source instanceof Message) || (from === 'query' && source.kind !== 'request')) return null
    return textOf(property.get(source))
  }
}

function textOf(value: Value): string | null {
  return value === null ? null : toText(value)
}
