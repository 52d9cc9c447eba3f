import type { MaybePromise } from '../core/async.ts'
import type { ApiProduct, ConsumerKey, Developer, DeveloperApp } from '../model/consumers.ts'
import type { EnvironmentEntities } from '../model/entities.ts'

/** Whose key it is, and what it opens. */
export interface KeyHolder {
  readonly key: ConsumerKey
  readonly app: DeveloperApp
  readonly developer: Developer
  /** Those products of the key that exist, in its order. */
  readonly products: readonly KeyProduct[]
}

export interface KeyProduct {
  readonly product: ApiProduct
  readonly approved: boolean
  /** Says whether the product opens a path behind the base path. */
  readonly opens: (pathSuffix: string) => boolean
}

/** Where policies look up who holds a key. */
export interface Applications {
  byKey(key: string): MaybePromise<KeyHolder | null>
}

const indexes = new WeakMap<EnvironmentEntities, Applications>()

/** The look-up over what the environment has now; made once for all policies of a publication. */
export function applicationsOf(entities: EnvironmentEntities): Applications {
  const known = indexes.get(entities)
  if (known !== undefined) return known
  const index = new Index(entities)
  indexes.set(entities, index)
  return index
}

class Index implements Applications {
  readonly #holders = new Map<string, KeyHolder>()

  constructor(entities: EnvironmentEntities) {
    const products = new Map(entities.products.map((product) => [product.name, product]))
    const tests = new Map(entities.products.map((product) => [product.name, resourceTest(product.resources)]))
    for (const developer of entities.developers) {
      for (const app of developer.apps) {
        for (const key of app.keys) {
          const opened = key.products.flatMap(({ name, status }): KeyProduct[] => {
            const product = products.get(name)
            if (product === undefined) return []
            return [{ product, approved: status === 'approved', opens: tests.get(name)! }]
          })
          this.#holders.set(key.key, { key, app, developer, products: opened })
        }
      }
    }
  }

  byKey(key: string): KeyHolder | null {
    return this.#holders.get(key) ?? null
  }
}

/**
 * Compiles the resource paths of a product (Apigee, "Configuring resource paths"): `/` and `/**` open everything, `*` stands
 * for one segment, `**` at the end for one or more. None at all opens everything.
 */
export function resourceTest(resources: readonly string[]): (pathSuffix: string) => boolean {
  if (resources.length === 0 || resources.some((one) => one === '/' || one === '/**')) return () => true
  const patterns = resources.map(
    (one) => new RegExp(`^${one.replace(/\/$/, '').split('/').map(segmentPattern).join('/')}/?$`),
  )
  return (pathSuffix) => patterns.some((pattern) => pattern.test(pathSuffix === '' ? '/' : pathSuffix))
}

function segmentPattern(segment: string): string {
  if (segment === '**') return '.+'
  return segment
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*')
    .replace(/^\[\^\/\]\*$/, '[^/]+')
}
