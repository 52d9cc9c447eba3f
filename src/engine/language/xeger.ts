import { boundedCache } from './bounded-cache.ts'

/** Where chance comes from. */
export interface RandomSource {
  /** A whole number from `min` up to but not including `max` (at most 2^32 apart). */
  randomInt(min: number, max: number): number
}

export type CompiledXeger =
  | { readonly ok: true; readonly generate: (random: RandomSource) => string }
  | { readonly ok: false; readonly at: number; readonly message: string }

/** A set of characters by ranges of code points, some texts in turn, one of some, or a repetition. */
type Node =
  | { readonly kind: 'set'; readonly ranges: readonly Range[]; readonly size: number }
  | { readonly kind: 'sequence'; readonly of: readonly Node[] }
  | { readonly kind: 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number }

type Range = readonly [from: number, to: number]

const PATTERN_CHARS_MAX = 1024
const OUTPUT_CHARS_MAX = 16_384
const NESTING_MAX = 50
/** `*`, `+` and `{n,}` add at most so many. */
const OPEN_REPEATS_MAX = 10

const PRINTABLE: readonly Range[] = [[0x20, 0x7e]]
const DIGITS: readonly Range[] = [[0x30, 0x39]]
const WORDS: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
const SPACES: readonly Range[] = [[0x20, 0x20]]

const SETS: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  w: WORDS,
  s: SPACES,
  D: without(PRINTABLE, DIGITS),
  W: without(PRINTABLE, WORDS),
  S: [[0x21, 0x7e]],
}

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }

/**
 * Compiles a regular expression into a generator of texts that match it. Understood: characters, `.`, sets, `\d \w \s`
 * and their opposites, groups, `|`, and the quantifiers; `^` and `$` are passed over. Everything else is refused.
 */
export function compileXeger(pattern: string): CompiledXeger {
  if (pattern.length > PATTERN_CHARS_MAX) {
    return { ok: false, at: PATTERN_CHARS_MAX, message: `xeger takes at most ${PATTERN_CHARS_MAX} characters` }
  }
  try {
    const node = new Parser(pattern).whole()
    if (longest(node) > OUTPUT_CHARS_MAX) {
      return { ok: false, at: 0, message: `what xeger makes could be longer than ${OUTPUT_CHARS_MAX} characters` }
    }
    return { ok: true, generate: (random) => generate(node, random) }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, at: error.at, message: error.message }
    throw error
  }
}

const cachedXeger = boundedCache(64, compileXeger)

/** Null when the pattern is refused. */
export function xeger(pattern: string, random: RandomSource): string | null {
  const compiled = cachedXeger(pattern)
  return compiled.ok ? compiled.generate(random) : null
}

function generate(node: Node, random: RandomSource): string {
  switch (node.kind) {
    case 'set':
      return pick(node, random.randomInt(0, node.size))
    case 'sequence':
      return node.of.map((part) => generate(part, random)).join('')
    case 'choice':
      return generate(node.of[random.randomInt(0, node.of.length)]!, random)
    case 'repeat': {
      let out = ''
      for (let n = random.randomInt(node.min, node.max + 1); n > 0; n--) out += generate(node.of, random)
      return out
    }
  }
}

function pick({ ranges }: { readonly ranges: readonly Range[] }, index: number): string {
  let left = index
  for (const [from, to] of ranges) {
    const size = to - from + 1
    if (left < size) return String.fromCodePoint(from + left)
    left -= size
  }
  return ''
}

function longest(node: Node): number {
  switch (node.kind) {
    case 'set':
      return 2
    case 'sequence':
      return node.of.reduce((sum, part) => sum + longest(part), 0)
    case 'choice':
      return Math.max(...node.of.map(longest))
    case 'repeat':
      // Empty repetitions cost time too.
      return Math.max(1, longest(node.of)) * node.max
  }
}

function setOf(ranges: readonly Range[]): Node {
  return { kind: 'set', ranges, size: ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0) }
}

function without(all: readonly Range[], removed: readonly Range[]): Range[] {
  let left = [...all]
  for (const [from, to] of removed) {
    left = left.flatMap(([a, b]): Range[] => {
      if (to < a || from > b) return [[a, b]]
      const rest: Range[] = []
      if (a < from) rest.push([a, from - 1])
      if (b > to) rest.push([to + 1, b])
      return rest
    })
  }
  return left
}

class Refused {
  readonly at: number
  readonly message: string

  constructor(at: number, message: string) {
    this.at = at
    this.message = message
  }
}

class Parser {
  readonly #in: string
  #i = 0
  #depth = 0

  constructor(pattern: string) {
    this.#in = pattern
  }

  whole(): Node {
    const node = this.#choice()
    if (this.#i < this.#in.length) throw new Refused(this.#i, 'this ) closes nothing')
    return node
  }

  #choice(): Node {
    if (++this.#depth > NESTING_MAX) throw new Refused(this.#i, `groups nest at most ${NESTING_MAX} deep`)
    const of = [this.#sequence()]
    while (this.#in[this.#i] === '|') {
      this.#i++
      of.push(this.#sequence())
    }
    this.#depth--
    return of.length === 1 ? of[0]! : { kind: 'choice', of }
  }

  #sequence(): Node {
    const of: Node[] = []
    while (this.#i < this.#in.length && !'|)'.includes(this.#in[this.#i]!)) {
      if ('^$'.includes(this.#in[this.#i]!)) this.#i++
      else of.push(this.#repeated())
    }
    return of.length === 1 ? of[0]! : { kind: 'sequence', of }
  }

  #repeated(): Node {
    const of = this.#atom()
    const match = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(this.#in.slice(this.#i, this.#i + 24))
    if (match === null) return of
    const at = this.#i
    this.#i += match[0].length
    if (this.#in[this.#i] === '?') this.#i++
    if (/[*+]/.test(this.#in[this.#i] ?? '')) throw new Refused(this.#i, 'a quantifier has nothing to repeat')
    const [min, max] = bounds(match)
    if (max < min) throw new Refused(at, `${match[0]} repeats at most fewer times than at least`)
    if (max > OUTPUT_CHARS_MAX) throw new Refused(at, `${match[0]} repeats more than ${OUTPUT_CHARS_MAX} times`)
    return { kind: 'repeat', of, min, max }
  }

  #atom(): Node {
    const at = this.#i
    const c = String.fromCodePoint(this.#in.codePointAt(at)!)
    this.#i += c.length
    if (c === '.') return setOf(PRINTABLE)
    if (c === '[') return setOf(this.#set(at))
    if (c === '(') return this.#group(at)
    if (c === '\\') return setOf(this.#escape(at))
    if ('*+?{'.includes(c)) throw new Refused(at, `a quantifier has nothing to repeat; a plain one is written \\${c}`)
    return setOf([[c.codePointAt(0)!, c.codePointAt(0)!]])
  }

  #group(at: number): Node {
    const head = /^\?(?::|<[A-Za-z][A-Za-z0-9]*>)/.exec(this.#in.slice(this.#i, this.#i + 64))
    if (head !== null) this.#i += head[0].length
    else if (this.#in[this.#i] === '?') throw new Refused(at, 'xeger understands plain groups only')
    const inside = this.#choice()
    if (this.#in[this.#i] !== ')') throw new Refused(at, 'this ( is never closed by )')
    this.#i++
    return inside
  }

  #escape(at: number): readonly Range[] {
    const c = this.#in[this.#i]
    if (c === undefined) throw new Refused(at, 'a backslash at the end escapes nothing')
    this.#i++
    if (Object.hasOwn(SETS, c)) return SETS[c]!
    const control = CONTROLS[c]
    if (control === undefined && /[A-Za-z0-9]/.test(c)) throw new Refused(at, `xeger does not understand \\${c}`)
    const code = (control ?? c).codePointAt(0)!
    return [[code, code]]
  }

  #set(start: number): Range[] {
    const negated = this.#in[this.#i] === '^'
    if (negated) this.#i++
    const ranges: Range[] = []
    while (this.#in[this.#i] !== ']') {
      const from = this.#member(start)
      const dash = this.#in[this.#i] === '-' && this.#in[this.#i + 1] !== ']' && this.#i + 1 < this.#in.length
      if (!dash || from.length !== 1 || from[0]![0] !== from[0]![1]) {
        ranges.push(...from)
        continue
      }
      const at = this.#i++
      const to = this.#member(start)
      if (to.length !== 1 || to[0]![0] < from[0]![0]) throw new Refused(at, 'a range goes from low to high')
      ranges.push([from[0]![0], to[0]![0]])
    }
    this.#i++
    const set = negated ? without(PRINTABLE, ranges) : without(ranges, [])
    if (set.length === 0) throw new Refused(start, 'this set holds no character')
    return set
  }

  #member(start: number): readonly Range[] {
    const at = this.#i
    if (at >= this.#in.length) throw new Refused(start, 'the bracket [ is never closed by ]')
    const code = this.#in.codePointAt(at)!
    this.#i += code > 0xffff ? 2 : 1
    if (code === 0x5c) return this.#escape(at)
    if (code === 0x5b || this.#in.startsWith('&&', at)) {
      throw new Refused(at, 'xeger understands plain sets only; a plain bracket is written \\[')
    }
    return [[code, code]]
  }
}

function bounds(match: RegExpExecArray): [min: number, max: number] {
  const [whole, low, comma, high] = match
  if (whole === '?') return [0, 1]
  if (low === undefined) {
    const min = whole === '+' ? 1 : 0
    return [min, min + OPEN_REPEATS_MAX]
  }
  const min = Number(low)
  if (comma === undefined) return [min, min]
  return [min, high === '' ? min + OPEN_REPEATS_MAX : Number(high)]
}
