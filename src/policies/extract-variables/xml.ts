import { withDocument, type XmlDocument, XmlFailure } from '../../core/xml-document.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText, type Value } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import {
  type CompiledXPath,
  compileXPath,
  evaluateMarkup,
  evaluateText,
  xpathValueText,
} from '../../engine/payload/xpath.ts'
import { cast, UNCASTABLE } from './cast.ts'
import type { Config, VariableType, XmlExtraction, XmlVariable } from './config.ts'
import { compileTarget, type Env, type Target } from './target.ts'
import type { Extract } from './texts.ts'

const XML_TYPE = /^\s*(?:text\/xml|application\/(?:[^;\s]+\+)?xml)\s*(?:;|$)/i

interface Compiled {
  readonly type: VariableType
  readonly xpaths: readonly CompiledXPath[]
  readonly target: Target
}

/**
 * XMLPayload. Of a message only when it says that it is XML; of a variable always. An XPath without a match is no error:
 * its variable is not set.
 */
export function compileXml(config: XmlExtraction, policy: Config, env: Env): Extract {
  const failed = env.fault('ExecutionFailed')
  const variables = config.variables.map((variable) => compileVariable(variable, config, policy, env))

  function extract(x: Exchange, document: XmlDocument): Fault | undefined {
    for (const variable of variables) {
      const text = find(variable, document)
      if (text instanceof XmlFailure) return failed
      if (text === null) continue
      const value = variable.type === 'nodeset' ? text : cast(text, variable.type)
      if (value === UNCASTABLE) return env.fault('UnableToCast', text.slice(0, 1024), variable.type.toUpperCase())
      const fault = variable.target(x, value)
      if (fault !== undefined || config.stopAfterFirst) return fault
    }
    return undefined
  }

  return (x, source) => {
    const xml = sourceOf(source)
    if (xml === null) return undefined
    const outcome = withDocument(xml, (document) => extract(x, document))
    return outcome instanceof XmlFailure ? failed : outcome
  }
}

function compileVariable(
  { name, type, xpaths }: XmlVariable,
  config: XmlExtraction,
  policy: Config,
  env: Env,
): Compiled {
  const compiled: CompiledXPath[] = []
  for (const expression of xpaths) {
    const xpath = compileXPath(expression, config.namespaces)
    if ('message' in xpath) env.problem('XPathCompilationFailed', env.policy.at, `${expression}: ${xpath.message}`)
    else compiled.push(xpath)
  }
  return { type, xpaths: compiled, target: compileTarget(name, policy.prefix, env) }
}

/** What the first XPath that finds something gives, as text or (nodeset) as XML. */
function find({ type, xpaths }: Compiled, document: XmlDocument): string | null | XmlFailure {
  for (const xpath of xpaths) {
    const found = type === 'nodeset' ? evaluateMarkup(xpath, document) : evaluateText(xpath, document)
    if (found !== null) return found instanceof XmlFailure ? found : xpathValueText(found)
  }
  return null
}

/** The bytes of a message are left as they are when only the document itself says how they are encoded. */
function sourceOf(source: Value): string | Buffer | null {
  if (!(source instanceof Message)) return toText(source)
  const type = source.headers.get('content-type') ?? ''
  if (!XML_TYPE.test(type)) return null
  const { content } = source.body
  return content === null || typeof content === 'string' || /;\s*charset\s*=/i.test(type) ? source.content : content
}
