import type { PolicyReaders } from '../dialects/apigee/index.ts'
import type { Environment } from '../dialects/postern/environment.ts'
import type { PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, Settings } from '../model/deployment.ts'
import { type Problem, problemLine } from '../model/problem.ts'
import { inBase, type Loaded, loadPaths } from './load-paths.ts'

/** What the engine finds when it compiles a proxy: bad conditions, templates, patterns. Handed in by the wiring. */
export type CompileProblems = (deployed: DeployedProxy, settings: Settings) => readonly Problem[]

export interface CheckOptions {
  readonly kinds: PolicyReaders
  readonly compileProblems: CompileProblems
  readonly env: Environment
  /** Takes one line without its end. */
  print(line: string): void
}

/** More of them help nobody. */
const LINES_MAX = 1_000

/** Prints every error and warning of the PATHs as a compiler does, then what was found. The exit code: 1 with errors. */
export function check(paths: readonly string[], options: CheckOptions): number {
  const loaded = loadPaths(paths, options.kinds, options.env)
  const problems = allProblems(loaded, options.compileProblems)
  printProblems(problems, options.print)
  const errors = problems.filter((problem) => problem.severity === 'error').length
  if (errors === 0) {
    for (const { deployed } of loaded.drafts) options.print(proxyLine(deployed))
    const apis = loaded.config?.apig.apis ?? []
    for (const api of apis) options.print(apiLine(api))
    if (loaded.drafts.length === 0 && apis.length === 0) options.print('ok: no proxies')
  }
  if (problems.length > 0) options.print(summary(errors, problems.length - errors))
  return errors > 0 ? 1 : 0
}

/** Those of the readers and those of the compiler together, sorted by file and place, none twice. */
export function allProblems(loaded: Loaded, compileProblems: CompileProblems): Problem[] {
  const found = new Map<string, Problem>()
  for (const problem of loaded.problems) found.set(problemLine(problem), problem)
  for (const { deployed, base } of loaded.drafts) {
    for (const problem of compileProblems(deployed, loaded.settings)) {
      const placed = inBase(problem, base)
      found.set(problemLine(placed), placed)
    }
  }
  return [...found.values()].sort(byPlace)
}

/** One line for each problem, in a bounded number; also for `start`. */
export function printProblems(problems: readonly Problem[], print: (line: string) => void): void {
  for (const problem of problems.slice(0, LINES_MAX)) print(oneLine(problemLine(problem)))
  if (problems.length > LINES_MAX) print(`... and ${problems.length - LINES_MAX} more`)
}

/** `2 errors, 1 warning`. */
export function summary(errors: number, warnings: number): string {
  const parts = errors > 0 ? [counted(errors, 'error')] : []
  if (warnings > 0) parts.push(counted(warnings, 'warning'))
  return parts.join(', ')
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

function proxyLine({ proxy }: DeployedProxy): string {
  const policies = `${proxy.policies.length} ${proxy.policies.length === 1 ? 'policy' : 'policies'}`
  return `ok: ${proxy.name} (revision ${proxy.revision}, ${policies})`
}

function apiLine({ groupName, apiName, method, path, prefix, stage }: PublishedApi): string {
  return `ok: ${groupName}/${apiName} (${method} ${path}${prefix ? ' and below' : ''}, in ${stage})`
}

function byPlace(a: Problem, b: Problem): number {
  if (a.at.file !== b.at.file) return a.at.file < b.at.file ? -1 : 1
  return a.at.line - b.at.line || a.at.column - b.at.column
}

/** Names and values come from files: none of them may move the cursor of a terminal. */
function oneLine(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
