/**
 * Why a text cannot be a base path; null: it can. `*` stands for one whole segment, a trailing `**` for any rest, as in
 * `/a/&#42;/b` and `/a/&#42;&#42;`.
 */
export function basePathFault(path: string): string | null {
  if (!path.startsWith('/')) return 'it must begin with a slash'
  if (/[\s?#\\\u0000-\u001f]/.test(path)) return 'it can have no blank, backslash, ? or #'
  if (path.includes('//')) return 'it has an empty segment (//)'
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return 'it can have no . or .. segment'
    if (segment === '**' && index < segments.length - 1) return '** can only stand at the end'
    if (segment.includes('*') && segment !== '*' && segment !== '**') {
      return 'a * stands for a whole segment: /*/ for one, /** at the end for any number'
    }
  }
  return null
}

/**
 * Base paths that no call for the same host could tell apart have the same key.
 */
export function basePathKey(path: string): string {
  return path.replace(/\/\*\*$/, '').replace(/\/$/, '')
}
