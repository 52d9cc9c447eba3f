import { prepareXml } from '../core/xml-document.ts'
import { POLICY_KINDS } from '../policies/index.ts'
import { check } from './check.ts'
import { problemsOfProxy } from './compile-problems.ts'

/** `postern check PATH...`: gives the exit code. */
export async function runCheck(paths: readonly string[]): Promise<number> {
  // Bundles with an XPath need it to be compiled, and a check is not in a hurry.
  await prepareXml()
  return check(paths, {
    kinds: POLICY_KINDS,
    compileProblems: problemsOfProxy,
    env: process.env,
    print: (line) => {
      process.stdout.write(`${line}\n`)
    },
  })
}
