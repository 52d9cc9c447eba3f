import { randomUUID } from 'node:crypto'
import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { LogFiles } from '../core/log-files.ts'
import type { ServerStates } from '../core/server-states.ts'
import type { DeployedProxy, Settings } from '../model/deployment.ts'
import type { Problems } from '../model/problem.ts'
import type { Policy, Resource } from '../model/proxy.ts'
import type { Position, SourceText } from '../model/source.ts'
import type { Access } from './access.ts'
import { applicationsOf } from './applications.ts'
import type { Balancers } from './balancer.ts'
import { compileTls } from './connection-tls.ts'
import { ContentNeeds } from './content.ts'
import type { Exchange } from './exchange.ts'
import { type Fault, faultOf } from './fault.ts'
import { compileCondition, parseCondition } from './language/condition.ts'
import {
  compileTemplate,
  type Template as ParsedTemplate,
  parseTemplate,
  type TemplateEnv,
  Unresolved,
} from './language/template.ts'
import { jsonPathText } from './payload/json-path.ts'
import { xpathText } from './payload/xpath.ts'
import type { Test } from './plan.ts'
import { platformFault } from './platform-faults.ts'
import type { CompileEnv, Outbound, PolicyKind, SharedFlowPlan, TemplateOptions } from './policy.ts'
import type { Recording } from './recording/index.ts'
import type { Template } from './template.ts'
import { compileMessage, compileVariable, type MessageReference, type Variable } from './variables.ts'

/** What the engine itself needs from outside. */
export interface EngineServices {
  readonly outbound: Outbound
  readonly access: Access
  readonly counters: Counters
  readonly cache: Cache
  readonly maps: KeyValueMaps
  /** What is known of the servers of load balancers. */
  readonly servers: ServerStates
  readonly logFiles: LogFiles
  now(): number
}

const templateEnv = (now: () => number): TemplateEnv => ({
  now,
  uuid: randomUUID,
  randomInt: (min, max) => min + Math.floor(Math.random() * (max - min)),
  xpath: xpathText,
  jsonPath: jsonPathText,
})

/** Compiles texts (conditions, templates, names) and notes which bodies they read. */
export class Compiler {
  readonly needs: ContentNeeds = new ContentNeeds()
  readonly problems: Problems
  readonly services: EngineServices
  readonly #templateEnv: TemplateEnv
  readonly #recording: Recording | null

  /** `recording`: what is compiled tells what it reads and writes; null: it does not. */
  constructor(problems: Problems, services: EngineServices, recording: Recording | null) {
    this.problems = problems
    this.services = services
    this.#recording = recording
    this.#templateEnv = templateEnv(services.now)
  }

  variable(name: string): Variable {
    const variable = compileVariable(name, this.needs.need)
    return this.#recording === null ? variable : this.#recording.variable(variable)
  }

  /** What is compiled while calls run can ask for no bodies any more. */
  readonly lateVariable = (name: string): Variable => {
    const variable = compileVariable(name, noNeed)
    return this.#recording === null ? variable : this.#recording.variable(variable)
  }

  message(name: string | null): MessageReference {
    return compileMessage(name)
  }

  readonly #read = (name: string): Variable['get'] => this.variable(name).get

  condition(source: SourceText): Test {
    const parsed = parseCondition(source.text)
    if (!parsed.ok) {
      this.problems.error('InvalidCondition', positionAt(source, parsed.at), parsed.message)
      return () => false
    }
    for (const warning of parsed.warnings) {
      this.problems.warn('SuspectCondition', positionAt(source, warning.at), warning.message)
    }
    return compileCondition<Exchange>(parsed.condition, this.#read)
  }

  template(source: SourceText, options: TemplateOptions): Template {
    const { ignoreUnresolved, ...delimiters } = options
    const template = parseTemplate(source.text, delimiters)
    for (const problem of template.problems) {
      this.problems.error('InvalidTemplate', positionAt(source, problem.at), problem.message)
    }
    return this.#render(template, ignoreUnresolved, this.#read)
  }

  lateTemplate(text: string, options: TemplateOptions): Template {
    const { ignoreUnresolved, ...delimiters } = options
    return this.#render(parseTemplate(text, delimiters), ignoreUnresolved, (name) => this.lateVariable(name).get)
  }

  #render(template: ParsedTemplate, ignoreUnresolved: boolean, read: (name: string) => Variable['get']): Template {
    const render = compileTemplate<Exchange>(template, read, { ignoreUnresolved }, this.#templateEnv)
    if (ignoreUnresolved) return render as Template
    return (x) => {
      const text = render(x)
      return text instanceof Unresolved ? unresolved(text.name) : text
    }
  }
}

const noNeed = (): void => {}

export function unresolved(name: string): Fault {
  return platformFault('entities.UnresolvedVariable', name)
}

/** Where a policy is deployed. */
export interface PolicyOwner {
  readonly deployed: DeployedProxy
  readonly settings: Settings
  /** Of the bundle that has the policy: the proxy's, or a shared flow's. */
  readonly resources: readonly Resource[]
  readonly sharedFlows: { find(name: string): SharedFlowPlan | null }
  /** Of the deployment; what is compiled adds its own. */
  readonly balancers: Balancers
}

/** Of the bundle, then of the environment, then of the organisation; the first of a type and name counts. */
function resourcesOf({ resources, settings }: PolicyOwner): readonly Resource[] {
  const { resourceFiles } = settings.entities
  if (resourceFiles.length === 0) return resources
  const byName = new Map<string, Resource>()
  const inOrder = ['environment', 'organization'].flatMap((scope) => resourceFiles.filter((one) => one.scope === scope))
  for (const one of [...resources, ...inOrder]) {
    const key = `${one.type}/${one.name}`
    if (!byName.has(key)) byName.set(key, one)
  }
  return [...byName.values()]
}

/** The environment of one policy: the compiler, and what is the policy's own. */
export function policyEnv(compiler: Compiler, kind: PolicyKind, policy: Policy, of: PolicyOwner): CompileEnv {
  const resources = resourcesOf(of)
  return {
    policy,
    proxy: of.deployed.proxy.name,
    revision: of.deployed.proxy.revision,
    environment: of.settings.environment,
    organization: of.settings.organization,
    variable: (name) => compiler.variable(name),
    lateVariable: compiler.lateVariable,
    message: (name) => compiler.message(name),
    needContent: (name) => compiler.needs.needNamed(name === null || name === '' ? 'message' : name),
    template: (source, options) => compiler.template(source, options),
    lateTemplate: (text, options) => compiler.lateTemplate(text, options),
    condition: (source) => compiler.condition(source),
    fault: (name, ...details) => {
      const row = kind.faults[name]
      if (row === undefined) throw new Error(`${kind.element} has no fault ${name}`)
      return faultOf(`steps.${kind.prefix}`, name, row, policy.name, details)
    },
    unresolved,
    problem: (code, at, message) => compiler.problems.error(code, at, message),
    warn: (code, at, message) => compiler.problems.warn(code, at, message),
    sharedFlow: (name) => of.sharedFlows.find(name),
    resource: (url) => {
      const match = /^([a-z]+):\/\/(.+)$/.exec(url)
      return resources.find((r) => r.type === match?.[1] && r.name === match[2])?.text ?? null
    },
    resources: (type) =>
      Object.fromEntries(resources.filter((one) => one.type === type).map((one) => [one.name, one.text])),
    entities: of.settings.entities,
    tls: (connection) => compileTls(connection, of.settings, compiler.problems),
    balancer: (connection) => of.balancers.add(connection, `policy ${policy.name}`),
    applications: applicationsOf(of.settings.entities),
    outbound: compiler.services.outbound,
    access: compiler.services.access,
    counters: compiler.services.counters,
    cache: compiler.services.cache,
    maps: compiler.services.maps,
    logFiles: compiler.services.logFiles,
    now: compiler.services.now,
  }
}

/** The place of an offset inside a text that began at `source.at`. */
function positionAt(source: SourceText, offset: number): Position {
  const before = source.text.slice(0, offset)
  const newline = before.lastIndexOf('\n')
  if (newline < 0) return { ...source.at, column: source.at.column + offset }
  return { file: source.at.file, line: source.at.line + before.split('\n').length - 1, column: offset - newline }
}
