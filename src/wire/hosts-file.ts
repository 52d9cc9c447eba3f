import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'

const FILE_BYTES_MAX = 4_194_304
const RECHECK_MS = 5000

/** Names to addresses as hosts(5) has them; names in lower case. */
export function parseHosts(text: string): Map<string, string[]> {
  const byName = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const words = line.split('#', 1)[0]!.trim().split(/\s+/)
    const address = words[0]!
    if (isIP(address) === 0) continue
    for (let i = 1; i < words.length; i++) {
      const name = words[i]!.toLowerCase()
      const addresses = byName.get(name)
      if (addresses === undefined) byName.set(name, [address])
      else if (!addresses.includes(address)) addresses.push(address)
    }
  }
  return byName
}

/** The hosts file, read again when it was changed; looked at every five seconds at most, and only when somebody asks. */
export class HostsFile {
  readonly #path: string
  #byName: Map<string, string[]>
  #version: string
  #checkedAtMs: number

  constructor(path: string) {
    this.#path = path
    this.#byName = new Map()
    this.#version = ''
    this.#checkedAtMs = Number.NEGATIVE_INFINITY
  }

  addresses(name: string, nowMs: number): readonly string[] | undefined {
    if (nowMs - this.#checkedAtMs >= RECHECK_MS) {
      this.#checkedAtMs = nowMs
      this.#read()
    }
    return this.#byName.get(name)
  }

  #read(): void {
    try {
      const { mtimeMs, size } = statSync(this.#path)
      const version = `${mtimeMs} ${size}`
      if (version === this.#version || size > FILE_BYTES_MAX) return
      this.#byName = parseHosts(readFileSync(this.#path, 'latin1'))
      this.#version = version
    } catch {
      // No such file is the same as an empty one.
      this.#byName = new Map()
      this.#version = ''
    }
  }
}

/** What resolv.conf(5) says about names that are not complete; its servers are the resolver's business. */
export interface SearchRule {
  readonly domains: readonly string[]
  readonly ndots: number
}

export function parseSearchRule(text: string): SearchRule {
  let domains: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const words = line.split(/[#;]/, 1)[0]!.trim().split(/\s+/)
    if (words[0] === 'search' || words[0] === 'domain') domains = words.slice(1).filter((word) => word !== '.')
    if (words[0] !== 'options') continue
    for (const option of words) if (/^ndots:\d{1,2}$/.test(option)) ndots = Number(option.slice(6))
  }
  return { domains, ndots }
}

export function readSearchRule(path: string): SearchRule {
  try {
    return parseSearchRule(readFileSync(path, 'latin1'))
  } catch {
    return { domains: [], ndots: 1 }
  }
}

/** The full names to ask for, in order, as a stub resolver does. */
export function candidates(host: string, rule: SearchRule): string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)]
  const searched = rule.domains.map((domain) => `${host}.${domain}`)
  const dots = host.split('.').length - 1
  return dots >= rule.ndots ? [host, ...searched] : [...searched, host]
}
