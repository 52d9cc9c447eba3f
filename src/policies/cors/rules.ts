/** The items of a list with commas; blanks and empty items do not count. */
export function listOf(text: string): string[] {
  const items: string[] = []
  for (const piece of text.split(',')) {
    const item = piece.trim()
    if (item !== '') items.push(item)
  }
  return items
}

/** Whether an origin is in the list: to the letter but for case, by `*`, or by one `*` in place of the front of a host. */
export function allows(origins: readonly string[], origin: string): boolean {
  const lower = origin.toLowerCase()
  return origins.some((allowed) => matches(allowed.toLowerCase(), lower))
}

function matches(allowed: string, origin: string): boolean {
  if (allowed === '*' || allowed === origin) return true
  const star = allowed.indexOf('*')
  if (star < 0) return false
  const before = allowed.slice(0, star)
  const after = allowed.slice(star + 1)
  if (origin.length <= before.length + after.length || !origin.startsWith(before) || !origin.endsWith(after)) {
    return false
  }
  return HOST_PART.test(origin.slice(before.length, origin.length - after.length))
}

const HOST_PART = /^[a-z0-9.-]+$/

/** Methods compare with case, as in HTTP. The simple ones need no permission. */
export function acceptsMethod(methods: readonly string[], asked: string): boolean {
  return SIMPLE_METHODS.includes(asked) || methods.includes('*') || methods.includes(asked)
}

const SIMPLE_METHODS = ['GET', 'HEAD', 'POST']

export function acceptsHeaders(headers: readonly string[], asked: readonly string[]): boolean {
  if (asked.length === 0 || headers.includes('*')) return true
  const allowed = new Set(headers.map((name) => name.toLowerCase()))
  return asked.every((name) => allowed.has(name.toLowerCase()) || SIMPLE_HEADERS.has(name.toLowerCase()))
}

const SIMPLE_HEADERS: ReadonlySet<string> = new Set(['accept', 'accept-language', 'content-language', 'content-type'])
