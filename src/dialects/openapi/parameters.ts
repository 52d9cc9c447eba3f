import { patternFault } from '../apig/pattern.ts'
import { isObject, type Json, list, type OpenApiDocument, object, text, without } from './document.ts'

/** What a parameter may be called to be declared; others pass unchecked. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/
const RESERVED = /^(?:x-apig-.*|x-sdk-.*|x-stage|authorization|x-auth-token|accept|content-type)$/i
const PARAMETERS_MAX = 50

export interface ReadParameters {
  readonly req_params: readonly Json[]
  /** What is not checked, and why. */
  readonly skipped: readonly string[]
}

/** The parameters of an operation, those of its path item included, as the management API has them. */
export function readParameters(document: OpenApiDocument, path: string, item: Json, operation: Json): ReadParameters {
  const all = new Map<string, Json>()
  const skipped: string[] = []
  for (const raw of [...list(item['parameters']), ...list(operation['parameters'])]) {
    const one = document.follow(raw)
    if (one === null) skipped.push(`a $ref that leads nowhere in this file: ${text(object(raw)['$ref']).slice(0, 100)}`)
    else all.set(`${text(one['in'])} ${text(one['name'])}`, one)
  }
  const parameters: Json[] = []
  for (const one of all.values()) {
    const [name, place] = [text(one['name']), text(one['in'])]
    if (place !== 'path' && place !== 'query' && place !== 'header') continue
    if (place === 'header' && RESERVED.test(name)) continue
    if (!NAME.test(name) || RESERVED.test(name) || (place === 'header' && name.includes('_'))) {
      skipped.push(
        `the ${place} parameter ${name.slice(0, 64)} has a name that cannot be declared; it passes unchecked`,
      )
    } else if (place === 'path' && !path.includes(`{${name}}`) && !path.includes(`{${name}+}`))
      skipped.push(`the path parameter ${name} does not stand in the path`)
    else if (parameters.length >= PARAMETERS_MAX)
      skipped.push(`more than ${PARAMETERS_MAX} parameters: ${name} passes unchecked`)
    else parameters.push(parameterOf(document, one, name, place.toUpperCase(), skipped))
  }
  return { req_params: parameters, skipped }
}

function parameterOf(document: OpenApiDocument, one: Json, name: string, location: string, skipped: string[]): Json {
  const schema = document.version === 2 ? one : (document.follow(one['schema']) ?? {})
  const number = schema['type'] === 'number' || schema['type'] === 'integer'
  const rules = number || schema['type'] === 'string' ? rulesOf(schema, number, name, skipped) : {}
  const otherwise = schema['default']
  return without({
    name,
    location,
    type: number ? 'NUMBER' : 'STRING',
    required: one['required'] === true || location === 'PATH' ? 1 : 2,
    valid_enable: number || Object.keys(rules).length > 0 ? 1 : 2,
    default_value:
      otherwise === undefined || isObject(otherwise) || Array.isArray(otherwise) ? undefined : text(otherwise),
    pass_through: one['x-apigateway-pass-through'] === 'always' ? 1 : undefined,
    remark: text(one['description']).slice(0, 255) || undefined,
    ...rules,
  })
}

function rulesOf(schema: Json, number: boolean, name: string, skipped: string[]): Record<string, unknown> {
  const values = list(schema['enum']).map(text)
  const enumerations =
    values.length > 0 && values.every((value) => value !== '' && !value.includes(',')) ? values.join(',') : undefined
  if (number) return without({ min_num: schema['minimum'], max_num: schema['maximum'], enumerations })
  return without({
    min_size: schema['minLength'],
    max_size: schema['maxLength'],
    enumerations,
    regular: patternOf(schema, name, skipped),
  })
}

/** Patterns of OpenAPI look anywhere in a value; those of the dialect match it whole. */
function patternOf(schema: Json, name: string, skipped: string[]): string | undefined {
  const pattern = text(schema['pattern'])
  if (pattern === '') return undefined
  const whole = `${pattern.startsWith('^') ? '' : '.*'}(?:${pattern})${pattern.endsWith('$') ? '' : '.*'}`
  const fault = patternFault(whole)
  if (fault === null && whole.length <= 255) return whole
  skipped.push(`the pattern of ${name} is not checked: ${fault ?? 'it is too long'}`)
  return undefined
}
