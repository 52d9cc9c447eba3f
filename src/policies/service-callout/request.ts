import { Parameters } from '../../engine/parameters.ts'

/**
 * The URL of a call: path and query of the message are appended to those of the URL, its own query first. What may not
 * stand in a path is percent-encoded; a fragment goes.
 */
export function calloutUrl(url: string, path: string, query: string): string {
  const fragment = url.indexOf('#')
  const whole = fragment < 0 ? url : url.slice(0, fragment)
  if (path === '' && query === '') return whole
  const question = whole.indexOf('?')
  const base = question < 0 ? whole : whole.slice(0, question)
  const ownQuery = question < 0 ? '' : whole.slice(question + 1)
  const joined = path === '' ? base : joinPath(base, encodePath(path))
  if (ownQuery === '') return query === '' ? joined : `${joined}?${query}`
  return query === '' ? `${joined}?${ownQuery}` : `${joined}?${ownQuery}&${query}`
}

function joinPath(base: string, path: string): string {
  if (base.endsWith('/')) return path.startsWith('/') ? base + path.slice(1) : base + path
  return path.startsWith('/') ? base + path : `${base}/${path}`
}

function encodePath(path: string): string {
  if (!/[^\x21-\x7e]|["#<>?\\^`{|}]/.test(path)) return path
  return path.toWellFormed().replace(/[^\x21-\x7e]+|["#<>?\\^`{|}]/g, (part) => encodeURIComponent(part))
}

/** The host alone, for which a certificate is checked. */
export function hostOf(url: string): string {
  return /^https?:\/\/(\[[^\]]*\]|[^/:?]*)/i.exec(url)?.[1] ?? ''
}

/** What follows the authority: the URL without scheme and host. */
export function uriOf(url: string): string {
  const scheme = url.indexOf('://')
  if (scheme < 0) return url
  const host = scheme + 3
  const start = url.slice(host).search(/[/?]/)
  if (start < 0) return '/'
  const uri = url.slice(host + start)
  return uri.startsWith('?') ? `/${uri}` : uri
}

/** Header pairs whose names are in `keep` (lower case; null: all). Those that describe the content always stay. */
export function keptHeaders(raw: readonly string[], keep: ReadonlySet<string> | null): string[] {
  if (keep === null) return raw.slice()
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase()
    if (keep.has(lower) || lower.startsWith('content-')) kept.push(raw[i]!, raw[i + 1]!)
  }
  return kept
}

/** The query text without the parameters that are not in `keep` (null: all). */
export function keptQuery(query: Parameters, keep: ReadonlySet<string> | null): string {
  if (keep === null || query.text === '') return query.text
  const kept = new Parameters(query.text)
  for (const name of kept.names()) if (!keep.has(name)) kept.remove(name)
  return kept.text
}
