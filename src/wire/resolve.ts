import dns from 'node:dns'
import { isIP } from 'node:net'
import { type Clock, systemClock } from '../core/clock.ts'
import { candidates, HostsFile, readSearchRule, type SearchRule } from './hosts-file.ts'

/** Called with the addresses of a host in the order to try, or with an error that says why there are none. */
export type ResolveCallback = (error: Error | null, addresses: readonly string[]) => void

/** May call back before it returns. */
export type Resolve = (host: string, callback: ResolveCallback) => void

export interface AddressRecord {
  readonly address: string
  /** Time to live in seconds. */
  readonly ttl: number
}

/** Asks for the A (4) or AAAA (6) records of a full name. */
export type Query = (
  name: string,
  family: 4 | 6,
  callback: (error: NodeJS.ErrnoException | null, records: readonly AddressRecord[]) => void,
) => void

export interface AddressCacheOptions {
  readonly query?: Query
  readonly clock?: Clock
  readonly hostsPath?: string
  readonly search?: SearchRule
}

const TTL_MIN_MS = 1000
const TTL_MAX_MS = 3_600_000
/** How long addresses outlive their TTL while no server answers. */
const STALE_MS = 3_600_000
const FAILURE_MS = 1000
const HOSTS_MAX = 10_000

/** The server says that there are none: unlike a failure to ask, that is an answer. */
const NO_ADDRESS_CODES: ReadonlySet<string> = new Set([dns.NOTFOUND, dns.NODATA])

interface Entry {
  addresses: readonly string[]
  error: Error | null
  expiresAtMs: number
  askAtMs: number
  /** Those who wait for the answer to the question that is out; null: none is out. */
  waiting: ResolveCallback[] | null
}

/**
 * Addresses of host names: literals as they are, then the hosts file, then DNS with the records' TTL. Never `dns.lookup`: that
 * runs in libuv's pool, which all threads share. IPv6 is asked for only when there is no IPv4 address.
 */
export class AddressCache {
  readonly #query: Query
  readonly #clock: Clock
  readonly #hosts: HostsFile
  readonly #search: SearchRule
  readonly #entries: Map<string, Entry>

  constructor(options: AddressCacheOptions = {}) {
    this.#query = options.query ?? dnsQuery(new dns.Resolver({ timeout: 2000, tries: 2 }))
    this.#clock = options.clock ?? systemClock
    this.#hosts = new HostsFile(options.hostsPath ?? '/etc/hosts')
    this.#search = options.search ?? readSearchRule('/etc/resolv.conf')
    this.#entries = new Map()
  }

  resolve(host: string, callback: ResolveCallback): void {
    if (isIP(host) !== 0) {
      callback(null, [host])
      return
    }
    const name = host.toLowerCase()
    const nowMs = this.#clock.now()
    const listed = this.#hosts.addresses(name, nowMs)
    if (listed !== undefined) {
      callback(null, listed)
      return
    }
    if (name === 'localhost' || name.endsWith('.localhost')) {
      callback(null, ['127.0.0.1', '::1']) // RFC 6761 section 6.3: never asked for
      return
    }
    const entry = this.#entry(name)
    if (entry.waiting !== null) entry.waiting.push(callback)
    else if (nowMs < entry.askAtMs) callback(entry.error, entry.addresses)
    else this.#ask(name, entry, callback)
  }

  #entry(name: string): Entry {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      if (this.#entries.size >= HOSTS_MAX) this.#dropOldest()
      entry = { addresses: [], error: null, expiresAtMs: 0, askAtMs: 0, waiting: null }
      this.#entries.set(name, entry)
    }
    return entry
  }

  #dropOldest(): void {
    for (const [name, entry] of this.#entries) {
      if (entry.waiting !== null) continue
      this.#entries.delete(name)
      return
    }
  }

  #ask(name: string, entry: Entry, callback: ResolveCallback): void {
    entry.waiting = [callback]
    this.#askNext(candidates(name, this.#search), 0, 4, (error, records) => {
      const nowMs = this.#clock.now()
      if (error === null) {
        let ttlMs = TTL_MAX_MS
        for (const record of records) ttlMs = Math.min(ttlMs, Math.max(record.ttl * 1000, TTL_MIN_MS))
        entry.addresses = records.map((record) => record.address)
        entry.error = null
        entry.expiresAtMs = entry.askAtMs = nowMs + ttlMs
      } else {
        const answered = NO_ADDRESS_CODES.has(error.code ?? '')
        const mayBeStale = !answered && entry.addresses.length > 0 && nowMs < entry.expiresAtMs + STALE_MS
        if (!mayBeStale) {
          entry.addresses = []
          entry.error = new Error(`${name} has no address: ${error.message}`, { cause: error })
        }
        entry.askAtMs = nowMs + FAILURE_MS
      }
      const waiting = entry.waiting ?? []
      entry.waiting = null
      for (const each of waiting) each(entry.error, entry.addresses)
    })
  }

  #askNext(names: readonly string[], index: number, family: 4 | 6, done: Parameters<Query>[2]): void {
    this.#query(names[index]!, family, (error, records) => {
      if (error === null && records.length > 0) done(null, records)
      else if (error !== null && !NO_ADDRESS_CODES.has(error.code ?? '')) done(error, [])
      else if (family === 4) this.#askNext(names, index, 6, done)
      else if (index + 1 < names.length) this.#askNext(names, index + 1, 4, done)
      else done(error ?? noData(names[index]!), [])
    })
  }
}

/** Asks through `resolver`, so c-ares: sockets of this thread's loop, not libuv's pool. */
export function dnsQuery(resolver: dns.Resolver): Query {
  return (name, family, callback) => {
    const done = (error: NodeJS.ErrnoException | null, records: readonly AddressRecord[]): void =>
      callback(error, records ?? [])
    if (family === 4) resolver.resolve4(name, { ttl: true }, done)
    else resolver.resolve6(name, { ttl: true }, done)
  }
}

function noData(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`query for ${name} gave no record`), { code: dns.NODATA })
}
