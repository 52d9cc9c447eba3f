import type { LocalAddress } from '../core/local-address.ts'
import type { LocalConnection } from '../model/local-connection.ts'
import type { SourceText } from '../model/source.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { Template } from './template.ts'

/** The address of a call, from its variables. */
export type LocalTarget = (x: Exchange) => LocalAddress | Fault

/** The base of the request's path: that of `Path`; '' where the endpoint says it. */
export function localBase({ local, at }: LocalConnection): SourceText {
  return 'path' in local ? local.path : { text: '', at }
}

export function compileLocal({ local }: LocalConnection, template: (source: SourceText) => Template): LocalTarget {
  if ('path' in local) return () => 'path'
  const proxyOf = template(local.proxy)
  const endpointOf = template(local.endpoint)
  return (x) => {
    const proxy = proxyOf(x)
    if (proxy instanceof Fault) return proxy
    const endpoint = endpointOf(x)
    if (endpoint instanceof Fault) return endpoint
    const { environment } = x.endpoint.proxy.settings
    return { environment, proxy: proxy.trim(), endpoint: endpoint.trim() }
  }
}
