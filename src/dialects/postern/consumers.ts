import type { ApiProduct, Approval, ConsumerKey, Developer, DeveloperApp, QuotaUnit } from '../../model/consumers.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { Places } from './shape.ts'

type List<T> = readonly (T | undefined)[]
type Attributes = Readonly<Record<string, string>>

export interface RawProduct {
  readonly name?: string
  readonly displayName?: string
  readonly apis?: List<string>
  readonly environments?: List<string>
  readonly resources?: List<string>
  readonly scopes?: List<string>
  readonly quota?: { readonly limit?: number; readonly interval?: number; readonly unit?: QuotaUnit }
  readonly attributes?: Attributes
}

export interface RawDeveloper {
  readonly email?: string
  readonly id?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly userName?: string
  readonly status?: 'active' | 'inactive'
  readonly apps?: List<RawApp>
  readonly attributes?: Attributes
}

interface RawApp {
  readonly name?: string
  readonly id?: string
  readonly callbackUrl?: string
  readonly status?: Approval
  readonly products?: List<string>
  readonly keys?: List<RawKey>
  readonly attributes?: Attributes
}

interface RawKey {
  readonly key?: string
  readonly secret?: string
  readonly status?: Approval
  readonly expiresAt?: string
  readonly products?: List<string>
}

/** Reads `products` and `developers`: names and keys differ, products that are named exist. */
export class ConsumerReading {
  readonly #places: Places
  readonly #problems: Problems
  readonly #keys = new Set<string>()
  #products: readonly string[] = []

  constructor(places: Places, problems: Problems) {
    this.#places = places
    this.#problems = problems
  }

  products(raws: List<RawProduct>): ApiProduct[] {
    const names = new Set<string>()
    const products = raws.flatMap((raw, index): ApiProduct[] => {
      if (raw?.name === undefined) return []
      const path = `products.${index}`
      this.#unique(names, raw.name, `${path}.name`, 'a product')
      const resources = texts(raw.resources)
      for (const resource of resources) this.#checkResource(resource, `${path}.resources`)
      const { limit, interval, unit } = raw.quota ?? {}
      return [
        {
          name: raw.name,
          displayName: raw.displayName ?? raw.name,
          proxies: texts(raw.apis),
          environments: texts(raw.environments),
          resources,
          scopes: texts(raw.scopes),
          quota: limit === undefined || unit === undefined ? null : { limit, interval: interval ?? 1, unit },
          approvalType: 'auto',
          attributes: raw.attributes ?? {},
        },
      ]
    })
    this.#products = [...names]
    return products
  }

  developers(raws: List<RawDeveloper>): Developer[] {
    const emails = new Set<string>()
    return raws.flatMap((raw, index): Developer[] => {
      if (raw?.email === undefined) return []
      const { email } = raw
      const path = `developers.${index}`
      this.#unique(emails, email, `${path}.email`, 'a developer')
      return [
        {
          email,
          id: raw.id ?? email,
          firstName: raw.firstName ?? '',
          lastName: raw.lastName ?? '',
          userName: raw.userName ?? email,
          active: raw.status !== 'inactive',
          attributes: raw.attributes ?? {},
          apps: this.#apps(raw.apps ?? [], email, `${path}.apps`),
        },
      ]
    })
  }

  #apps(raws: List<RawApp>, email: string, path: string): DeveloperApp[] {
    const names = new Set<string>()
    return raws.flatMap((raw, index): DeveloperApp[] => {
      if (raw?.name === undefined) return []
      const place = `${path}.${index}`
      this.#unique(names, raw.name, `${place}.name`, 'an app of this developer')
      const products = texts(raw.products)
      this.#checkProducts(products, `${place}.products`)
      return [
        {
          name: raw.name,
          id: raw.id ?? `${email}/${raw.name}`,
          callbackUrl: raw.callbackUrl ?? '',
          status: raw.status ?? 'approved',
          attributes: raw.attributes ?? {},
          keys: (raw.keys ?? []).flatMap((key, i) => this.#key(key, products, `${place}.keys.${i}`)),
        },
      ]
    })
  }

  #key(raw: RawKey | undefined, ofApp: readonly string[], path: string): ConsumerKey[] {
    if (raw?.key === undefined) return []
    this.#unique(this.#keys, raw.key, `${path}.key`, 'a key', false)
    if (raw.products !== undefined) this.#checkProducts(texts(raw.products), `${path}.products`)
    const products = raw.products === undefined ? ofApp : texts(raw.products)
    return [
      {
        key: raw.key,
        secret: raw.secret ?? '',
        status: raw.status ?? 'approved',
        expiresAtMs: this.#time(raw.expiresAt, `${path}.expiresAt`),
        products: products.map((name) => ({ name, status: 'approved' })),
      },
    ]
  }

  #time(text: string | undefined, path: string): number | null {
    if (text === undefined) return null
    const timeMs = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
      ? Date.parse(text)
      : Number.NaN
    if (!Number.isNaN(timeMs)) return timeMs
    this.#problems.error('BadValue', this.#places.at(path), `${path} must be a time, as in 2027-01-31T00:00:00Z`)
    return null
  }

  #checkResource(resource: string, path: string): void {
    if (/^\/[^\s?#]*$/.test(resource)) return
    const text = `"${resource}" is no path: it begins with a slash and has no blank, ? or #`
    this.#problems.error('BadValue', this.#places.at(path), text)
  }

  #checkProducts(names: readonly string[], path: string): void {
    for (const name of names) {
      if (this.#products.includes(name)) continue
      const text = `no product of this file is called ${name}${didYouMean(name, this.#products)}`
      this.#problems.error('UnknownReference', this.#places.at(path), text)
    }
  }

  /** `shown` false: the value is a secret. */
  #unique(taken: Set<string>, value: string, path: string, what: string, shown = true): void {
    if (taken.has(value)) {
      const text = shown ? `${what} called ${value} is there already; names must differ` : `${what} is there twice`
      this.#problems.error('DuplicateName', this.#places.at(path), text)
    }
    taken.add(value)
  }
}

function texts(list: List<string> | undefined): string[] {
  return (list ?? []).filter((one) => one !== undefined)
}
