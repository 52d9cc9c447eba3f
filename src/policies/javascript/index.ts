import { COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { boundedCache } from '../../engine/language/bounded-cache.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Variable } from '../../engine/variables.ts'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import { childOf, childrenOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'
import { Host } from './host.ts'
import { type Result, resultOf } from './result.ts'
import { Sandbox, SandboxError, type ScriptPart } from './sandbox.ts'
import { scriptProblem, scriptReads } from './script.ts'

/**
 * Runs a script (ES5 and later) on the messages and variables of the call, in a sandbox of its own.
 *
 *     <Javascript name="JS-Greeting" timeLimit="200">
 *       <IncludeURL>jsc://tools.js</IncludeURL>
 *       <ResourceURL>jsc://greeting.js</ResourceURL>
 *     </Javascript>
 *
 * Source: Apigee's reference of the JavaScript policy and its object model.
 */
export interface Config {
  readonly timeLimitMs: number
  readonly includes: readonly Place[]
  /** Null: `source` is the script. */
  readonly resource: Place | null
  readonly source: { readonly text: string; readonly at: Position } | null
  readonly properties: Readonly<Record<string, string>>
}

interface Place {
  readonly url: string
  readonly at: Position
}

const TIME_LIMIT_MS = 200
const TIME_LIMIT_MS_MAX = 60_000
const CHILDREN = ['ResourceURL', 'IncludeURL', 'Source', 'Properties', ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) {
    if (child.name === 'SSLInfo') {
      problems.error(
        'NotSupported',
        child.at,
        '<SSLInfo> of a script is not supported: use ServiceCallout for calls with it',
      )
    } else if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  }
  const resource = childOf(xml, 'ResourceURL')
  const source = childOf(xml, 'Source')
  if ((resource === undefined) === (source === undefined)) {
    problems.error('InvalidResourceUrlFormat', xml.at, 'Javascript wants either <ResourceURL> or <Source>')
  }
  return {
    timeLimitMs: timeLimitOf(xml, problems),
    includes: childrenOf(xml, 'IncludeURL').flatMap((child) => placeOf(child, problems)),
    resource: resource === undefined ? null : (placeOf(resource, problems)[0] ?? null),
    source: source === undefined ? null : { text: source.text, at: source.textAt },
    properties: propertiesOf(xml, problems),
  }
}

/** Names and values as the script's `properties` has them. */
function propertiesOf(xml: XmlElement, problems: Problems): Record<string, string> {
  const properties: Record<string, string> = {}
  const list = childOf(xml, 'Properties')
  for (const child of list?.children ?? []) {
    const name = child.attributes['name']
    if (child.name !== 'Property') warnUnknown(child, list!, ['Property'], problems)
    else if (name === undefined || name === '') problems.error('MissingName', child.at, '<Property> has no name')
    else properties[name] = child.text.trim()
  }
  return properties
}

function timeLimitOf(xml: XmlElement, problems: Problems): number {
  const text = xml.attributes['timeLimit'] ?? xml.attributes['timeout']
  if (text === undefined) return TIME_LIMIT_MS
  const ms = Number(text)
  if (ms === 0) {
    problems.warn('InvalidTimeLimit', xml.at, `a script always has a time limit; 0 counts as ${TIME_LIMIT_MS} ms`)
    return TIME_LIMIT_MS
  }
  if (Number.isInteger(ms) && ms >= 1 && ms <= TIME_LIMIT_MS_MAX) return ms
  problems.error(
    'InvalidTimeLimit',
    xml.at,
    `timeLimit="${text}" is no number of milliseconds from 1 to ${TIME_LIMIT_MS_MAX}`,
  )
  return TIME_LIMIT_MS
}

function placeOf(element: XmlElement, problems: Problems): Place[] {
  const url = element.text.trim()
  if (/^jsc:\/\/[^/\s]+$/.test(url)) return [{ url, at: element.at }]
  const text = `<${element.name}> is "${url}"; a script is named like jsc://file.js`
  problems.error('InvalidResourceUrlFormat', element.at, text)
  return []
}

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  const parts = partsOf(config, env)
  const reads = scriptReads(parts)
  for (const message of reads.contents) env.needContent(message)
  return new Script(config, env, parts, reads.waits, reads.session).step
}

function partsOf(config: Config, env: Env): ScriptPart[] {
  const parts: ScriptPart[] = []
  for (const { url, at } of [...config.includes, ...(config.resource === null ? [] : [config.resource])]) {
    const text = env.resource(url)
    if (text === null) env.problem('NoResourceForURL', at, `there is no resources/jsc/${url.slice('jsc://'.length)}`)
    else parts.push({ name: url.slice('jsc://'.length), text })
  }
  if (config.source !== null) parts.push({ name: 'Source', text: config.source.text })
  for (const part of parts) {
    const problem = scriptProblem(part)
    if (problem === null) continue
    const { line, text } = problem
    const place = config.source !== null && part.name === 'Source' ? config.source.at : null
    const at = place ?? { file: fileOf(part, config), line: 1, column: 1 }
    env.problem(problem.code, { ...at, line: at.line + line, column: 1 }, text)
  }
  return parts
}

/** Where a script of the bundle is, seen from the policy that names it: its folder lies beside `policies`. */
function fileOf({ name }: ScriptPart, config: Config): string {
  const { file } = [...config.includes, config.resource].find((one) => one?.url === `jsc://${name}`)!.at
  return `${file.slice(0, Math.max(0, file.lastIndexOf('policies/')))}resources/jsc/${name}`
}

const VARIABLES_MAX = 1000

class Script {
  readonly #config: Config
  readonly #env: Env
  readonly #parts: readonly ScriptPart[]
  readonly #sandbox: Sandbox
  readonly #waits: boolean
  readonly #session: boolean
  readonly #printed: string
  readonly #variable: (name: string) => Variable

  constructor(config: Config, env: Env, parts: readonly ScriptPart[], waits: boolean, session: boolean) {
    this.#config = config
    this.#env = env
    this.#parts = parts
    this.#sandbox = new Sandbox(parts, config.properties)
    this.#waits = waits
    this.#session = session
    // Names that scripts make up at run time must not gather.
    this.#variable = boundedCache(VARIABLES_MAX, env.lateVariable)
    this.#printed = `javascript.${env.policy.name}.stdout`
  }

  readonly step: Step = (x) => {
    const host = new Host(x, this.#env.outbound, this.#variable, this.#waits, this.#session)
    const token = this.#sandbox.token()
    const result = this.#run(token, host)
    if (result === 'waits') return this.#goOn(x, token, host)
    return this.#end(x, token, host, result)
  }

  /** Once more from the top whenever what the script waits for is there. */
  async #goOn(x: Exchange, token: number, host: Host): Promise<Outcome> {
    for (;;) {
      const { call, timeoutMs } = host.wait!
      await (timeoutMs > 0 ? Promise.race([call.done, after(timeoutMs)]) : call.done)
      host.waited()
      host.rewind()
      const result = this.#run(token, host)
      if (result !== 'waits') return this.#end(x, token, host, result)
    }
  }

  #run(token: number, host: Host): Result | 'waits' {
    try {
      const json = this.#sandbox.run(token, this.#config.timeLimitMs, host.answer)
      return host.wait === null ? resultOf(json, this.#parts) : 'waits'
    } catch (error) {
      return this.#broken(token, error)
    }
  }

  #broken(token: number, error: unknown): Result {
    if (!(error instanceof SandboxError)) throw error
    this.#sandbox.forget(token)
    return { error: error.message, place: null, pending: [], session: null }
  }

  #end(x: Exchange, token: number, host: Host, result: Result): Outcome | Promise<Outcome> {
    if (result.error === null && result.pending.length > 0) return this.#callBacks(x, token, host, result)
    return this.#settle(x, host, result)
  }

  /** The flow goes on when all that was sent with a callback is there and the callbacks have run. */
  async #callBacks(x: Exchange, token: number, host: Host, first: Result): Promise<Outcome> {
    host.callBacks()
    let result = first
    const called = new Set<number>()
    for (;;) {
      const waiting = result.pending.filter((id) => !called.has(id))
      if (result.error !== null || waiting.length === 0) return this.#settle(x, host, result)
      const calls = waiting.map((id) => host.session.calls[id]!)
      await Promise.race(calls.map((call) => call.done))
      const id = waiting.find((one) => host.session.calls[one]!.answer !== null)!
      called.add(id)
      try {
        result = resultOf(this.#sandbox.callBack(token, id, this.#config.timeLimitMs, host.answer), this.#parts)
      } catch (error) {
        result = this.#broken(token, error)
      }
    }
  }

  #settle(x: Exchange, host: Host, result: Result): Outcome {
    if (host.printed !== '') x.set(this.#printed, host.printed)
    if (result.error !== null) return this.#fault(result)
    if (result.session !== null) host.session.json = result.session
    return undefined
  }

  #fault({ error, place }: Result): Fault {
    const where = place === null ? '' : ` (${place.name}:${place.line})`
    return this.#env.fault('ScriptExecutionFailed', `Javascript runtime error: "${error}.${where}"`)
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

const javascript: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'Javascript',
  prefix: 'javascript',
  faults,
  parse,
  compile,
})

export default javascript
