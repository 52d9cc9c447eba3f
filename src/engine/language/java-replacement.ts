import type { RE2JS } from 're2js'

/** Literal text, the number of a group, or the name of one. */
type Part = string | { readonly group: number | string }

const OUTPUT_CHARS_MAX = 16 * 1024 * 1024

/**
 * `Matcher.replaceAll` / `replaceFirst` of Java: `$1` and `${name}` are groups, a backslash takes the next character as it
 * is. Null when the replacement is malformed, names no group of the pattern, or the result would be longer than 16 Mi
 * characters.
 */
export function replaceJava(text: string, regex: RE2JS, replacement: string, all: boolean): string | null {
  const matcher = regex.matcher(text)
  const parts = parseReplacement(replacement, regex.groupCount(), (name) => Object.hasOwn(regex.namedGroups(), name))
  if (parts === null) return null
  let out = ''
  let from = 0
  while (matcher.find()) {
    out += text.slice(from, matcher.start())
    for (const part of parts) out += typeof part === 'string' ? part : (matcher.group(part.group) ?? '')
    from = matcher.end()
    if (out.length > OUTPUT_CHARS_MAX) return null
    if (!all) break
  }
  return out + text.slice(from)
}

/** Java takes as many digits after `$` as still name a group. */
function parseReplacement(text: string, groups: number, named: (name: string) => boolean): Part[] | null {
  const parts: Part[] = []
  let literal = ''
  const flush = (): void => {
    if (literal !== '') parts.push(literal)
    literal = ''
  }
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '\\') {
      i++
      if (i === text.length) return null
      literal += text[i]
    } else if (c !== '$') {
      literal += c
    } else {
      const name = /^\{([A-Za-z][A-Za-z0-9]*)\}/.exec(text.slice(i + 1, i + 130))
      if (name !== null) {
        if (!named(name[1]!)) return null
        flush()
        parts.push({ group: name[1]! })
        i += name[0].length
        continue
      }
      let digits = /^[0-9]/.exec(text.slice(i + 1, i + 2))?.[0] ?? ''
      if (digits === '' || Number(digits) > groups) return null
      for (let next = text[i + 1 + digits.length]; next !== undefined && /[0-9]/.test(next); ) {
        if (Number(digits + next) > groups) break
        digits += next
        next = text[i + 1 + digits.length]
      }
      flush()
      parts.push({ group: Number(digits) })
      i += digits.length
    }
  }
  flush()
  return parts
}
