import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { Policy } from '../../model/proxy.ts'
import type { Position } from '../../model/source.ts'
import { textOf, type XmlElement } from '../../model/xml.ts'
import { booleanOf, nameOf } from './elements.ts'
import { nameOfFile } from './layout.ts'
import { apigeeKinds } from './policy-kinds.ts'

/** What this reader needs of a policy kind; the kinds themselves live above it. By root element. */
export type PolicyReaders = ReadonlyMap<string, PolicyReader>

export interface PolicyReader {
  /** Reports what is wrong to `problems` and goes on; gives plain data. */
  parse(xml: XmlElement, problems: Problems): unknown
}

interface Entry {
  readonly name: string
  readonly kind: string
  readonly at: Position
  readonly enabled: boolean
  /** Null: of a kind that is not supported, or broken. */
  readonly policy: Policy | null
  readonly supported: boolean
  used: boolean
}

/** The policies of one bundle by name, and which of them the flows use. */
export class PolicyIndex {
  readonly #entries = new Map<string, Entry>()
  /** Files that could not be read: what they would have been called is not known, so steps are judged by the file name. */
  readonly #unreadable = new Set<string>()
  readonly #kinds: PolicyReaders
  readonly #problems: Problems

  constructor(kinds: PolicyReaders, problems: Problems) {
    this.#kinds = kinds
    this.#problems = problems
  }

  addUnreadable(path: string): void {
    this.#unreadable.add(nameOfFile(path))
  }

  add(xml: XmlElement): void {
    const name = nameOf(xml, this.#problems)
    const entry = this.#read(xml, name ?? '')
    if (name === null) return
    const first = this.#entries.get(name)
    if (first === undefined) this.#entries.set(name, entry)
    else {
      const where = `${first.at.file}:${first.at.line}`
      this.#problems.error('DuplicateName', xml.at, `policy ${name} is there already, in ${where}; names must differ`)
    }
  }

  /**
   * Marks a policy as used and gives its name. Null: the step is left out, since its policy is switched off and of a kind
   * that nobody can read. An unknown name is the error UnknownStep.
   */
  use(written: string, at: Position): string | null {
    const name = this.#nameMeant(written, at)
    const entry = this.#entries.get(name)
    if (entry !== undefined) {
      entry.used = true
      return entry.supported || entry.enabled ? name : null
    }
    if (!this.#unreadable.has(name)) {
      const nearest = didYouMean(name, this.#entries.keys())
      this.#problems.error('UnknownStep', at, `no policy of this bundle is called ${name}${nearest}`)
    }
    return name
  }

  /** No step behind this policy is ever reached, unless it has a condition. */
  alwaysFaults(name: string): boolean {
    const entry = this.#entries.get(name)
    return entry?.kind === 'RaiseFault' && entry.enabled && entry.policy?.continueOnError === false
  }

  /** Samples of Apigee name a step by the file of its policy. */
  #nameMeant(written: string, at: Position): string {
    const name = written.replace(/\.xml$/i, '')
    if (name === written || this.#entries.has(written) || !this.#entries.has(name)) return written
    this.#problems.warn('StepNamedByFile', at, `a step names a policy, not its file; write ${name}`)
    return name
  }

  /** Reports what only shows when all steps are known, and gives the policies that can be compiled. */
  finish(): Policy[] {
    const policies: Policy[] = []
    for (const entry of this.#entries.values()) {
      if (entry.policy !== null) policies.push(entry.policy)
      if (!entry.supported) this.#reportMissingKind(entry)
      else if (!entry.used && this.#kinds.has(entry.kind))
        this.#problems.warn('UnusedPolicy', entry.at, `no step uses policy ${entry.name}`)
    }
    return policies
  }

  #read(xml: XmlElement, name: string): Entry {
    const problems = this.#problems
    const at = xml.at
    const attribute = (key: string, fallback: boolean): boolean =>
      booleanOf(xml.attributes[key], fallback, { what: `the attribute ${key}`, element: xml }, problems)
    const enabled = attribute('enabled', true)
    const continueOnError = attribute('continueOnError', false)
    if (attribute('async', false))
      problems.warn('AsyncIgnored', at, 'the attribute async is deprecated and has no effect')
    const reader = this.#kinds.get(xml.name)
    const common = { name, kind: xml.name, at, enabled }
    if (reader === undefined) return { ...common, policy: null, supported: this.#checkKind(xml), used: false }
    const errorsBefore = countErrors(problems)
    const config = reader.parse(xml, problems)
    const displayName = textOf(xml, 'DisplayName') ?? name
    const policy = countErrors(problems) > errorsBefore ? null : { ...common, displayName, continueOnError, config }
    return { ...common, policy, supported: true, used: false }
  }

  /** True when nobody knows the kind: an error at once, and nothing more to say of it. */
  #checkKind(xml: XmlElement): boolean {
    if (apigeeKinds.has(xml.name)) return false
    const nearest = didYouMean(xml.name, new Set([...this.#kinds.keys(), ...apigeeKinds.keys()]))
    this.#problems.error('UnknownPolicyKind', xml.at, `<${xml.name}> is no kind of policy${nearest}`)
    return true
  }

  /** A policy that is never run cannot do harm: then it is a warning, as Edge would import it too. */
  #reportMissingKind({ name, kind, at, enabled, used }: Entry): void {
    const missing = apigeeKinds.get(kind)
    const code = missing?.refused ? 'PolicyRefused' : 'PolicyNotSupported'
    const is = missing?.refused ? 'is not run by this gateway, now or later' : 'is not supported yet in this version'
    const instead = missing === undefined || missing.instead === '' ? '' : `; ${missing.instead}`
    if (!used) this.#problems.warn(code, at, `${kind} ${is}; no step uses policy ${name}`)
    else if (!enabled) this.#problems.warn(code, at, `${kind} ${is}; policy ${name} is switched off`)
    else
      this.#problems.error(
        code,
        at,
        `${kind} ${is}: remove the steps of policy ${name} or set enabled="false"${instead}`,
      )
  }
}

export function countErrors(problems: Problems): number {
  let count = 0
  for (const problem of problems.list) if (problem.severity === 'error') count++
  return count
}
