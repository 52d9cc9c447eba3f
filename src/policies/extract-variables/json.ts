import type { Exchange } from '../../engine/exchange.ts'
import { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import { cachedJsonPath, foundText } from '../../engine/payload/json-path.ts'
import type { JsonPath } from '../../engine/payload/json-path-ast.ts'
import { type Found, selectJson } from '../../engine/payload/json-path-eval.ts'
import { isProblem } from '../../engine/payload/json-path-parser.ts'
import { type Json, jsonText, parseJson } from '../../engine/payload/json-text.ts'
import type { SourceText } from '../../model/source.ts'
import { cast, UNCASTABLE } from './cast.ts'
import type { Config, JsonExtraction, JsonVariable, VariableType } from './config.ts'
import { compileTarget, type Env } from './target.ts'
import type { Extract } from './texts.ts'

const JSON_TYPE = /^\s*application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i

/** JSONPayload. Of a message only when it says that it is JSON; of a variable always. */
export function compileJson(config: JsonExtraction, policy: Config, env: Env): Extract {
  const failed = env.fault('ExecutionFailed')
  const notParsed = env.fault('JsonPathParsingFailure', policy.source)
  const variables = config.variables.map((variable) => compileVariable(variable, policy, env))
  return (x, source) => {
    const isMessage = source instanceof Message
    if (isMessage && !JSON_TYPE.test(source.headers.get('content-type') ?? '')) return undefined
    const document = parseJson(isMessage ? source.content : toText(source))
    if (document === undefined) return isMessage ? failed : notParsed
    for (const extract of variables) {
      const fault = extract(x, document)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

type ExtractJson = (x: Exchange, document: Json) => Fault | undefined

function compileVariable({ name, type, paths }: JsonVariable, policy: Config, env: Env): ExtractJson {
  const target = compileTarget(name, policy.prefix, env)
  const selects = paths.map((path) => compilePath(path, policy.ignoreUnresolved, env))
  const failed = env.fault('ExecutionFailed')
  return (x, document) => {
    let nowhere: string | null = null
    for (const select of selects) {
      const found = select(x, document)
      if (found instanceof Fault) return found
      if (typeof found !== 'string') return assign(x, found)
      nowhere ??= found
    }
    return policy.ignoreUnresolved || nowhere === null ? undefined : env.fault('InvalidJSONPath', nowhere)
  }

  function assign(x: Exchange, found: Found): Fault | undefined {
    const text = textFor(type, found)
    if (text === undefined) return failed
    if (text === null || type === 'nodeset') return target(x, text)
    const value = cast(text, type)
    return value === UNCASTABLE ? env.fault('UnableToCast', text.slice(0, 1024), type.toUpperCase()) : target(x, value)
  }
}

/** Null: the JSON null. Undefined: more was found than fits. */
function textFor(type: VariableType, found: Found): string | null | undefined {
  return type === 'nodeset' && found.kind === 'one' ? jsonText(found.value) : foundText(found)
}

/** What one path finds; the path itself when it leads nowhere; a fault when its filled-in template is no path. */
type Select = (x: Exchange, document: Json) => Found | string | Fault

function compilePath(source: SourceText, ignoreUnresolved: boolean, env: Env): Select {
  if (source.text.includes('{')) {
    const template = env.template(source, { ignoreUnresolved })
    return (x, document) => {
      const text = template(x)
      if (text instanceof Fault) return text
      const path = cachedJsonPath(text)
      return isProblem(path) ? env.fault('InvalidJSONPath', text) : select(path, text, document)
    }
  }
  const path = cachedJsonPath(source.text)
  if (!isProblem(path)) return (_, document) => select(path, source.text, document)
  env.problem('JSONPathCompilationFailed', source.at, `${path.message}, at character ${path.at + 1}`)
  const fault = env.fault('InvalidJSONPath', source.text)
  return () => fault
}

function select(path: JsonPath, text: string, document: Json): Found | string {
  const found = selectJson(path, document)
  return found.kind === 'none' ? text : found
}
