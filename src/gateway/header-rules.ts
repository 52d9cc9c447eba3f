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
  ['expect', REQUEST_ONLY],
  ['host', REQUEST_ONLY],
  ['x-forwarded-for', FORWARDED_FOR],
])

// Two numbers decide for nearly every name that it passes, before any text is made or compared: 1 where a rule may be.
const FIRST_LETTERS = new Uint8Array(256)
const LENGTHS = new Uint8Array(256)
for (const name of RULES.keys()) {
  FIRST_LETTERS[name.charCodeAt(0)] = 1
  LENGTHS[name.length] = 1
}
const LETTER_X = 0x78

/** The rule for a header name, as written. */
export function headerRule(name: string): HeaderRule {
  const first = name.charCodeAt(0) | 0x20
  if (FIRST_LETTERS[first] !== 1) return PASS
  if (first !== LETTER_X && LENGTHS[name.length] !== 1) return PASS
  const lower = name.toLowerCase()
  if (first === LETTER_X) {
    if (lower.startsWith('x-apig-')) return DROP
    if (lower.startsWith('x-apigee-')) return REQUEST_ONLY
  }
  return RULES.get(lower) ?? PASS
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
