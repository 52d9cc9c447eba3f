import { didYouMean } from './nearest.ts'
import type { Problems } from './problem.ts'
import { childrenOf, type XmlElement } from './xml.ts'

export type PropertyType = 'boolean' | 'millis' | 'codes' | 'names' | 'word' | 'size' | 'any'

/** One row of a table of `<Property>` names. */
export interface PropertyRule {
  readonly type: PropertyType
  /** The value whose meaning is what the gateway does anyway. Any other value of a property that does nothing is warned of. */
  readonly ours?: string
  /** The gateway obeys it. */
  readonly works?: true
  /** Kept under this name instead. */
  readonly alias?: string
}

export type PropertyTable = ReadonlyMap<string, PropertyRule>

interface ValueRule {
  readonly test: (value: string) => boolean
  readonly rule: string
}

const SUCCESS_CODES = /^\s*(?:[1-5]xx|[1-5]\d\d)\s*(?:,\s*(?:[1-5]xx|[1-5]\d\d)\s*)*,?\s*$/i

const values: Readonly<Record<PropertyType, ValueRule>> = {
  boolean: { test: (value) => /^(?:true|false)$/i.test(value), rule: 'true or false' },
  millis: {
    test: (value) => /^\d{1,10}$/.test(value) && Number(value) > 0 && Number(value) <= 2_147_483_647,
    rule: 'milliseconds, a whole number from 1 to 2147483647',
  },
  codes: {
    test: (value) => SUCCESS_CODES.test(value),
    rule: 'status codes or classes with commas, as in 2xx, 304, 404',
  },
  names: { test: () => true, rule: '' },
  word: { test: (value) => /^[a-z]+$/i.test(value), rule: 'one word' },
  size: { test: (value) => /^\d{1,10}[KM]?$/i.test(value), rule: 'a size as in 10M' },
  any: { test: () => true, rule: '' },
}

/**
 * Reads a `<Properties>` element by its table: name to trimmed value, names as the table has them. Empty properties count
 * as absent. Unknown names and those without effect are warnings, values that cannot be are errors.
 */
export function readProperties(
  container: XmlElement | undefined,
  table: PropertyTable,
  problems: Problems,
): Record<string, string> {
  const properties: Record<string, string> = {}
  if (container === undefined) return properties
  for (const child of container.children) {
    if (child.name !== 'Property')
      problems.warn('UnknownElement', child.at, `<${child.name}> is not known in Properties`)
  }
  for (const element of childrenOf(container, 'Property')) {
    const name = (element.attributes['name'] ?? '').trim()
    const value = element.text.trim()
    if (name === '') {
      if (value !== '') problems.error('MissingName', element.at, 'a <Property> needs the attribute name')
      continue
    }
    const rule = table.get(name)
    if (rule === undefined) {
      const nearest = didYouMean(name, table.keys())
      problems.warn('UnknownProperty', element.at, `property ${name} is not known and has no effect${nearest}`)
      continue
    }
    if (value === '') continue
    const { test, rule: expected } = values[rule.type]
    if (!test(value)) {
      problems.error(
        'InvalidProperty',
        element.at,
        `property ${name} must be ${expected}, not ${JSON.stringify(value)}`,
      )
      continue
    }
    if (rule.works !== true && value.toLowerCase() !== rule.ours) {
      problems.warn('PropertyWithoutEffect', element.at, `property ${name} has no effect in this version`)
    }
    const key = rule.alias ?? name
    if (key in properties)
      problems.warn('DuplicateProperty', element.at, `property ${key} is set twice; the last one counts`)
    properties[key] = value
  }
  return properties
}
