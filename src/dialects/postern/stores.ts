import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { KeyStore, KeyStoreAlias, Reference, TargetServer } from '../../model/entities.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { Places } from './shape.ts'

type List<T> = readonly (T | undefined)[]

export interface RawKeyStore {
  readonly name?: string
  readonly aliases?: List<{ readonly name?: string; readonly certFile?: string; readonly keyFile?: string }>
}

export interface RawReference {
  readonly name?: string
  readonly refers?: string
  readonly resourceType?: Reference['resourceType']
}

export interface RawTargetServer {
  readonly name?: string
  readonly host?: string
  readonly port?: number
  readonly enabled?: boolean
  readonly ssl?: Partial<Omit<NonNullable<TargetServer['ssl']>, 'commonName' | 'ciphers' | 'protocols'>> & {
    readonly commonName?: string
    readonly ciphers?: List<string>
    readonly protocols?: List<string>
  }
}

const PEM_BYTES_MAX = 1024 * 1024

/** Reads `keyStores` and `references` with the PEM files that they name, relative to `file`. */
export class StoreReading {
  readonly #file: string
  readonly #places: Places
  readonly #problems: Problems

  constructor(file: string, places: Places, problems: Problems) {
    this.#file = file
    this.#places = places
    this.#problems = problems
  }

  keyStores(raws: List<RawKeyStore>): KeyStore[] {
    const names = new Set<string>()
    return raws.flatMap((raw, index): KeyStore[] => {
      if (raw?.name === undefined) return []
      const path = `keyStores.${index}`
      this.#unique(names, raw.name, `${path}.name`, 'store')
      const aliases = new Set<string>()
      return [
        {
          name: raw.name,
          aliases: (raw.aliases ?? []).flatMap((alias, i): KeyStoreAlias[] => {
            if (alias?.name === undefined || alias.certFile === undefined) return []
            const place = `${path}.aliases.${i}`
            this.#unique(aliases, alias.name, `${place}.name`, 'alias of this store')
            const cert = this.#pem(alias.certFile, 'CERTIFICATE', `${place}.certFile`)
            const key = alias.keyFile === undefined ? null : this.#pem(alias.keyFile, 'PRIVATE KEY', `${place}.keyFile`)
            return [{ name: alias.name, cert, key }]
          }),
        },
      ]
    })
  }

  references(raws: List<RawReference>, stores: readonly KeyStore[]): Reference[] {
    const names = new Set<string>()
    const known = stores.map(({ name }) => name)
    return raws.flatMap((raw, index): Reference[] => {
      if (raw?.name === undefined || raw.refers === undefined) return []
      const path = `references.${index}`
      this.#unique(names, raw.name, `${path}.name`, 'reference')
      if (!known.includes(raw.refers)) {
        const text = `no store of this file is called ${raw.refers}${didYouMean(raw.refers, known)}`
        this.#problems.error('UnknownReference', this.#places.at(`${path}.refers`), text)
      }
      return [{ name: raw.name, refers: raw.refers, resourceType: raw.resourceType ?? 'KeyStore' }]
    })
  }

  targetServers(raws: List<RawTargetServer>): TargetServer[] {
    const names = new Set<string>()
    return raws.flatMap((raw, index): TargetServer[] => {
      if (raw?.name === undefined || raw.host === undefined || raw.port === undefined) return []
      this.#unique(names, raw.name, `targetServers.${index}.name`, 'target server')
      if (!/^(\[?[0-9A-Fa-f:]+\]?|[A-Za-z0-9._-]+)$/.test(raw.host)) {
        const text = `${JSON.stringify(raw.host.slice(0, 100))} is no host: a name or an address, without scheme, port and path`
        this.#problems.error('BadValue', this.#places.at(`targetServers.${index}.host`), text)
      }
      const { name, host, port, enabled = true, ssl } = raw
      return [{ name, host, port, enabled, ssl: ssl === undefined ? null : sslOf(ssl) }]
    })
  }

  /** The text of a PEM file; '' after an error, which never shows what is in it. */
  #pem(written: string, label: string, path: string): string {
    const place = isAbsolute(written) ? written : join(dirname(this.#file), written)
    const text = textOf(place)
    if (text === null) {
      this.#problems.error(
        'Unreadable',
        this.#places.at(path),
        `${written} cannot be read, or is no file of up to 1 MB`,
      )
      return ''
    }
    if (new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(text)) {
      if (label === 'CERTIFICATE' && !certificatesRead(text)) {
        const fault = `${written} holds a certificate that cannot be read`
        this.#problems.error('BadValue', this.#places.at(path), fault)
      }
      return text
    }
    this.#problems.error('BadValue', this.#places.at(path), `${written} holds no PEM block of the kind ${label}`)
    return ''
  }

  #unique(taken: Set<string>, name: string, path: string, what: string): void {
    if (taken.has(name)) {
      const text = `a ${what} called ${name} is there already; names must differ`
      this.#problems.error('DuplicateName', this.#places.at(path), text)
    }
    taken.add(name)
  }
}

function certificatesRead(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    for (const block of blocks) new X509Certificate(block)
    return blocks.length > 0
  } catch {
    return false
  }
}

function sslOf(raw: NonNullable<RawTargetServer['ssl']>): NonNullable<TargetServer['ssl']> {
  return {
    enabled: raw.enabled ?? true,
    enforce: raw.enforce ?? false,
    clientAuthEnabled: raw.clientAuthEnabled ?? false,
    keyStore: raw.keyStore ?? null,
    keyAlias: raw.keyAlias ?? null,
    trustStore: raw.trustStore ?? null,
    ignoreValidationErrors: raw.ignoreValidationErrors ?? false,
    ciphers: (raw.ciphers ?? []).filter((cipher) => cipher !== undefined),
    protocols: (raw.protocols ?? []).filter((protocol) => protocol !== undefined),
    commonName: raw.commonName === undefined ? null : { value: raw.commonName, wildcardMatch: false },
  }
}

function textOf(place: string): string | null {
  try {
    const stat = statSync(place)
    return stat.isFile() && stat.size <= PEM_BYTES_MAX ? readFileSync(place, 'utf8') : null
  } catch {
    return null
  }
}
