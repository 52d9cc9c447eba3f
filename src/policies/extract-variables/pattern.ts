/** A compiled pattern: the names it captures, and what they are in a text; null when it does not fit. */
export interface Pattern {
  readonly names: readonly string[]
  /** Path segments: of several patterns that fit, the one with the most is used. 1 for patterns of plain text. */
  readonly segments: number
  readonly match: (text: string) => readonly string[] | null
}

/** Why a pattern is none; `at` is the offset in it. */
export interface PatternProblem {
  readonly code: 'InvalidPattern' | 'PatternWithoutVariable'
  readonly at: number
  readonly reason: string
}

export type PatternKind = 'path' | 'text'

/**
 * Compiles a Pattern element: literal text, `{name}` captures, `*`, and `%{`, `%}`, `%*` for the characters themselves.
 * In `text`, captures and `*` stand for any run of characters, as short as possible. In `path`, they stay inside one
 * segment, and `**` is any number of segments. Matching takes time in proportion to the text.
 */
export function compilePattern(text: string, kind: PatternKind, ignoreCase: boolean): Pattern | PatternProblem {
  const tokens = tokenize(text)
  if (!Array.isArray(tokens)) return tokens
  const names = tokens.flatMap((token) => (typeof token === 'object' && token.name !== null ? [token.name] : []))
  if (names.length === 0) return { code: 'PatternWithoutVariable', at: 0, reason: 'it has no {variable}' }
  return kind === 'text' ? textPattern(tokens, names, ignoreCase) : pathPattern(tokens, names, ignoreCase)
}

export function isPatternProblem(compiled: Pattern | PatternProblem): compiled is PatternProblem {
  return 'code' in compiled
}

/** Literal text, or a run of characters: captured (`name`) or not; `many` is `**`. */
type Token = string | { readonly name: string | null; readonly many: boolean }

const CAPTURE = /\{\s*([^\s{}*%/"']{1,256})\s*\}/y

function tokenize(text: string): Token[] | PatternProblem {
  const tokens: Token[] = []
  let literal = ''
  const wild = (name: string | null, many: boolean): void => {
    if (literal !== '') tokens.push(literal)
    literal = ''
    tokens.push({ name, many })
  }
  for (let i = 0; i < text.length; ) {
    const c = text[i]!
    if (c === '%' && '{}*'.includes(text[i + 1] ?? ' ')) {
      literal += text[i + 1]
      i += 2
    } else if (c === '{') {
      CAPTURE.lastIndex = i
      const capture = CAPTURE.exec(text)
      if (capture === null) return invalid(i, '{ begins a {name}; write %{ for the character')
      wild(capture[1]!, false)
      i += capture[0].length
    } else if (c === '}') {
      return invalid(i, '} ends no {name}; write %} for the character')
    } else if (c === '*') {
      const end = /[^*]|$/.exec(text.slice(i))!.index + i
      wild(null, end - i > 1)
      i = end
    } else {
      literal += c
      i++
    }
  }
  if (literal !== '') tokens.push(literal)
  return tokens
}

function invalid(at: number, reason: string): PatternProblem {
  return { code: 'InvalidPattern', at, reason }
}

function textPattern(tokens: readonly Token[], names: readonly string[], ignoreCase: boolean): Pattern {
  const run = compileRun(tokens, ignoreCase)
  return { names, segments: 1, match: (text) => matchRun(run, text, ignoreCase ? fold(text) : text) }
}

/** Literals with a wild run between each two of them; `captured` says which runs are kept. */
interface Run {
  readonly literals: readonly string[]
  readonly captured: readonly boolean[]
}

function compileRun(tokens: readonly Token[], ignoreCase: boolean): Run {
  const literals = ['']
  const captured: boolean[] = []
  for (const token of tokens) {
    if (typeof token === 'string') literals[literals.length - 1] += ignoreCase ? fold(token) : token
    else {
      literals.push('')
      captured.push(token.name !== null)
    }
  }
  return { literals, captured }
}

/** The leftmost place of each literal is the best one, so one pass is enough. */
function matchRun({ literals, captured }: Run, text: string, folded: string): string[] | null {
  const first = literals[0]!
  const last = literals.at(-1)!
  if (!folded.startsWith(first)) return null
  if (captured.length === 0) return folded.length === first.length ? NOTHING : null
  const end = folded.length - last.length
  if (end < first.length || !folded.endsWith(last)) return null
  const values: string[] = []
  let from = first.length
  for (let i = 0; i < captured.length; i++) {
    const literal = literals[i + 1]!
    const to = i === captured.length - 1 ? end : folded.indexOf(literal, from)
    if (to < from || to > end) return null
    if (captured[i]) values.push(text.slice(from, to))
    from = to + literal.length
  }
  return values
}

const NOTHING: string[] = []

/** Lower case without a change of length, so that offsets stay valid. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  let folded = ''
  for (const c of text) folded += c.toLowerCase().length === c.length ? c.toLowerCase() : c
  return folded
}

/** One segment of a path; null is `**`. `whole`: nothing but a run, which an empty segment does not fit. */
type Segment = { readonly run: Run; readonly whole: boolean } | null

function pathPattern(
  tokens: readonly Token[],
  names: readonly string[],
  ignoreCase: boolean,
): Pattern | PatternProblem {
  const segments: Segment[] = []
  for (const parts of splitSegments(tokens)) {
    const many = parts.some((part) => typeof part === 'object' && part.many)
    if (many && parts.length > 1) return invalid(0, '** is a whole segment: /a/**/{b}')
    const whole = parts.length === 1 && typeof parts[0] === 'object'
    segments.push(many ? null : { run: compileRun(parts, ignoreCase), whole })
  }
  const match = (path: string): string[] | null => {
    const texts = segmentsOf(path)
    return matchSegments(segments, texts, ignoreCase ? texts.map(fold) : texts)
  }
  // `**` says nothing of how many segments there are, so an exact pattern beats one with it.
  return { names, segments: segments.filter((segment) => segment !== null).length, match }
}

function splitSegments(tokens: readonly Token[]): Token[][] {
  const segments: Token[][] = [[]]
  for (const token of tokens) {
    const pieces = typeof token === 'string' ? token.split('/') : [token]
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) segments.push([])
      if (piece !== '') segments.at(-1)!.push(piece)
    }
  }
  if (segments.length > 1 && segments[0]!.length === 0) segments.shift()
  return segments
}

function segmentsOf(path: string): string[] {
  const texts = path.split('/')
  if (texts.length > 1 && texts[0] === '') texts.shift()
  return texts
}

/** As with any glob, only the last `**` can need another try: time is the product of the two lengths at most. */
function matchSegments(segments: readonly Segment[], texts: readonly string[], folded: readonly string[]) {
  const places: number[] = []
  let s = 0
  let t = 0
  let many = -1
  let manyEnd = 0
  while (t < texts.length) {
    const segment = segments[s]
    if (segment === null) {
      many = s++
      manyEnd = t
    } else if (segment !== undefined && fits(segment, folded[t]!)) {
      places[s++] = t++
    } else if (many >= 0) {
      s = many + 1
      t = ++manyEnd
    } else return null
  }
  while (segments[s] === null) s++
  if (s < segments.length) return null
  return segments.flatMap((segment, i) => {
    const place = places[i]
    return segment === null || place === undefined ? NOTHING : matchRun(segment.run, texts[place]!, folded[place]!)!
  })
}

function fits({ run, whole }: NonNullable<Segment>, folded: string): boolean {
  return whole ? folded !== '' : matchRun(run, folded, folded) !== null
}

/** The values of the pattern that fits best, with its names; null when none fits. */
export function bestMatch(
  patterns: readonly Pattern[],
  text: string,
): { readonly pattern: Pattern; readonly values: readonly string[] } | null {
  let best: { pattern: Pattern; values: readonly string[] } | null = null
  for (const pattern of patterns) {
    if (best !== null && pattern.segments <= best.pattern.segments) continue
    const values = pattern.match(text)
    if (values !== null) best = { pattern, values }
  }
  return best
}
