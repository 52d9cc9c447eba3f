import type { MaybePromise } from './async.ts'

/** Whose a map is. Edge's scope `policy` is `revision` in its management API: the map of one revision of a proxy. */
export type MapScope =
  | { readonly scope: 'organization' }
  | { readonly scope: 'environment'; readonly environment: string }
  | { readonly scope: 'apiproxy'; readonly proxy: string }
  | { readonly scope: 'revision'; readonly proxy: string; readonly revision: number }

/** Where the maps of a scope are; the name of a map follows. */
export function mapPlace(of: MapScope): string {
  switch (of.scope) {
    case 'organization':
      return 'organization/'
    case 'environment':
      return `environment/${of.environment}/`
    case 'apiproxy':
      return `apiproxy/${of.proxy}/`
    case 'revision':
      return `revision/${of.proxy}/${of.revision}/`
  }
}

/** One step of what is to be done with a map. A key may have several values. */
export type MapOperation =
  | { readonly do: 'get'; readonly key: string }
  | { readonly do: 'put'; readonly key: string; readonly values: readonly string[]; readonly override: boolean }
  | { readonly do: 'delete'; readonly key: string }

export type MapAnswer =
  /** `values`: of each `get`, in their order; null: there is no such key. */
  | { readonly done: true; readonly encrypted: boolean; readonly values: readonly (readonly string[] | null)[] }
  /** Nothing was changed. */
  | { readonly done: false; readonly why: string }

/** In bytes of UTF-8. */
export const MAP_KEY_BYTES_MAX: number = 2 * 1024
export const MAP_VALUE_BYTES_MAX: number = 512 * 1024

/**
 * Key value maps: kept over restarts, one for all gateway threads. What one thread has put or deleted every other sees as soon
 * as the call has answered, and it is on the disk then.
 */
export interface KeyValueMaps {
  /** Does all operations in their order, as one. `map`: place and name. A `put` makes a map that is not there. */
  run(map: string, operations: readonly MapOperation[]): MaybePromise<MapAnswer>
}
