/** What rules are compared with (APIcast): the path decoded, its slashes merged and dots resolved, blanks escaped again. */
export function rulePath(path: string): string {
  if (!/%|\/\/|\/\./.test(path)) return path
  const segments: string[] = []
  const decoded = decode(path).replace(/\/{2,}/g, '/')
  for (const segment of decoded.split('/').slice(1)) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  if (/\/\.{1,2}$/.test(decoded)) segments.push('')
  return `/${segments.join('/')}`.replaceAll(' ', '%20')
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
