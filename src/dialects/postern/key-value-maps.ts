import type { KeyValueMap } from '../../model/entities.ts'
import type { Problems } from '../../model/problem.ts'
import type { Places } from './shape.ts'

export interface RawKeyValueMap {
  readonly name?: string
  readonly scope?: KeyValueMap['scope']
  readonly api?: string
  readonly encrypted?: boolean
  readonly entries?: Readonly<Record<string, string>>
}

export function readKeyValueMaps(
  raws: readonly (RawKeyValueMap | undefined)[],
  places: Places,
  problems: Problems,
): KeyValueMap[] {
  const taken = new Set<string>()
  return raws.flatMap((raw, index): KeyValueMap[] => {
    if (raw?.name === undefined) return []
    const at = places.at(`keyValueMaps.${index}.name`)
    const { name, scope = 'environment', api = null, encrypted = false, entries = {} } = raw
    if (/[\r\n]/.test(name)) problems.error('BadValue', at, 'the name of a map has no line breaks')
    if ((scope === 'apiproxy') !== (api !== null)) {
      const text = api === null ? 'a map of the scope apiproxy needs api: NAME' : 'api is for the scope apiproxy alone'
      problems.error('ConflictingKeys', places.at(`keyValueMaps.${index}.${api === null ? 'scope' : 'api'}`), text)
    }
    const id = `${scope} ${api} ${name}`
    if (taken.has(id)) problems.error('DuplicateName', at, `a map ${name} of this scope is there already`)
    taken.add(id)
    return [{ name, scope, proxy: api, encrypted, entries }]
  })
}
