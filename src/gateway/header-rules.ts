/**
 * Which headers cross the gateway. Hop-by-hop and framing headers belong to one connection (RFC 9110, section 7.6.1), and
 * the diagnostic headers are ours: what a client or a backend sends under those names is dropped, so that they are never
 * doubled. Edge drops `X-Apigee-*` from clients.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'http2-settings',
])

const LENGTHS: ReadonlySet<number> = new Set([...HOP_BY_HOP].map((name) => name.length))

/** True for headers that end at this hop. */
export function isHopByHop(lower: string): boolean {
  return LENGTHS.has(lower.length) && HOP_BY_HOP.has(lower)
}

/** True for the headers that only the gateway writes: `X-Request-Id`, `X-Apig-*`. */
export function isDiagnostic(lower: string): boolean {
  return lower.startsWith('x-apig-') || lower === 'x-request-id'
}

/** The names that `Connection` declares as hop-by-hop, in lower case; null when there are none besides the usual. */
export function connectionTokens(raw: readonly string[]): ReadonlySet<string> | null {
  let tokens: Set<string> | null = null
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 10 || raw[i]!.toLowerCase() !== 'connection') continue
    for (const token of raw[i + 1]!.split(',')) {
      const name = token.trim().toLowerCase()
      if (name === '' || name === 'close' || name === 'keep-alive') continue
      tokens ??= new Set()
      tokens.add(name)
    }
  }
  return tokens
}

/** Headers of a client's request that never go on: beside those above, what was for this gateway alone. */
export function isForGatewayOnly(lower: string): boolean {
  return lower === 'expect' || lower === 'host' || lower === 'x-forwarded-for' || lower.startsWith('x-apigee-')
}
