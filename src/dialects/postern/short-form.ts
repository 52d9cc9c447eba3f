import { basePathFault } from '../../model/base-path.ts'
import { urlFault } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { ApiProxy, Dialect } from '../../model/proxy.ts'
import type { Position } from '../../model/source.ts'
import type { Places } from './shape.ts'

interface RawShortForm {
  readonly name?: string
  readonly basePath?: string
  readonly target?: string
}

const NAME = /^[A-Za-z0-9._-]{1,255}$/
/** How `apiproxy.name` and the statistics call its only endpoints. */
const ENDPOINT = 'default'

/** `{name, basePath, target}`: one proxy endpoint and one target endpoint without policies. Null after an error. */
export function readShortForm(
  api: RawShortForm,
  path: string,
  dialect: Dialect,
  places: Places,
  problems: Problems,
): ApiProxy | null {
  const { name, basePath, target } = api
  if (name === undefined || basePath === undefined || target === undefined) {
    const missing = (['name', 'basePath', 'target'] as const).filter((key) => api[key] === undefined)
    const text = `${path} needs either bundle, or name, basePath and target (missing: ${missing.join(', ')})`
    problems.error('MissingKey', places.at(path), text)
    return null
  }
  const faults: readonly (readonly [string, string | null])[] = [
    ['name', NAME.test(name) ? null : 'it must be letters, digits and . _ -, at most 255 of them'],
    ['basePath', basePathFault(basePath)],
    ['target', urlFault(target)],
  ]
  for (const [key, fault] of faults) {
    if (fault !== null) problems.error('BadValue', places.at(`${path}.${key}`), `${path}.${key}: ${fault}`)
  }
  if (faults.some(([, fault]) => fault !== null)) return null
  return proxyOf(name, basePath, { text: target, at: places.at(`${path}.target`) }, dialect, places.at(path))
}

function proxyOf(
  name: string,
  basePath: string,
  url: { readonly text: string; readonly at: Position },
  dialect: Dialect,
  at: Position,
): ApiProxy {
  const bare = { name: ENDPOINT, preFlow: null, flows: [], postFlow: null, faultRules: [], defaultFaultRule: null, at }
  const route = { name: ENDPOINT, condition: null, target: ENDPOINT, url: null, at }
  return {
    dialect,
    name,
    revision: 1,
    displayName: name,
    description: '',
    proxyEndpoints: [
      { ...bare, basePath, virtualHosts: [], properties: {}, routeRules: [route], postClientFlow: null },
    ],
    targetEndpoints: [{ ...bare, connection: { url, balancer: null, properties: {}, at: url.at } }],
    policies: [],
    resources: [],
  }
}
