import { RE2JS } from 're2js'

/** A compiled pattern: does the whole text fit? */
export type Fits = (text: string) => boolean

/** A wildcard of a path: one whole segment, part of one, or anything. */
type Wild = 'segment' | 'part' | 'any'
type Token = string | { readonly wild: Wild }

/**
 * The glob of `~`: `*` stands for any run of characters, `/` included; `%` takes the next character as it is. Time grows
 * with the length of the text, never with what is in it.
 */
export function compileGlob(pattern: string): Fits {
  const pieces: string[] = []
  let piece = ''
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '*') {
      pieces.push(piece)
      piece = ''
    } else {
      if (pattern[i] === '%' && i + 1 < pattern.length) i++
      piece += pattern[i]
    }
  }
  return fitsPieces([...pieces, piece])
}

/**
 * The path expression of `~/`: `*` or `{name}` is one segment (or part of one), `**` is anything, slashes included; `%`
 * takes the next character as it is. `/` alone also fits the empty path, which is what `proxy.pathsuffix` is there.
 */
export function compilePath(pattern: string): Fits {
  if (pattern === '/') return (text) => text === '/' || text === ''
  const tokens = pathTokens(pattern)
  const wilds = tokens.filter((token) => typeof token !== 'string').map((token) => (token as { wild: Wild }).wild)
  if (wilds.every((wild) => wild === 'any')) return fitsPieces(piecesOf(tokens))
  const last = tokens.at(-1)
  const openEnd = typeof last === 'object' && last.wild === 'any'
  const fixed = openEnd ? tokens.slice(0, -1) : tokens
  if (fixed.every((token) => typeof token === 'string' || token.wild === 'segment')) return fitsSegments(fixed, openEnd)
  return fitsRegex(tokens)
}

function pathTokens(pattern: string): Token[] {
  const tokens: Token[] = []
  const literal = (text: string): void => {
    const last = tokens.at(-1)
    if (typeof last === 'string') tokens[tokens.length - 1] = last + text
    else tokens.push(text)
  }
  for (let i = 0; i < pattern.length; ) {
    const c = pattern[i]!
    if (c === '%' && i + 1 < pattern.length) {
      literal(pattern[i + 1]!)
      i += 2
      continue
    }
    const stars = c === '*' ? /^\*+/.exec(pattern.slice(i))![0].length : 0
    const name = c === '{' ? (/^\{[^{}/*]*\}/.exec(pattern.slice(i))?.[0].length ?? 0) : 0
    const length = stars + name
    if (length === 0) literal(c)
    else tokens.push({ wild: stars > 1 ? 'any' : wholeSegment(pattern, i, i + length) ? 'segment' : 'part' })
    i += Math.max(1, length)
  }
  return tokens
}

function wholeSegment(pattern: string, from: number, to: number): boolean {
  return (from === 0 || pattern[from - 1] === '/') && (to === pattern.length || pattern[to] === '/')
}

function piecesOf(tokens: readonly Token[]): string[] {
  const pieces = ['']
  for (const token of tokens) {
    if (typeof token === 'string') pieces[pieces.length - 1] += token
    else pieces.push('')
  }
  return pieces
}

/** Texts with any run of characters between them: the leftmost place of each is the best one. */
function fitsPieces(pieces: readonly string[]): Fits {
  const first = pieces[0]!
  if (pieces.length === 1) return (text) => text === first
  const last = pieces.at(-1)!
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  const fixed = first.length + last.length
  if (middle.length === 0) {
    if (last === '') return (text) => text.startsWith(first)
    return (text) => text.length >= fixed && text.startsWith(first) && text.endsWith(last)
  }
  return (text) => {
    if (text.length < fixed || !text.startsWith(first) || !text.endsWith(last)) return false
    let from = first.length
    for (const piece of middle) {
      const at = text.indexOf(piece, from)
      if (at < 0) return false
      from = at + piece.length
    }
    return from <= text.length - last.length
  }
}

/** Literal text and whole segments only: one pass. */
function fitsSegments(tokens: readonly Token[], openEnd: boolean): Fits {
  return (text) => {
    let at = 0
    for (const token of tokens) {
      if (typeof token === 'string') {
        if (!text.startsWith(token, at)) return false
        at += token.length
      } else {
        const slash = text.indexOf('/', at)
        const end = slash < 0 ? text.length : slash
        if (end === at) return false
        at = end
      }
    }
    return openEnd || at === text.length
  }
}

const REGEX: Readonly<Record<Wild, string>> = { segment: '[^/]+', part: '[^/]*', any: '.*' }

/** The rare rest, in linear time. */
function fitsRegex(tokens: readonly Token[]): Fits {
  const source = tokens.map((token) => (typeof token === 'string' ? RE2JS.quote(token) : REGEX[token.wild])).join('')
  const regex = RE2JS.compile(source, RE2JS.DOTALL)
  return (text) => regex.testExact(text)
}
