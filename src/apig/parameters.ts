import { detailedFault } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import { compileJavaRegex } from '../engine/language/java-regex.ts'
import type { Step } from '../engine/outcome.ts'
import type {
  BackendParameter,
  ParameterLocation,
  ParameterValidation,
  PublishedApi,
  RequestParameter,
} from '../model/apig.ts'
import { contextValue } from './context.ts'
import { climbs, encodePath, encodeSegment } from './encoding.ts'
import { stateOf } from './state.ts'

/** All values of a parameter, decoded; an empty list: it was not sent. */
export type ReadValues = (x: Exchange) => readonly string[]

/** The reader of a request parameter, with its default. */
export function valuesReader(api: PublishedApi, name: string, location: ParameterLocation): ReadValues {
  const declared = api.parameters.find((one) => one.name === name && one.location === location)
  const read = rawReader(api, name, location)
  const otherwise = declared?.defaultValue
  if (otherwise == null) return read
  const values = [otherwise]
  return (x) => {
    const found = read(x)
    return found.length === 0 ? values : found
  }
}

function rawReader(api: PublishedApi, name: string, location: ParameterLocation): ReadValues {
  if (location === 'QUERY') return (x) => x.request.query.all(name)
  if (location === 'HEADER') {
    const lower = name.toLowerCase()
    return (x) => x.request.headers.all(lower)
  }
  const index = pathNames(api.path).indexOf(name)
  return (x) => {
    const value = index < 0 ? undefined : stateOf(x).pathValues[index]
    return value === undefined ? [] : [value]
  }
}

/** Names of `{name}` and `{name+}` in a path, in order. */
export const pathNames = (path: string): string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!.replace(/\+$/, ''))

/** Checks the declared parameters and sends on the defaults of those that are missing. Null: nothing is declared. */
export function validationStep(api: PublishedApi): Step | null {
  const checks = api.parameters.flatMap((parameter) => {
    const test = parameter.validation === null ? null : compileValidation(parameter.validation)
    if (!parameter.required && test === null && parameter.defaultValue === null) return []
    return [check(api, parameter, test)]
  })
  if (checks.length === 0) return null
  return (x) => {
    for (const one of checks) {
      const fault = one(x)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

type ValueTest = (value: string) => string | null

function check(
  api: PublishedApi,
  parameter: RequestParameter,
  test: ValueTest | null,
): (x: Exchange) => Fault | undefined {
  const { name, location, defaultValue, required } = parameter
  const read = rawReader(api, name, location)
  const called = `the ${location === 'PATH' ? 'path' : location.toLowerCase()} parameter ${name}`
  const missing = detailedFault('RequestError', `${called} is missing`)
  return (x) => {
    const values = read(x)
    if (values.length === 0) {
      if (defaultValue !== null) addDefault(x, name, location, defaultValue)
      else if (required) return missing
      return undefined
    }
    if (test === null) return undefined
    for (const value of values) {
      const rule = test(value)
      if (rule !== null) return detailedFault('RequestError', `${called} ${rule}`)
    }
    return undefined
  }
}

function addDefault(x: Exchange, name: string, location: ParameterLocation, value: string): void {
  if (location === 'QUERY') x.request.query.add(name, value)
  else if (location === 'HEADER') x.request.headers.add(name, value)
}

/** Gives what would be right when a value is not. */
function compileValidation({ type, min, max, oneOf, pattern }: ParameterValidation): ValueTest {
  const compiled = pattern === '' ? null : compileJavaRegex(pattern)
  const regex = compiled?.ok === true ? compiled.regex : null
  const allowed = oneOf.length === 0 ? null : new Set(oneOf)
  const measured = type === 'NUMBER' ? 'must be' : 'must have'
  const unit = type === 'NUMBER' ? '' : ' characters'
  return (value) => {
    if (type === 'NUMBER' && !NUMBER.test(value)) return 'must be a number'
    const measure = type === 'NUMBER' ? Number(value) : value.length
    if (min !== null && measure < min) return `${measured} at least ${min}${unit}`
    if (max !== null && measure > max) return `${measured} at most ${max}${unit}`
    if (allowed !== null && !allowed.has(value)) return `must be one of ${oneOf.join(', ')}`
    if (regex !== null && !regex.matcher(value).matches()) return `must match ${pattern}`
    return null
  }
}

const NUMBER = /^[-+]?\d{1,300}(?:\.\d{1,300})?$/

/** Takes parameters where the backend wants them. Null: everything goes on as it came. */
export function mappingStep(api: PublishedApi, parameters: readonly BackendParameter[]): Step | null {
  if (parameters.length === 0) return null
  const moves = parameters.map((parameter) => compileMove(api, parameter))
  const drops = moves.flatMap(({ drop }) => (drop === null ? [] : [drop]))
  const writes = moves.map(({ write }) => write)
  const reads = moves.map(({ read }) => read)
  return (x) => {
    // All are read before any is written: two may change places.
    const values = reads.map((read) => read(x))
    for (const drop of drops) drop(x)
    for (let i = 0; i < writes.length; i++) {
      if (values[i]!.length === 0) continue
      const fault = writes[i]!(x, values[i]!)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

interface Move {
  readonly read: ReadValues
  readonly drop: ((x: Exchange) => void) | null
  readonly write: (x: Exchange, values: readonly string[]) => Fault | undefined
}

function compileMove(api: PublishedApi, parameter: BackendParameter): Move {
  const write = writer(parameter, encoderOf(api, parameter))
  if (parameter.origin === 'CONSTANT') {
    const values = [parameter.value]
    return { read: () => values, drop: null, write }
  }
  if (parameter.origin === 'SYSTEM') {
    const read = contextValue(parameter.value.replace(/^\$context\./, '')) ?? (() => '')
    return { read: (x) => [read(x)], drop: null, write }
  }
  const source = api.parameters.find((one) => one.name === parameter.value)
  const location = source?.location ?? (pathNames(api.path).includes(parameter.value) ? 'PATH' : 'QUERY')
  const drop = source === undefined || source.passThrough ? null : dropper(source)
  return { read: valuesReader(api, parameter.value, location), drop, write }
}

/** What was moved does not stay where it was. */
function dropper({ name, location }: RequestParameter): ((x: Exchange) => void) | null {
  const lower = name.toLowerCase()
  if (location === 'QUERY') return (x) => x.request.query.remove(name)
  if (location === 'HEADER') return (x) => x.request.headers.remove(lower)
  return null
}

/** In a path a value is one segment, unless it was written so: in the API itself, or as the rest of the path. */
const encoderOf = (api: PublishedApi, { origin, value }: BackendParameter): ((text: string) => string) =>
  origin === 'CONSTANT' || (origin === 'REQUEST' && api.path.includes(`{${value}+}`)) ? encodePath : encodeSegment

function writer({ name, location }: BackendParameter, encode: (text: string) => string): Move['write'] {
  if (location === 'QUERY') {
    return (x, values) => {
      x.request.query.remove(name)
      for (const value of values) x.request.query.add(name, value)
      return undefined
    }
  }
  if (location === 'HEADER') {
    const lower = name.toLowerCase()
    return (x, values) => {
      x.request.headers.remove(lower)
      for (const value of values) x.request.headers.add(name, value)
      return undefined
    }
  }
  return (x, values) => {
    const value = values[0]!
    if (climbs(value)) return detailedFault('RequestError', `the path parameter ${name} may be no . or ..`)
    const state = stateOf(x)
    state.backendPath ??= new Map()
    state.backendPath.set(name, encode(value))
    return undefined
  }
}
