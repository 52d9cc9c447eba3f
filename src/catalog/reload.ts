import type { DeployedProxy, PosternConfig, Settings } from '../model/deployment.ts'
import type { EnvironmentEntities, FlowHooks } from '../model/entities.ts'
import { ENTITY_KINDS } from './entity-kinds.ts'
import type { Environments } from './environments.ts'
import { CatalogError } from './error.ts'

/** What is kept is kept under these names. */
export function mustBeSamePlace(before: Settings, now: Settings): void {
  if (before.organization === now.organization && before.environment === now.environment) return
  const text = 'another organization or environment counts from the next start on'
  throw new CatalogError('conflict', 'messaging.config.beans.InvalidEnvironment', text)
}

/**
 * What the files say now, with the very objects of before for what is as it was: those are neither judged nor compiled again. What is
 * another proxy than before is another deployment.
 */
export function filesAfter(before: PosternConfig, now: PosternConfig, deployment: () => number): PosternConfig {
  const known = new Map(before.proxies.map((deployed) => [textOf(deployed), deployed]))
  const proxies = now.proxies.map(
    (deployed) => known.get(textOf(deployed)) ?? { ...deployed, deployment: deployment() },
  )
  const { settings } = before
  const isSame = JSON.stringify(now.settings.entities) === JSON.stringify(settings.entities)
  return { ...now, proxies, settings: isSame ? { ...now.settings, entities: settings.entities } : now.settings }
}

const textOf = ({ deployment: _, ...deployed }: DeployedProxy): string => JSON.stringify(deployed)

/** The environments when the files change: what was made beside them stays, and gives way to what they name now. */
export function environmentsAfter(before: PosternConfig, now: PosternConfig, current: Environments): Environments {
  const environments = new Map(current)
  for (const { environment, entities } of [now.settings, ...now.environments]) {
    const old = [before.settings, ...before.environments].find((one) => one.environment === environment)
    const kept = current.get(environment)
    if (kept !== undefined && old?.entities === entities) continue
    environments.set(environment, kept === undefined ? entities : merged(old?.entities ?? null, entities, kept))
  }
  return environments
}

function merged(
  old: EnvironmentEntities | null,
  files: EnvironmentEntities,
  current: EnvironmentEntities,
): EnvironmentEntities {
  let all = files
  for (const kind of Object.values(ENTITY_KINDS)) {
    const ofFiles = new Set([...(old === null ? [] : kind.of(old)), ...kind.of(files)].map(kind.key))
    const made = kind.of(current).filter((entity) => !ofFiles.has(kind.key(entity)))
    all = kind.with(all, [...kind.of(files), ...made])
  }
  const flows = new Set([...(old?.sharedFlows ?? []), ...files.sharedFlows].map(({ name }) => name))
  const hooks = Object.entries(current.flowHooks).map(([name, hook]) => {
    const key = name as keyof FlowHooks
    const wasOfFile = old !== null && old.flowHooks[key] !== null
    return [key, files.flowHooks[key] ?? (wasOfFile ? null : hook)]
  })
  return {
    ...all,
    sharedFlows: [...files.sharedFlows, ...current.sharedFlows.filter(({ name }) => !flows.has(name))],
    flowHooks: Object.fromEntries(hooks) as FlowHooks,
  }
}
