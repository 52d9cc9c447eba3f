import type { MaskConfig } from '../model/entities.ts'
import type { EntityKind } from './entity-kinds.ts'
import { CatalogError } from './error.ts'
import { Fields } from './fields.ts'

/** The lists of a mask configuration, as Edge's JSON calls them. */
const LISTS = {
  variables: 'variables',
  xPathsRequest: 'xPathsRequest',
  xPathsResponse: 'xPathsResponse',
  xPathsFault: 'xPathsFault',
  jsonPathsRequest: 'jSONPathsRequest',
  jsonPathsResponse: 'jSONPathsResponse',
  jsonPathsFault: 'jSONPathsFault',
} as const satisfies Partial<Record<keyof MaskConfig, string>>

/** Its only name, in Edge too. */
export const MASK_NAME = 'default'

/** Edge's mask configurations: one of the organisation (key ''), one for each proxy (key: its name). */
export const maskConfigs: EntityKind<MaskConfig> = {
  noun: 'MaskConfig',
  scope: 'organization',
  missing: 'messaging.config.beans.MaskConfigDoesNotExist',
  ownRoutes: true,
  key: ({ proxy }) => proxy ?? '',
  read(body) {
    const fields = new Fields('MaskConfig', body)
    const name = fields.has('name') ? fields.text('name') : MASK_NAME
    if (name !== MASK_NAME) {
      const text = `a mask configuration is called ${MASK_NAME}, not ${JSON.stringify(name.slice(0, 100))}`
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidName', text)
    }
    const lists = Object.entries(LISTS).map(([list, field]) => [list, fields.texts(field)] as const)
    const namespaces = Object.fromEntries(
      fields.list('namespaces', 100).map((one, i) => {
        const namespace = new Fields(`MaskConfig.namespaces[${i}]`, one)
        return [namespace.text('prefix'), namespace.text('value')]
      }),
    )
    // The proxy is in the path.
    const proxy = fields.textOrNull('proxy')
    fields.end()
    return { proxy, namespaces, ...(Object.fromEntries(lists) as unknown as Omit<MaskConfig, 'proxy' | 'namespaces'>) }
  },
  show(config) {
    const lists = Object.entries(LISTS).map(([list, field]) => [field, config[list as keyof typeof LISTS]])
    const namespaces = Object.entries(config.namespaces).map(([prefix, value]) => ({ prefix, value }))
    return { ...Object.fromEntries(lists), name: MASK_NAME, namespaces }
  },
  of: (entities) => entities.masks,
  with: (entities, list) => ({ ...entities, masks: list }),
}
