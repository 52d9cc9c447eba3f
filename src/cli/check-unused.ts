import type { DraftProxy } from '../dialects/postern/config.ts'
import { maskFault } from '../engine/masking.ts'
import { PREDEFINED } from '../engine/predefined.ts'
import type { EnvironmentEntities, MaskConfig } from '../model/entities.ts'
import type { Problems } from '../model/problem.ts'

/** Names that a mask may begin with without any policy making them. */
const MESSAGES = ['request', 'response', 'message', 'error', 'private']

/** Warns of masks and caches that match nothing of what is loaded: most often the name of one side was changed. */
export function checkUnused(
  drafts: readonly DraftProxy[],
  entities: EnvironmentEntities,
  file: string,
  problems: Problems,
): void {
  const at = { file, line: 1, column: 1 }
  const names = drafts.map(({ deployed }) => deployed.proxy.name)
  const policiesOf = (proxy: string | null): string => {
    const own = drafts.filter(({ deployed }) => proxy === null || deployed.proxy.name === proxy)
    return JSON.stringify([own.map(({ deployed }) => deployed.proxy.policies), entities.sharedFlows])
  }
  for (const { name } of entities.caches) {
    if (policiesOf(null).includes(JSON.stringify(name))) continue
    problems.warn('UnusedCache', at, `no policy names the cache ${name} in <CacheResource>`)
  }
  for (const mask of entities.masks) {
    if (mask.proxy !== null && !names.includes(mask.proxy)) {
      problems.warn('UnusedMask', at, `a mask is for the proxy ${mask.proxy}, which is not loaded`)
      continue
    }
    const policies = policiesOf(mask.proxy)
    for (const variable of mask.variables) {
      if (Object.hasOwn(PREDEFINED, variable) || MESSAGES.includes(variable.split('.')[0]!)) continue
      const owner = variable.replace(/\.(header|queryparam|formparam|content|status|verb|path|uri)\b.*$/, '')
      if (policies.includes(owner)) continue
      problems.warn('UnusedMask', at, `a mask hides ${variable}, and no policy makes ${owner}`)
    }
  }
}

/** Errors in the paths of masks. */
export function checkMasks(masks: readonly MaskConfig[], file: string, problems: Problems): void {
  for (const [kind, text] of masks.flatMap(pathsOf)) {
    const fault = maskFault(kind, text)
    if (fault === null) continue
    problems.error('InvalidMask', { file, line: 1, column: 1 }, `the mask ${text.slice(0, 200)}: ${fault}`)
  }
}

const pathsOf = (mask: MaskConfig): (readonly ['json' | 'xml', string])[] => [
  ...[mask.jsonPathsRequest, mask.jsonPathsResponse, mask.jsonPathsFault].flat().map((text) => ['json', text] as const),
  ...[mask.xPathsRequest, mask.xPathsResponse, mask.xPathsFault].flat().map((text) => ['xml', text] as const),
]
