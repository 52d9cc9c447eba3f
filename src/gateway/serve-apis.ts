import { compileThrottle } from '../accounts/throttle.ts'
import { AppIndex } from '../apig/app-index.ts'
import { compileApi, proxyName } from '../apig/compile.ts'
import type { ApigServices } from '../apig/services.ts'
import { apigFault } from '../engine/apig-faults.ts'
import type { Fault } from '../engine/fault.ts'
import type { ApigApp, ApigFeatures, ApigGroup, ApigRuntime, PublishedApi } from '../model/apig.ts'
import { GATEWAY_LIMIT_OF_APIG, type Settings } from '../model/deployment.ts'
import type { Served } from './served.ts'
import { ThrottleGate } from './throttle-gate.ts'

/** What is served of the apig dialect, as text: each API by itself, so that a thread sees which of them are as before. */
export interface ApigTexts {
  /** Each the JSON of a `PublishedApi`. */
  readonly apis: readonly string[]
  readonly apps: string
  readonly features: string
  /** Each the JSON of an `ApigGroup`. */
  readonly groups: readonly string[]
}

export const apigTexts = ({ apis, apps, features, groups }: ApigRuntime): ApigTexts => ({
  apis: apis.map((api) => JSON.stringify(api)),
  apps: JSON.stringify(apps),
  features: JSON.stringify(features),
  groups: groups.map((group) => JSON.stringify(group)),
})

export interface ServedApi {
  readonly api: PublishedApi
  readonly entry: Served
}

export interface ServedApis {
  readonly apis: readonly ServedApi[]
  /** Those that answer for groups without an API for a call. */
  readonly strays: readonly ServedApi[]
  readonly features: ApigFeatures
}

/** The same for an API, and what answers the preflights of one that takes no OPTIONS itself. */
interface Compiled extends ServedApi {
  readonly preflight: ServedApi | null
}

/**
 * Compiles the APIs of the apig dialect for one thread. What is as it was before stays compiled: a change of one API, or of a
 * credential, does not hold up the calls of a thread that serves thousands.
 */
export class ApiServing {
  readonly #services: Omit<ApigServices, 'apps' | 'features'>
  readonly #apps: AppIndex = new AppIndex([])
  /** What every API is compiled against. */
  #common = ''
  #known: ReadonlyMap<string, Compiled> = new Map()

  constructor(services: Omit<ApigServices, 'apps' | 'features'>) {
    this.#services = services
  }

  /** Preflights come last: an API that takes OPTIONS itself goes before them. */
  serve(texts: ApigTexts, settingsText: string, settings: Settings): ServedApis {
    const features = JSON.parse(texts.features) as ApigFeatures
    this.#apps.use(JSON.parse(texts.apps) as ApigApp[])
    const common = settingsText + texts.features
    const before = common === this.#common ? this.#known : new Map<string, Compiled>()
    const services: ApigServices = { ...this.#services, apps: this.#apps, features }
    const known = new Map(
      texts.apis.map((text): [string, Compiled] => [text, before.get(text) ?? compile(text, settings, services)]),
    )
    this.#common = common
    this.#known = known
    const all = [...known.values()]
    return {
      apis: [...all, ...all.flatMap(({ preflight }) => (preflight === null ? [] : [preflight]))],
      strays: texts.groups.map((text) => compileStray(JSON.parse(text) as ApigGroup, settings, services)),
      features,
    }
  }
}

function compile(text: string, settings: Settings, services: ApigServices): Compiled {
  const api = JSON.parse(text) as PublishedApi
  const { endpoint, access, preflight } = compileApi(api, settings, services)
  const throttle = compileThrottle(api.throttle, {
    counters: services.counters,
    environment: api.stage,
    api: proxyName(api),
    gatewayLimitPerSecond:
      services.features.apiLimitPerSecond ?? settings.gatewayLimitPerSecond ?? GATEWAY_LIMIT_OF_APIG,
  })
  const gate = throttle === null ? null : new ThrottleGate(throttle, settings.rateLimitFields)
  const bound = { endpoint, serviceId: null, hosts: [], strict: false, claims: null, recorder: null }
  const answers = preflight === null ? null : [...preflight, (): Fault => NO_METHOD]
  return {
    api,
    entry: { ...bound, access, gate },
    preflight:
      answers === null
        ? null
        : { api: { ...api, method: 'OPTIONS' }, entry: { ...bound, access: answers, gate: null } },
  }
}

/** What stands for a group where it has no API: only its words for errors are used. */
function compileStray(
  { id, name, hosts, responses }: ApigGroup,
  settings: Settings,
  services: ApigServices,
): ServedApi {
  const api: PublishedApi = {
    id: '',
    apiName: '',
    groupId: id,
    groupName: name,
    versionId: '',
    hosts,
    stage: '',
    protocol: 'BOTH',
    method: 'ANY',
    path: '/',
    prefix: true,
    auth: { type: 'NONE', appCode: false, authorizer: null, appIds: [] },
    parameters: [],
    backend: { kind: 'mock', status: 404, body: '', headers: [] },
    branches: [],
    cors: false,
    throttle: null,
    rateRules: null,
    access: [],
    responseHeaders: [],
    corsPolicy: null,
    breaker: null,
    responses,
  }
  const { endpoint } = compileApi(api, settings, services)
  return {
    api,
    entry: {
      endpoint,
      serviceId: null,
      hosts: [],
      strict: false,
      claims: null,
      access: null,
      gate: null,
      recorder: null,
    },
  }
}

const NO_METHOD = apigFault('MethodNotFound')
