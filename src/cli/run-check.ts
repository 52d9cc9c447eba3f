import { POLICY_KINDS } from '../policies/index.ts'
import { check } from './check.ts'
import { problemsOfProxy } from './compile-problems.ts'

/** `postern check PATH...`: gives the exit code. */
export function runCheck(paths: readonly string[]): number {
  return check(paths, {
    kinds: POLICY_KINDS,
    compileProblems: problemsOfProxy,
    env: process.env,
    print: (line) => {
      process.stdout.write(`${line}\n`)
    },
  })
}
