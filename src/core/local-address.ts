/** Where a call from proxy to proxy goes: to an endpoint by name, or wherever its path leads. */
export type LocalAddress = { readonly environment: string; readonly proxy: string; readonly endpoint: string } | 'path'
