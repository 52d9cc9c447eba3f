import type { ResourceFile } from '../model/entities.ts'
import type { EntityKind } from './entity-kinds.ts'
import { CatalogError } from './error.ts'
import { Fields } from './fields.ts'

/** Of one file; together they are compiled into every proxy that names them. */
const FILE_CHARACTERS_MAX = 1024 * 1024

/** Types of files that are never run here, and what to do instead. */
const UNREAD = ['java', 'node', 'hosted']

const NAME = /^[A-Za-z0-9_$%][\w.\-$% ]{0,254}$/

/** Edge's resource files of an environment or of the organisation. Their key is scope, type and name. */
export const resourceFiles: EntityKind<ResourceFile> = {
  noun: 'ResourceFile',
  scope: 'environment',
  missing: 'messaging.config.beans.ResourceDoesNotExist',
  ownRoutes: true,
  key: ({ scope, type, name }) => `${scope}/${type}/${name}`,
  read(body) {
    const fields = new Fields('ResourceFile', body)
    const type = fields.text('type')
    const file: ResourceFile = {
      scope: fields.choice('scope', ['environment', 'organization'], 'environment'),
      type,
      name: fields.text('name'),
      text: fields.anyText('text', FILE_CHARACTERS_MAX),
    }
    fields.end()
    if (UNREAD.includes(type)) {
      const text = `resource files of type ${type} are not supported: Java and Node code is never run here; write it in JavaScript (jsc)`
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidResourceType', text)
    }
    if (!/^[a-z]{1,20}$/.test(type) || !NAME.test(file.name)) {
      const text =
        'type must be lower-case letters (jsc, xsl, ...), name letters, digits, blank and . _ - $ %, not beginning with a dot'
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidName', text)
    }
    return file
  },
  show: ({ name, type }) => ({ name, type }),
  of: (entities) => entities.resourceFiles,
  with: (entities, list) => ({ ...entities, resourceFiles: list }),
}
