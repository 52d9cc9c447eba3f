/** Process environment, or a stand-in. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Substituted {
  readonly text: string
  /** Something was replaced. */
  readonly changed: boolean
  /** What is wrong; values are never shown, since they are often secrets. */
  readonly faults: readonly string[]
}

const RULE = 'write \x24{NAME} or \x24{NAME:-default}, and $\x24{ for the two characters themselves'
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * `${NAME}` and `${NAME:-default}` (the default also replaces an empty value, as in a shell); `$${` is a literal `${`.
 * What is put in is not looked at again.
 */
export function substitute(text: string, env: Environment): Substituted {
  if (!text.includes('${')) return { text, changed: false, faults: [] }
  const faults: string[] = []
  let result = ''
  let from = 0
  for (;;) {
    const start = text.indexOf('${', from)
    if (start === -1) break
    if (text[start - 1] === '$' && start > from) {
      result += `${text.slice(from, start - 1)}\${`
      from = start + 2
      continue
    }
    const end = text.indexOf('}', start)
    if (end === -1) {
      faults.push(`a \${ without its }; ${RULE}`)
      break
    }
    result += text.slice(from, start) + replacement(text.slice(start + 2, end), env, faults)
    from = end + 1
  }
  return { text: result + text.slice(from), changed: true, faults }
}

function replacement(inner: string, env: Environment, faults: string[]): string {
  const split = inner.indexOf(':-')
  const name = split === -1 ? inner : inner.slice(0, split)
  if (!NAME.test(name)) {
    faults.push(`\${${inner.slice(0, 60)}} cannot be; ${RULE}`)
    return ''
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (split !== -1) return value === undefined || value === '' ? inner.slice(split + 2) : value
  if (value === undefined) {
    faults.push(`the environment variable ${name} is not set; set it, or write \${${name}:-default}`)
    return ''
  }
  return value
}
