import { Catalog } from '../catalog/catalog.ts'
import { KeyValueStore } from '../catalog/key-value-maps.ts'
import type { Documents } from '../catalog/ports.ts'
import { type MapOperation, mapPlace } from '../core/key-value-maps.ts'
import type { Log } from '../core/log.ts'
import { deployPolicies } from '../engine/deploy.ts'
import { type DeployedProxy, type PosternConfig, type Settings, settingsOf } from '../model/deployment.ts'
import type { KeyValueMap } from '../model/entities.ts'
import { type Problem, Problems } from '../model/problem.ts'
import { ALL_KINDS, POLICY_KINDS } from '../policies/index.ts'
import { checkTogether } from './check-together.ts'
import { checkMasks } from './check-unused.ts'
import { problemsOfProxy } from './compile-problems.ts'

export interface CatalogOptions {
  /** What the files name. */
  readonly files: PosternConfig
  readonly documents: Documents
  readonly log: Log
  /** Resolves when every gateway thread serves it. */
  publish(config: PosternConfig): Promise<void>
}

export interface OpenCatalog {
  readonly catalog: Catalog
  readonly maps: KeyValueStore
}

/** The catalogue over what the files name. */
export async function openCatalog({ files, documents, log, publish }: CatalogOptions): Promise<OpenCatalog> {
  const maps = new KeyValueStore({ documents, now: Date.now })
  await writeMaps(files, maps)
  const judge = new Judge()
  const catalog = new Catalog({
    files,
    documents,
    kinds: POLICY_KINDS,
    judge: (config) => judge.problemsOf(config),
    publish: (config) => {
      deployPolicies(config, ALL_KINDS, maps)
      return publish(config)
    },
    now: Date.now,
    warn: (fields, message) => log.warn(fields, message),
  })
  deployPolicies(catalog.config, ALL_KINDS, maps)
  return { catalog, maps }
}

/** The entries of files win over what is kept under the same key. Throws when they cannot be kept. */
async function writeMaps(files: PosternConfig, maps: KeyValueStore): Promise<void> {
  for (const map of files.keyValueMaps) {
    const address = addressOf(map, files.settings.environment)
    const kept = maps.find(address)
    if (kept !== null && kept.encrypted !== map.encrypted) await maps.remove(address)
    const failed = await maps.create(address, map.encrypted)
    const entries = Object.entries(map.entries).map(
      ([key, value]): MapOperation => ({ do: 'put', key, values: [value], override: true }),
    )
    const answer = await maps.run(address, entries)
    if (failed !== null || !answer.done) {
      throw new Error(`the key value map ${map.name} cannot be written: ${failed ?? (!answer.done && answer.why)}`)
    }
  }
}

/** Place and name of a map that a file names. */
function addressOf(map: KeyValueMap, environment: string): string {
  const place =
    map.scope === 'organization'
      ? mapPlace({ scope: 'organization' })
      : map.scope === 'environment'
        ? mapPlace({ scope: 'environment', environment })
        : mapPlace({ scope: 'apiproxy', proxy: map.proxy ?? '' })
  return place + map.name
}

/** All that is wrong with what is to be served. What was found good is not compiled again while its settings are the same. */
class Judge {
  /** Proxies that were found good, and with which entities. */
  readonly #good = new WeakMap<DeployedProxy, Settings['entities']>()

  problemsOf(config: PosternConfig): Problem[] {
    const problems = new Problems()
    const drafts = config.proxies.map((deployed) => ({ deployed, base: '' }))
    checkTogether(drafts, 0, config, problems)
    checkMasks(config.settings.entities.masks, 'maskconfigs', problems)
    for (const deployed of config.proxies) {
      const settings = settingsOf(config, deployed)
      if (this.#good.get(deployed) === settings.entities) continue
      const found = problemsOfProxy(deployed, settings)
      problems.list.push(...found)
      if (!found.some((problem) => problem.severity === 'error')) this.#good.set(deployed, settings.entities)
    }
    return problems.list
  }
}
