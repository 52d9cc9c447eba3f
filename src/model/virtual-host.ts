/** Binds the endpoints that name it to host names: a call for one of those is routed among these endpoints alone. */
export interface VirtualHost {
  readonly name: string
  /** Lower case, without port. */
  readonly hostAliases: readonly string[]
}

/** The host names that endpoints on these virtual hosts are bound to; empty: any. */
export function boundHosts(names: readonly string[], virtualHosts: readonly VirtualHost[]): string[] {
  return virtualHosts.flatMap((host) => (names.includes(host.name) ? host.hostAliases : []))
}
