import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CatalogError } from '../catalog/error.ts'
import { bundleFolder } from '../dialects/apigee/files.ts'
import type { PosternConfig } from '../model/deployment.ts'
import type { Problem } from '../model/problem.ts'
import { POLICY_KINDS } from '../policies/index.ts'
import { allProblems, printProblems, summary } from './check.ts'
import { problemsOfProxy } from './compile-problems.ts'
import { loadPaths } from './load-paths.ts'

export interface LoadedAll {
  /** Null: there are errors. */
  readonly config: PosternConfig | null
  readonly problems: readonly Problem[]
  /** `2 errors, 1 warning`. */
  readonly summary: string
  /** Files and folders that it was read from, the PATHs themselves and the bundles that a configuration file names. */
  readonly places: readonly string[]
}

/** Reads and compiles all that the PATHs name. */
export function loadAll(paths: readonly string[]): LoadedAll {
  const loaded = loadPaths(paths, POLICY_KINDS, process.env)
  const problems = allProblems(loaded, problemsOfProxy)
  const errors = problems.filter((problem) => problem.severity === 'error').length
  const bases = loaded.drafts.map(({ base }) => base).filter((base) => base !== '')
  return {
    config: errors === 0 ? loaded.config : null,
    problems,
    summary: summary(errors, problems.length - errors),
    places: [...paths, ...bases],
  }
}

/** An editor writes a file in several steps; a change is looked at when nothing has come for so long. */
const QUIET_MS = 40

/** Sections that are read at start only. */
const AT_START = [
  'services',
  'accounts',
  'applications',
  'keyValueMaps',
  'hostMap',
  'apigResources',
  'environments',
] as const

export interface WatchOptions {
  readonly paths: readonly string[]
  /** What is served now. */
  readonly config: PosternConfig
  /** Gives the names of the proxies that are others now; rejects with CatalogError when it cannot be served. */
  serve(config: PosternConfig): Promise<readonly string[]>
  /** Default: standard output. */
  print?(line: string): void
}

/** Serves what the files say anew whenever they change. What is wrong with them is printed, and what was served before goes on. */
export function watchFiles(options: WatchOptions): { close(): void } {
  const watching = new Watching(options)
  watching.begin()
  return watching
}

class Watching {
  readonly #options: WatchOptions
  readonly #print: (line: string) => void
  readonly #watchers = new Map<string, FSWatcher>()
  #config: PosternConfig
  #quiet: NodeJS.Timeout | null = null
  #changedMs = 0
  #last: Promise<void> = Promise.resolve()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#config = options.config
    this.#print = options.print ?? ((line) => process.stdout.write(`${line}\n`))
  }

  begin(): void {
    this.#watch(loadAll(this.#options.paths).places)
  }

  close(): void {
    if (this.#quiet !== null) clearTimeout(this.#quiet)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  /** A folder with all below it; of a file its folder, since editors put another file in its place. */
  #watch(places: readonly string[]): void {
    for (const place of places) {
      const stat = statSync(place, { throwIfNoEntry: false })
      const isFolder = stat?.isDirectory() ?? false
      const folder = resolve(isFolder ? bundleFolder(place) : dirname(place))
      const key = isFolder ? folder : `${folder}/${basename(place)}`
      if (this.#watchers.has(key)) continue
      const watcher = watch(folder, { recursive: isFolder }, (_, file) => {
        if (isFolder || file === null || file === basename(place)) this.#changed()
      })
      watcher.on('error', (error) => this.#print(`watch: ${join(folder)} cannot be watched: ${error.message}`))
      this.#watchers.set(key, watcher)
    }
  }

  #changed(): void {
    if (this.#quiet === null) this.#changedMs = performance.now()
    else clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => {
      this.#quiet = null
      this.#last = this.#last.then(() => this.#serve())
    }, QUIET_MS)
  }

  async #serve(): Promise<void> {
    const changedMs = this.#changedMs
    try {
      const { config, problems, summary: count, places } = loadAll(this.#options.paths)
      this.#watch(places)
      if (config === null) {
        printProblems(problems, this.#print)
        this.#print(`watch: ${count}; what was served before goes on`)
        return
      }
      const names = await this.#options.serve(config)
      const tookMs = Math.round(performance.now() - changedMs)
      this.#print(`watch: served in ${tookMs} ms: ${names.length === 0 ? 'no proxy is another' : names.join(', ')}`)
      const late = AT_START.filter((part) => JSON.stringify(config[part]) !== JSON.stringify(this.#config[part]))
      if (late.length > 0) this.#print(`watch: ${late.join(', ')} changed too, and count from the next start on`)
      this.#config = config
    } catch (error) {
      const text = error instanceof CatalogError || error instanceof Error ? error.message : String(error)
      this.#print(`watch: ${text}`)
      this.#print('watch: what was served before goes on')
    }
  }
}
