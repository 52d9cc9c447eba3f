import { closeSync, openSync, readFileSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { readApicast } from '../dialects/apicast/index.ts'
import { runtimeOfResources } from '../dialects/apig/runtime.ts'
import { bundleFolder, reasonOf } from '../dialects/apigee/files.ts'
import {
  baseOfFolder,
  filesOfFolder,
  filesOfZip,
  type PolicyReaders,
  readBundle,
  readSharedFlow,
} from '../dialects/apigee/index.ts'
import { readOpenApiFile } from '../dialects/openapi/file.ts'
import { looksLikeOpenApi } from '../dialects/openapi/index.ts'
import { type BundleAtRead, type DraftProxy, readPosternYaml } from '../dialects/postern/config.ts'
import type { Environment } from '../dialects/postern/environment.ts'
import { noApig } from '../model/apig.ts'
import { type ApigResource, defaultSettings, type PosternConfig, type Settings } from '../model/deployment.ts'
import type { SharedFlow } from '../model/entities.ts'
import { type Problem, Problems } from '../model/problem.ts'
import type { Dialect } from '../model/proxy.ts'
import { accessProblems, responseCodesDoubts, responseCodesOf } from './check-access.ts'
import { checkLocal } from './check-local.ts'
import { checkTogether } from './check-together.ts'
import { checkMasks, checkUnused } from './check-unused.ts'

export interface Loaded {
  /** All PATHs together. Null exactly when a problem is an error. */
  readonly config: PosternConfig | null
  /** Those of `config`, or as far as they could be read. */
  readonly settings: Settings
  /** Every proxy that could be read at all, for a compiler to look for its own errors. */
  readonly drafts: readonly DraftProxy[]
  /** Positions as they are to be printed: relative to where the command runs, as the PATH was. */
  readonly problems: readonly Problem[]
}

const FILE_BYTES_MAX = 16 * 1024 * 1024
const HEAD_BYTES = 4_096

const noConfig: PosternConfig = {
  settings: defaultSettings,
  environments: [],
  proxies: [],
  throttles: [],
  serviceThrottles: {},
  services: [],
  keyValueMaps: [],
  accounts: [],
  applications: [],
  responseCodes: false,
  hostMap: {},
  apig: noApig,
  apigResources: [],
}

type FileKind = 'zip' | 'openapi' | 'yaml' | 'json' | 'xml' | 'binary' | 'other'

const WANTED =
  'a PATH is a bundle or shared flow (folder or zip), an OpenAPI file, an APIcast JSON file, or a postern.yaml'
const refusals: Readonly<Record<Exclude<FileKind, 'zip' | 'yaml' | 'json' | 'openapi'>, string>> = {
  xml: `a single XML file; name the folder that holds apiproxy/: ${WANTED}`,
  binary: `a binary file that is no zip; ${WANTED}`,
  other: `neither a zip nor a .yaml file; ${WANTED}`,
}

/**
 * What `start` and `check` are given: bundles and shared flows (folders or zips), and one postern.yaml. What is named twice is loaded once.
 * All problems at once; never throws for what the paths hold.
 */
export function loadPaths(paths: readonly string[], kinds: PolicyReaders, env: Environment): Loaded {
  return new Loading(kinds, env).run(paths)
}

class Loading {
  readonly #kinds: PolicyReaders
  readonly #env: Environment
  readonly #problems = new Problems()
  readonly #drafts: DraftProxy[] = []
  readonly #sharedFlows: SharedFlow[] = []
  readonly #seen = new Set<string>()
  readonly #apig: ApigResource[] = []
  readonly #bundles: string[] = []
  readonly #apicastFiles: string[] = []
  #config: PosternConfig | null = null
  #settings: Settings | null = null
  #configFile: string | null = null
  #saysDialect = false

  constructor(kinds: PolicyReaders, env: Environment) {
    this.#kinds = kinds
    this.#env = env
  }

  run(paths: readonly string[]): Loaded {
    for (const path of paths) this.#visit(path)
    // After the configuration file: a bundle that it names is loaded the way it says.
    const countOfConfig = this.#drafts.length
    for (const path of this.#bundles) this.#bundle(path)
    for (const path of this.#apicastFiles) this.#apicast(path)
    checkTogether(this.#drafts, countOfConfig, this.#config ?? noConfig, this.#problems)
    checkLocal(this.#drafts, this.#problems)
    this.#problems.list.push(...responseCodesDoubts(this.#env))
    const responseCodes = responseCodesOf(this.#config?.responseCodes ?? false, this.#env)
    for (const { deployed, base } of this.#drafts) {
      this.#problems.list.push(...accessProblems(deployed, responseCodes).map((problem) => inBase(problem, base)))
    }
    const proxies = this.#drafts.map((draft) => draft.deployed)
    const whole = this.#whole(proxies)
    if (this.#configFile !== null) {
      checkMasks(whole.settings.entities.masks, this.#configFile, this.#problems)
      checkUnused(this.#drafts, whole.settings.entities, this.#configFile, this.#problems)
    }
    const config = this.#problems.hasErrors ? null : whole
    return { config, settings: whole.settings, drafts: this.#drafts, problems: this.#problems.list }
  }

  /** What the configuration file says, with what PATHs bring. */
  #whole(proxies: PosternConfig['proxies']): PosternConfig {
    const config = this.#config ?? noConfig
    const settings = this.#settings ?? config.settings
    const { entities } = settings
    const sharedFlows = [...entities.sharedFlows, ...this.#sharedFlows]
    const apigResources = [...config.apigResources, ...this.#apig]
    const dialect = this.#saysDialect ? settings.dialect : this.#dialectOf(proxies, apigResources.length > 0)
    const bound = proxies.map((deployed) => {
      const throttle = config.serviceThrottles[deployed.serviceId ?? '']
      return throttle === undefined || deployed.throttle !== null ? deployed : { ...deployed, throttle }
    })
    return {
      ...config,
      proxies: bound,
      apigResources,
      apig: runtimeOfResources(apigResources),
      settings: { ...settings, dialect, entities: { ...entities, sharedFlows } },
    }
  }

  /** Where nobody says otherwise, the gateway's own words are those of what it serves. */
  #dialectOf(proxies: PosternConfig['proxies'], hasApig: boolean): Dialect {
    // A gateway of OpenAPI files alone speaks as their APIs do.
    if (proxies.length === 0) return hasApig && this.#config === null ? 'apig' : this.#portalOr(defaultSettings.dialect)
    return !hasApig && proxies.every(({ proxy }) => proxy.dialect === 'apicast') ? 'apicast' : defaultSettings.dialect
  }

  /** What a portal configures are APIcast's services. */
  #portalOr(otherwise: Dialect): Dialect {
    return (this.#env['THREESCALE_PORTAL_ENDPOINT'] ?? '') === '' ? otherwise : 'apicast'
  }

  #visit(path: string): void {
    const stat = statOf(path)
    if (stat === undefined) this.#refuse(path, 'NotFound', 'there is no such file or folder')
    else if (stat.isDirectory()) this.#bundles.push(path)
    else if (!stat.isFile()) this.#refuse(path, 'NotSupported', `neither a file nor a folder; ${WANTED}`)
    else if (stat.size > FILE_BYTES_MAX) this.#refuse(path, 'FileTooLarge', `more than ${FILE_BYTES_MAX} bytes`)
    else this.#file(path)
  }

  #file(path: string): void {
    try {
      const kind = kindOf(path)
      if (kind === 'zip') this.#bundles.push(path)
      else if (kind === 'openapi') this.#openApi(path)
      else if (kind === 'yaml') this.#yaml(path)
      else if (kind === 'json') this.#apicastFiles.push(path)
      else this.#refuse(path, 'NotSupported', refusals[kind])
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#refuse(path, 'Unreadable', reasonOf(error))
    }
  }

  #openApi(path: string): void {
    const place = realpathSync(path)
    if (this.#seen.has(place)) return
    this.#seen.add(place)
    for (const resource of readOpenApiFile(readFileSync(path, 'utf8'), path, this.#problems)) {
      const twin = this.#apig.find(({ kind, id }) => kind === resource.kind && id === resource.id)
      if (twin === undefined) this.#apig.push(resource)
      else if (resource.kind === 'group' || resource.kind === 'throttle') {
        const { name } = resource.doc as { name: string }
        this.#refuse(path, 'DuplicateName', `a ${resource.kind} called ${name} is loaded already; names must differ`)
      }
    }
  }

  #bundle(path: string): void {
    if (this.#seen.has(identityOf(path))) return
    const beside = join(path, 'postern.yaml')
    if (statOf(beside)?.isFile() && !this.#seen.has(realpathSync(beside))) {
      this.#problems.warn(
        'ConfigNotRead',
        whole(beside),
        'a configuration file beside a bundle is not read; name it as a PATH',
      )
    }
    const { draft, sharedFlow, problems, base } = this.#bundleAt(path, null)
    this.#problems.list.push(...problems)
    if (sharedFlow !== null) this.#addSharedFlow(sharedFlow, base)
    if (draft !== null) this.#drafts.push({ deployed: { proxy: draft, serviceId: null, throttle: null }, base })
  }

  #addSharedFlow(flow: SharedFlow, base: string): void {
    const ofConfig = this.#config?.settings.entities.sharedFlows ?? []
    if ([...ofConfig, ...this.#sharedFlows].some(({ name }) => name === flow.name)) {
      const text = `a shared flow called ${flow.name} is loaded already; names must differ`
      this.#problems.error('DuplicateName', whole(base), text)
    } else this.#sharedFlows.push(flow)
  }

  #yaml(path: string): void {
    const place = realpathSync(path)
    if (this.#seen.has(place)) return
    this.#seen.add(place)
    if (this.#configFile !== null) {
      this.#refuse(path, 'SecondConfig', `${this.#configFile} is the configuration file already; name one`)
      return
    }
    this.#configFile = path
    const bundleAt = (bundle: string, name: string | null): BundleAtRead => this.#bundleAt(bundle, name)
    const read = readPosternYaml(readFileSync(path, 'utf8'), path, this.#env, bundleAt)
    this.#problems.list.push(...read.problems)
    this.#drafts.push(...read.drafts)
    this.#config = read.config
    this.#settings = read.settings
    this.#saysDialect = read.saysDialect
  }

  #apicast(path: string): void {
    const place = realpathSync(path)
    if (this.#seen.has(place)) return
    this.#seen.add(place)
    try {
      const { proxies, problems } = readApicast(readFileSync(path, 'utf8'), path, this.#env)
      this.#problems.list.push(...problems)
      for (const deployed of proxies) this.#drafts.push({ deployed, base: '' })
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#refuse(path, 'Unreadable', reasonOf(error))
    }
  }

  #bundleAt(path: string, name: string | null): BundleAtRead {
    try {
      this.#seen.add(identityOf(path))
      const isZip = statOf(path)?.isFile() ?? false
      const base = isZip ? path : baseOfFolder(path)
      const { files, top, problems } = isZip ? filesOfZip(readFileSync(path), path) : filesOfFolder(path)
      const fallbackName = basename(path, isZip ? extname(path) : '')
      const options = name === null ? { fallbackName } : { fallbackName, name }
      const read = files && top === 'apiproxy' ? readBundle(files, this.#kinds, options) : null
      const shared = files && top === 'sharedflowbundle' ? readSharedFlow(files, this.#kinds, options) : null
      const all = [...problems, ...(read?.problems ?? []), ...(shared?.problems ?? [])]
      return {
        draft: read?.draft ?? null,
        sharedFlow: shared?.sharedFlow ?? null,
        problems: all.map((problem) => inBase(problem, base, path)),
        base,
      }
    } catch (error) {
      if (!isSystemError(error)) throw error
      const problem = { severity: 'error', code: 'Unreadable', message: reasonOf(error), at: whole(path) } as const
      return { draft: null, sharedFlow: null, problems: [problem], base: path }
    }
  }

  #refuse(path: string, code: string, message: string): void {
    this.#problems.error(code, whole(path), message)
  }
}

/** A problem of a bundle with its file as seen from where the command runs; one about the PATH itself stays as it is. */
export function inBase(problem: Problem, base: string, path: string = base): Problem {
  if (base === '' || problem.at.file === path) return problem
  return { ...problem, at: { ...problem.at, file: join(base, problem.at.file) } }
}

const whole = (file: string): { file: string; line: number; column: number } => ({ file, line: 1, column: 1 })

/** However it was written: through a link, with or without apiproxy/. */
function identityOf(path: string): string {
  return realpathSync(bundleFolder(path))
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // A part of the path is a file, or may not be searched.
    return undefined
  }
}

function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException | null)?.code === 'string'
}

function kindOf(path: string): FileKind {
  const extension = extname(path).toLowerCase()
  const head = readHead(path)
  if (extension === '.zip' || head.subarray(0, 2).toString('latin1') === 'PK') return 'zip'
  if (head.includes(0)) return 'binary'
  const text = head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart()
  const openApi = ['.json', '.yaml', '.yml'].includes(extension) || text.startsWith('{')
  if (openApi && looksLikeOpenApi(text)) return 'openapi'
  if (extension === '.json' || text.startsWith('{')) return 'json'
  if (extension === '.xml' || text.startsWith('<')) return 'xml'
  return extension === '.yaml' || extension === '.yml' ? 'yaml' : 'other'
}

function readHead(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0))
  } finally {
    closeSync(file)
  }
}
