const PATTERN_MAX = 255
const VARIABLE = /\{([^{}]*)\}/g
/** With each variable as one letter. */
const PATH = /^\/[\w\-.~:@&=+,;%/]*\$?$/
const PAIR = /^[\w\-.~:@+,;%[\]]+(=[\w\-.~:@=+,;%[\]]*)?$/

/**
 * Why a mapping rule cannot have the pattern; null: it can. Stricter than a gateway, as the portal is, so that what is made here is
 * served everywhere. Source: porta, the validation of proxy rules.
 */
export function rulePatternFault(pattern: string): string | null {
  if (pattern.length > PATTERN_MAX) return `a pattern has at most ${PATTERN_MAX} characters`
  const names = [...pattern.matchAll(VARIABLE)].map((match) => match[1]!)
  const odd = names.find((name) => !/^\w+$/.test(name))
  if (odd !== undefined) return `{${odd}} has no name of letters, digits and _`
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) return `{${twice}} is there twice; names of variables differ`
  const question = pattern.indexOf('?')
  const path = question < 0 ? pattern : pattern.slice(0, question)
  if (!path.startsWith('/')) return 'a pattern begins with /'
  if (!PATH.test(path.replace(VARIABLE, 'x'))) {
    return 'a path has letters, digits, - . _ ~ : @ & = + , ; and {variables}, and $ at its end alone'
  }
  if (question < 0) return null
  for (const pair of pattern.slice(question + 1).split('&')) {
    if (pair.split('=', 1)[0]!.includes('{'))
      return 'the name of a parameter is no variable; its value may be one: ?q={v}'
    if (!PAIR.test(pair.replace(VARIABLE, 'x'))) return 'a query is name=value, with & between pairs'
  }
  return null
}
