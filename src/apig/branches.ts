import type { Exchange } from '../engine/exchange.ts'
import { compileJavaRegex } from '../engine/language/java-regex.ts'
import type { BackendBranch, BranchCondition, PublishedApi } from '../model/apig.ts'
import { compileAddresses } from './address-list.ts'
import { contextValue } from './context.ts'
import { type ReadValues, valuesReader } from './parameters.ts'
import { stateOf } from './state.ts'

/** When a backend policy applies. */
export function branchTest(api: PublishedApi, { all, conditions }: BackendBranch): (x: Exchange) => boolean {
  const tests = conditions.map((condition) => conditionTest(api, condition))
  return all ? (x) => tests.every((test) => test(x)) : (x) => tests.some((test) => test(x))
}

function conditionTest(api: PublishedApi, condition: BranchCondition): (x: Exchange) => boolean {
  if (condition.origin === 'source') {
    const test = compileAddresses(condition.value.split(','))
    return (x) => test(x.address)
  }
  const read = reader(api, condition)
  const test = valueTest(condition)
  return (x) => read(x).some(test)
}

function reader(api: PublishedApi, { origin, name, location }: BranchCondition): ReadValues {
  switch (origin) {
    case 'param':
      return valuesReader(api, name, location ?? 'QUERY')
    case 'cookie':
      return (x) => cookieValues(x, name)
    case 'frontend_authorizer':
      return (x) => {
        const value = stateOf(x).authorizer?.get(name)
        return value === undefined ? [] : [value]
      }
    default: {
      const read = contextValue(name) ?? (() => '')
      return (x) => [read(x)]
    }
  }
}

function cookieValues(x: Exchange, name: string): string[] {
  return x.request.headers.all('cookie').flatMap((line) =>
    line.split(';').flatMap((pair) => {
      const equals = pair.indexOf('=')
      return equals >= 0 && pair.slice(0, equals).trim() === name ? [pair.slice(equals + 1).trim()] : []
    }),
  )
}

function valueTest({ type, value }: BranchCondition): (text: string) => boolean {
  if (type === 'exact') return (text) => text === value
  if (type === 'enum') {
    const values = new Set(value.split(',').map((one) => one.trim()))
    return (text) => values.has(text)
  }
  const compiled = compileJavaRegex(value)
  return compiled.ok ? (text) => compiled.regex.matcher(text).matches() : () => false
}
