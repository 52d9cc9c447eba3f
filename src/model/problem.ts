import type { Position } from './source.ts'

/** One thing that is wrong (error) or doubtful (warning) in what somebody wants to deploy. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  /** The vendor's name of the rule where it has one: URLMissing, InvalidTimeoutValue, ... */
  readonly code: string
  /** What is wrong and what would be right, one line. */
  readonly message: string
  readonly at: Position
}

/** Collects all problems of one reading, so that nobody has to mend them one by one. */
export class Problems {
  readonly list: Problem[] = []

  error(code: string, at: Position, message: string): void {
    this.list.push({ severity: 'error', code, message, at })
  }

  warn(code: string, at: Position, message: string): void {
    this.list.push({ severity: 'warning', code, message, at })
  }

  get hasErrors(): boolean {
    return this.list.some((problem) => problem.severity === 'error')
  }
}

/** As a compiler prints it: `file:line:column: error: CODE: text`. */
export function problemLine(problem: Problem): string {
  const { file, line, column } = problem.at
  return `${file}:${line}:${column}: ${problem.severity}: ${problem.code}: ${problem.message}`
}
