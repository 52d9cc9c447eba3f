import { type MapAnswer, type MapOperation, type MapScope, mapPlace } from '../../core/key-value-maps.ts'
import { booleanAttribute, COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { FaultTable } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'

/**
 * Reads, writes and deletes entries of a key value map.
 *
 *     <KeyValueMapOperations name="KVM-Route" mapIdentifier="routes">
 *       <Scope>environment</Scope>
 *       <Get assignTo="backend"><Key><Parameter ref="request.queryparam.region"/></Key></Get>
 *     </KeyValueMapOperations>
 *
 * Source: Apigee's reference of the KeyValueMapOperations policy.
 */
export interface Config {
  /** Null: the attribute is there and empty, which is a fault at run time. */
  readonly map: string | null
  readonly scope: Scope
  readonly operations: readonly Operation[]
  readonly initial: readonly { readonly key: string; readonly values: readonly string[] }[]
}

const SCOPES = ['organization', 'environment', 'apiproxy', 'policy'] as const
type Scope = (typeof SCOPES)[number]

/** A text, or the variable that goes before it. */
interface Part {
  readonly ref: string
  readonly text: string
}

type Operation =
  | { readonly do: 'get'; readonly key: readonly Part[]; readonly assignTo: string; readonly index: number | null }
  | { readonly do: 'put'; readonly key: readonly Part[]; readonly values: readonly Part[]; readonly override: boolean }
  | { readonly do: 'delete'; readonly key: readonly Part[] }

const faults = {
  SetVariableFailed: {
    status: 500,
    message:
      'Failed to set variable {1} in KeyValueMapOperations {policy}: the map is encrypted and the name has no prefix "private."',
    cause: 'A value of an encrypted map is assigned to a variable whose name does not begin with private.',
  },
  UnsupportedOperationException: {
    status: 500,
    message: 'mapIdentifier of KeyValueMapOperations {policy} is empty',
    cause: 'The attribute mapIdentifier is there without a value.',
  },
  StoreUnavailable: {
    status: 500,
    message: 'KeyValueMapOperations {policy} failed: {1}',
    cause: 'Beyond Edge: a key, a value or all maps together are too large, or the maps cannot be written.',
  },
} as const satisfies FaultTable

const DEFAULT_MAP = 'kvmap'
const OWN_CHILDREN = ['Scope', 'Get', 'Put', 'Delete', 'InitialEntries', 'ExclusiveCache', 'ExpiryTimeInSecs']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]
const KEY_SEPARATOR = '__'

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const operations: Operation[] = []
  for (const child of xml.children) {
    const operation = Object.hasOwn(OPERATIONS, child.name) ? OPERATIONS[child.name]!(child, problems) : null
    if (operation !== null) operations.push(operation)
  }
  const identifier = xml.attributes['mapIdentifier']
  const map = identifier?.trim() ?? DEFAULT_MAP
  const initial = childrenOf(xml, 'InitialEntries').flatMap((entries) => parseInitial(entries, problems))
  if (!['Get', 'Put', 'Delete', 'InitialEntries'].some((name) => childOf(xml, name) !== undefined)) {
    problems.warn(
      'EmptyElement',
      xml.at,
      'a KeyValueMapOperations without Get, Put, Delete and InitialEntries does nothing',
    )
  }
  return { map: map === '' ? null : map, scope: scopeOf(xml, problems), operations, initial }
}

function scopeOf(xml: XmlElement, problems: Problems): Scope {
  const text = textOf(xml, 'Scope') ?? 'environment'
  const scope = SCOPES.find((one) => one === text.toLowerCase())
  if (scope !== undefined) return scope
  problems.error('InvalidScope', childOf(xml, 'Scope')!.at, `<Scope> is "${text}", not one of ${SCOPES.join(', ')}`)
  return 'environment'
}

const OPERATIONS: Readonly<Record<string, (xml: XmlElement, problems: Problems) => Operation | null>> = {
  Get(xml, problems) {
    const key = keyOf(xml, problems)
    const assignTo = xml.attributes['assignTo']?.trim() ?? ''
    if (assignTo === '') problems.warn('EmptyElement', xml.at, 'a <Get> without assignTo reads for nobody')
    return key === null ? null : { do: 'get', key, assignTo, index: indexOf(xml, problems) }
  },
  Put(xml, problems) {
    const key = keyOf(xml, problems)
    const values = childrenOf(xml, 'Value').map(partOf)
    if (values.length === 0) problems.error('ValueIsMissing', xml.at, 'a <Put> needs a <Value>')
    return key === null ? null : { do: 'put', key, values, override: booleanAttribute(xml, 'override', true, problems) }
  },
  Delete(xml, problems) {
    const key = keyOf(xml, problems)
    return key === null ? null : { do: 'delete', key }
  },
}

function keyOf(xml: XmlElement, problems: Problems): Part[] | null {
  const parts = childrenOf(childOf(xml, 'Key') ?? xml, 'Parameter').map(partOf)
  if (childOf(xml, 'Key') !== undefined && parts.length > 0) return parts
  problems.error('KeyIsMissing', xml.at, `<${xml.name}> needs <Key> with a <Parameter>`)
  return null
}

const partOf = (xml: XmlElement): Part => ({ ref: xml.attributes['ref']?.trim() ?? '', text: xml.text.trim() })

function indexOf(xml: XmlElement, problems: Problems): number | null {
  const text = xml.attributes['index']?.trim()
  if (text === undefined || text === '') return null
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  problems.error('InvalidIndex', xml.at, `index is "${text}"; it counts values from 1`)
  return null
}

function parseInitial(xml: XmlElement, problems: Problems): Config['initial'] {
  return childrenOf(xml, 'Entry').flatMap((entry) => {
    const key = childrenOf(childOf(entry, 'Key') ?? entry, 'Parameter').map((parameter) => parameter.text.trim())
    const values = childrenOf(entry, 'Value').map((value) => value.text.trim())
    if (key.length === 0 || key.every((part) => part === '')) {
      problems.error('KeyIsMissing', entry.at, 'an <Entry> needs <Key> with a <Parameter> that has a text')
      return []
    }
    if (values.length === 0) {
      problems.error('ValueIsMissing', entry.at, 'an <Entry> needs a <Value>')
      return []
    }
    return [{ key: key.join(KEY_SEPARATOR), values }]
  })
}

/** Place and name of the policy's map. */
function addressOf(config: Config, where: Where): string {
  return mapPlace(SCOPE_OF[config.scope](where)) + (config.map ?? DEFAULT_MAP)
}

interface Where {
  readonly environment: string
  readonly proxy: string
  readonly revision: number
}

const SCOPE_OF: Readonly<Record<Scope, (where: Where) => MapScope>> = {
  organization: () => ({ scope: 'organization' }),
  environment: ({ environment }) => ({ scope: 'environment', environment }),
  apiproxy: ({ proxy }) => ({ scope: 'apiproxy', proxy }),
  policy: ({ proxy, revision }) => ({ scope: 'revision', proxy, revision }),
}

function compile(config: Config, env: CompileEnv<keyof typeof faults>): Step {
  if (config.map === null) {
    const fault = env.fault('UnsupportedOperationException')
    return () => fault
  }
  const map = addressOf(config, env)
  const operations = config.operations.map((operation) => compileOperation(operation, env))
  const gets = config.operations
    .filter((operation) => operation.do === 'get')
    .map(({ assignTo, index }) => ({
      index,
      name: assignTo,
      variable: assignTo === '' ? null : env.variable(assignTo),
    }))

  const settle = (x: Exchange, answer: MapAnswer): Outcome => {
    if (!answer.done) return env.fault('StoreUnavailable', answer.why)
    const shown = answer.encrypted ? gets.find(({ name }) => !name.startsWith('private.')) : undefined
    if (shown !== undefined) return env.fault('SetVariableFailed', shown.name)
    for (const [i, { variable, index }] of gets.entries()) {
      const values = answer.values[i]
      if (values == null) continue
      const value = index === null && values.length > 1 ? [...values] : values[(index ?? 1) - 1]
      if (value !== undefined) variable?.set(x, value)
    }
    return undefined
  }
  return (x) => {
    const wanted: MapOperation[] = []
    for (const operation of operations) {
      const made = operation(x)
      if (made !== null) wanted.push(made)
    }
    const answer = env.maps.run(map, wanted)
    return answer instanceof Promise ? answer.then((late) => settle(x, late)) : settle(x, answer)
  }
}

/** A `get` always asks, so that answers match; a `put` or `delete` whose parts are not set does nothing. */
function compileOperation(operation: Operation, env: CompileEnv): (x: Exchange) => MapOperation | null {
  const parts = operation.key.map((part) => compilePart(part, env))
  const keyOf = (x: Exchange): string | null => {
    const texts = parts.map((part) => part(x))
    return texts.every((text) => text === null || text === '')
      ? null
      : texts.map((text) => text ?? '').join(KEY_SEPARATOR)
  }
  if (operation.do === 'get') return (x) => ({ do: 'get', key: keyOf(x) ?? '' })
  if (operation.do === 'delete') {
    return (x) => {
      const key = keyOf(x)
      return key === null ? null : { do: 'delete', key }
    }
  }
  const values = operation.values.map((value) => compilePart(value, env))
  const { override } = operation
  return (x) => {
    const key = keyOf(x)
    const texts = values.map((value) => value(x)).filter((text) => text !== null)
    return key === null || texts.length === 0 ? null : { do: 'put', key, values: texts, override }
  }
}

/** Null: the variable is not set and there is no text in its place. */
function compilePart({ ref, text }: Part, env: CompileEnv): (x: Exchange) => string | null {
  if (ref === '') return () => text
  const variable = env.variable(ref)
  return (x) => {
    const value = variable.get(x)
    return value === null ? (text === '' ? null : text) : toText(value)
  }
}

const kind: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'KeyValueMapOperations',
  prefix: 'keyvaluemapoperations',
  faults,
  parse,
  compile,
  /** What InitialEntries names and the map does not have yet. */
  deploy(config, at) {
    if (config.map === null || config.initial.length === 0) return
    const entries = config.initial.map(({ key, values }): MapOperation => ({ do: 'put', key, values, override: false }))
    void at.maps.run(addressOf(config, at), entries)
  },
})
export default kind
