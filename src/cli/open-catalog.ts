import { Catalog } from '../catalog/catalog.ts'
import type { Log } from '../core/log.ts'
import type { DeployedProxy, PosternConfig, Settings } from '../model/deployment.ts'
import { type Problem, Problems } from '../model/problem.ts'
import { POLICY_KINDS } from '../policies/index.ts'
import { openDocuments } from '../stores/sqlite/documents.ts'
import { checkTogether } from './check-together.ts'
import { problemsOfProxy } from './compile-problems.ts'

export interface CatalogOptions {
  /** What the files name. */
  readonly files: PosternConfig
  readonly dataFolder: string
  readonly log: Log
  /** Resolves when every gateway thread serves it. */
  publish(config: PosternConfig): Promise<void>
}

/** The catalogue of the data folder over what the files name. Throws when the folder cannot be used. */
export function openCatalog({ files, dataFolder, log, publish }: CatalogOptions): Catalog {
  const documents = openDocuments(dataFolder)
  const judge = new Judge()
  return new Catalog({
    files,
    documents,
    kinds: POLICY_KINDS,
    judge: (config) => judge.problemsOf(config),
    publish,
    now: Date.now,
    warn: (fields, message) => log.warn(fields, message),
  })
}

/** All that is wrong with what is to be served. What was found good is not compiled again while its settings are the same. */
class Judge {
  readonly #good = new WeakMap<DeployedProxy, Settings['entities']>()

  problemsOf(config: PosternConfig): Problem[] {
    const problems = new Problems()
    const drafts = config.proxies.map((deployed) => ({ deployed, base: '' }))
    checkTogether(drafts, 0, config.settings.virtualHosts, problems)
    for (const deployed of config.proxies) {
      if (this.#good.get(deployed) === config.settings.entities) continue
      const found = problemsOfProxy(deployed, config.settings)
      problems.list.push(...found)
      if (!found.some((problem) => problem.severity === 'error')) this.#good.set(deployed, config.settings.entities)
    }
    return problems.list
  }
}
