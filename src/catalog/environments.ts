import type { PosternConfig, Settings } from '../model/deployment.ts'
import { type EnvironmentEntities, noEntities } from '../model/entities.ts'
import { CatalogError } from './error.ts'
import type { DocumentChange, Documents } from './ports.ts'

/** Of an environment that was made through the management API; its key is its name. */
export const ENVIRONMENT = 'environment'

/** What each environment has of its own, by its name; the gateway's own comes first and holds what belongs to the organisation too. */
export type Environments = ReadonlyMap<string, EnvironmentEntities>

/** Those of the files, and those that were made beside them. */
export function loadEnvironments(files: PosternConfig, documents: Documents): Environments {
  const made = documents.list(ENVIRONMENT).map(({ key }): [string, EnvironmentEntities] => [key, noEntities])
  const ofFiles = [files.settings, ...files.environments].map(
    ({ environment, entities }): [string, EnvironmentEntities] => [environment, entities],
  )
  return new Map([...ofFiles, ...made.filter(([name]) => ofFiles.every(([other]) => other !== name))])
}

/** How a document of something in an environment is keyed: names hold no line break. In the gateway's own environment by its name alone. */
export function documentKey(own: string, environment: string, key: string): string {
  return environment === own ? key : `${environment}\n${key}`
}

/** The same read back. */
export function placeOf(own: string, documentKey: string): { readonly environment: string; readonly key: string } {
  const at = documentKey.indexOf('\n')
  if (at < 0) return { environment: own, key: documentKey }
  return { environment: documentKey.slice(0, at), key: documentKey.slice(at + 1) }
}

/** The settings of every environment, the gateway's own first. What belongs to the organisation is the same in all. */
export function settingsOfAll(files: PosternConfig, environments: Environments): Settings[] {
  const own = environments.get(files.settings.environment)!
  return [...environments].map(([environment, entities]) => {
    const isOwn = environment === files.settings.environment
    const base = isOwn ? files.settings : files.environments.find((one) => one.environment === environment)
    return {
      ...files.settings,
      environment,
      virtualHosts: [...(base?.virtualHosts ?? []), ...entities.virtualHosts],
      entities: isOwn ? entities : withOrganization(entities, own),
    }
  })
}

/** The same object for the same two: what was compiled against it need not be again. */
const joined = new WeakMap<
  EnvironmentEntities,
  { readonly own: EnvironmentEntities; readonly all: EnvironmentEntities }
>()

function withOrganization(entities: EnvironmentEntities, own: EnvironmentEntities): EnvironmentEntities {
  const known = joined.get(entities)
  if (known?.own === own) return known.all
  const { masks, products, developers } = own
  const shared = own.resourceFiles.filter(({ scope }) => scope === 'organization')
  const all = { ...entities, masks, products, developers, resourceFiles: [...entities.resourceFiles, ...shared] }
  joined.set(entities, { own, all })
  return all
}

const NAME = /^[A-Za-z0-9][\w.-]{0,254}$/

/** Refuses a name that cannot stand in a path, or is taken. */
export function mustBeNew(environments: Environments, name: string): void {
  if (!NAME.test(name)) {
    const text = `"${name.slice(0, 100)}" is no name of an environment: letters, digits and . _ -, beginning with a letter or digit`
    throw new CatalogError('invalid', 'messaging.config.beans.InvalidName', text)
  }
  if (!environments.has(name)) return
  const text = `Environment named ${name} is there already`
  throw new CatalogError('conflict', 'messaging.config.beans.EnvironmentAlreadyExists', text)
}

/** Forgets what is kept of an environment. */
export function removalsOf(documents: Documents, kinds: readonly string[], environment: string): DocumentChange[] {
  return kinds.flatMap((kind) =>
    documents
      .list(kind)
      .filter(({ key }) => key.startsWith(`${environment}\n`))
      .map(({ key }) => ({ kind, key, body: null })),
  )
}
