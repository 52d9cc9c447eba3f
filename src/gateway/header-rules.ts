/**
 * Which headers cross the gateway. Hop-by-hop and framing headers belong to one connection (RFC 9110, section 7.6.1). The
 * diagnostic headers are ours: what a client or a backend sends under those names is dropped, so that they are never
 * doubled. Edge drops `X-Apigee-*` from clients.
 */
export type HeaderRule = typeof PASS | typeof DROP | typeof REQUEST_ONLY | typeof FORWARDED_FOR

/** Goes on, in both directions. */
export const PASS = 0
/** Ends here, in both directions. */
export const DROP = 1
/** Of a request: meant for this gateway, or written anew. In an answer it goes on. */
export const REQUEST_ONLY = 2
/** `X-Forwarded-For` of a request: goes on with one more address. */
export const FORWARDED_FOR = 3

const RULES: ReadonlyMap<string, HeaderRule> = new Map<string, HeaderRule>([
  ['connection', DROP],
  ['keep-alive', DROP],
  ['proxy-connection', DROP],
  ['proxy-authorization', DROP],
  ['proxy-authenticate', DROP],
  ['te', DROP],
  ['trailer', DROP],
  ['transfer-encoding', DROP],
  ['upgrade', DROP],
  ['content-length', DROP],
  ['http2-settings', DROP],
  ['x-request-id', DROP],
  ['x-postern-debug', DROP],
  ['expect', REQUEST_ONLY],
  ['host', REQUEST_ONLY],
  ['x-forwarded-for', FORWARDED_FOR],
])

// First letter and length decide for nearly every name that it passes, before any text is made or compared.
const LENGTH_BITS = 5
const CANDIDATES = new Uint8Array(256 << LENGTH_BITS)
for (const name of RULES.keys()) CANDIDATES[(name.charCodeAt(0) << LENGTH_BITS) | name.length] = 1
const LENGTH_MAX = (1 << LENGTH_BITS) - 1
const LETTER_A = 0x61
const LETTER_X = 0x78

/** The rule for a header name, as written. */
export function headerRule(name: string): HeaderRule {
  const { length } = name
  const first = name.charCodeAt(0) | 0x20
  // All of ours begin with X-Apig.
  if (first === LETTER_X && (name.charCodeAt(2) | 0x20) === LETTER_A) {
    const lower = name.toLowerCase()
    if (lower.startsWith('x-apig-')) return DROP
    return lower.startsWith('x-apigee-') ? REQUEST_ONLY : PASS
  }
  if (length > LENGTH_MAX || CANDIDATES[(first << LENGTH_BITS) | length] !== 1) return PASS
  return RULES.get(name.toLowerCase()) ?? PASS
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
