import type { PublishedApi } from '../model/apig.ts'

/** Where this gateway can be reached. */
export interface OwnDoors {
  readonly ports: readonly number[]
  /** The address that it listens on; `0.0.0.0` and `::` are all of this machine. */
  readonly host: string
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0)$/i

/** The APIs whose backend is this gateway at the same API: a call of them is refused with `APIG.0612`. */
export function selfCalls(apis: readonly PublishedApi[], doors: OwnDoors): PublishedApi[] {
  return apis.filter((api) => {
    const { backend } = api
    if (backend.kind !== 'http') return false
    const match = /^(https?):\/\/(\[[^\]]*\]|[^:]+)(?::(\d+))?$/i.exec(backend.origin)
    if (match === null) return false
    const host = match[2]!.toLowerCase()
    const port = match[3] === undefined ? (match[1]!.toLowerCase() === 'https' ? 443 : 80) : Number(match[3])
    const own = LOOPBACK.test(host) || host === doors.host.toLowerCase() || api.hosts.includes(host)
    return own && doors.ports.includes(port) && takes(api, backend.method, backend.path)
  })
}

function takes({ method, path, prefix }: PublishedApi, sentMethod: string, sentPath: string): boolean {
  if (method !== 'ANY' && sentMethod !== 'ANY' && method !== sentMethod) return false
  const own = path.split('/')
  const sent = sentPath.split('/')
  if (sent.length < own.length || (!prefix && sent.length > own.length && !path.endsWith('+}'))) return false
  return own.every((segment, i) => segment.startsWith('{') || sent[i]!.startsWith('{') || segment === sent[i])
}
