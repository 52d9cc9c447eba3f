import { type Token, TokenError, tokenize } from './xpath-tokens.ts'

export type XPathType = 'nodes' | 'text' | 'number' | 'boolean'

/** What can be said about an XPath without a document. */
export interface XPathAnalysis {
  readonly type: XPathType
  /**
   * It makes libxml2 merge sets of nodes, which takes the square of their size and is not counted as operations: a union,
   * `a//b`, `..`, sibling axes after a step that may give several nodes, two sets compared.
   */
  readonly merges: boolean
  /** A predicate begins at the root again (`//a[/b = 1]`), so it may read the whole document for each node. */
  readonly rereads: boolean
  /** Axes that Edge does not have, as written: parent, ancestor, following, preceding. */
  readonly strangeAxes: readonly string[]
}

/** Why a text is no XPath that can be used here. */
export interface XPathProblem {
  readonly at: number
  readonly message: string
}

const CHARS_MAX = 4096
const NESTING_MAX = 40

/** The core library of XPath 1.0, section 4. `nodes`: only a set of nodes can be its argument. */
const FUNCTIONS: Readonly<Record<string, readonly [least: number, most: number, type: XPathType, takes?: 'nodes']>> = {
  last: [0, 0, 'number'],
  position: [0, 0, 'number'],
  count: [1, 1, 'number', 'nodes'],
  id: [1, 1, 'nodes'],
  'local-name': [0, 1, 'text', 'nodes'],
  'namespace-uri': [0, 1, 'text', 'nodes'],
  name: [0, 1, 'text', 'nodes'],
  string: [0, 1, 'text'],
  concat: [2, 99, 'text'],
  'starts-with': [2, 2, 'boolean'],
  contains: [2, 2, 'boolean'],
  'substring-before': [2, 2, 'text'],
  'substring-after': [2, 2, 'text'],
  substring: [2, 3, 'text'],
  'string-length': [0, 1, 'number'],
  'normalize-space': [0, 1, 'text'],
  translate: [3, 3, 'text'],
  boolean: [1, 1, 'boolean'],
  not: [1, 1, 'boolean'],
  true: [0, 0, 'boolean'],
  false: [0, 0, 'boolean'],
  lang: [1, 1, 'boolean'],
  number: [0, 1, 'number'],
  sum: [1, 1, 'number', 'nodes'],
  floor: [1, 1, 'number'],
  ceiling: [1, 1, 'number'],
  round: [1, 1, 'number'],
}
const NODE_TYPES: ReadonlySet<string> = new Set(['node', 'text', 'comment', 'processing-instruction'])

/** Axes that never give the same node for two nodes of a set. */
const PLAIN_AXES: ReadonlySet<string> = new Set(['child', 'attribute', 'self', 'namespace'])
const STRANGE_AXES: ReadonlySet<string> = new Set([
  'parent',
  'ancestor',
  'ancestor-or-self',
  'following',
  'following-sibling',
  'preceding',
  'preceding-sibling',
])
const OTHER_AXES: ReadonlySet<string> = new Set(['descendant', 'descendant-or-self'])

/** Operators from the loosest to the tightest, with what they give. */
const LEVELS: readonly (readonly [operators: readonly string[], type: XPathType])[] = [
  [['or'], 'boolean'],
  [['and'], 'boolean'],
  [['=', '!='], 'boolean'],
  [['<', '<=', '>', '>='], 'boolean'],
  [['+', '-'], 'number'],
  [['*', 'div', 'mod'], 'number'],
]

/**
 * Reads an XPath 1.0 expression: its syntax, that its functions exist and its prefixes are among `prefixes`, what it
 * gives and how costly it can become. Variables (`$x`) are refused: there are none.
 */
export function analyseXPath(text: string, prefixes: ReadonlySet<string>): XPathAnalysis | XPathProblem {
  if (text.length > CHARS_MAX) return { at: 0, message: `the XPath is longer than ${CHARS_MAX} characters` }
  const tokens = tokenize(text)
  if (tokens instanceof TokenError) return { at: tokens.at, message: tokens.message }
  try {
    return new Analysis(tokens, prefixes).whole()
  } catch (error) {
    if (error instanceof Refused) return { at: error.at, message: error.message }
    throw error
  }
}

export function isXPathProblem(result: XPathAnalysis | XPathProblem): result is XPathProblem {
  return 'message' in result
}

class Refused extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

class Analysis {
  readonly #tokens: readonly Token[]
  readonly #prefixes: ReadonlySet<string>
  readonly #strange = new Set<string>()
  #i = 0
  #nesting = 0
  #predicates = 0
  #merges = false
  #rereads = false

  constructor(tokens: readonly Token[], prefixes: ReadonlySet<string>) {
    this.#tokens = tokens
    this.#prefixes = prefixes
  }

  whole(): XPathAnalysis {
    if (this.#tokens.length === 1) throw new Refused(0, 'the XPath is empty')
    const type = this.#expression()
    if (this.#now.kind !== 'end') throw this.#refused(`${this.#now.text} cannot follow here`)
    return { type, merges: this.#merges, rereads: this.#rereads, strangeAxes: [...this.#strange] }
  }

  get #now(): Token {
    return this.#tokens[this.#i]!
  }

  #refused(message: string): Refused {
    return new Refused(this.#now.at, message)
  }

  /** Takes the token when it is that operator or symbol. */
  #take(text: string): boolean {
    const { kind, text: now } = this.#now
    if (now !== text || (kind !== 'operator' && kind !== 'symbol')) return false
    this.#i++
    return true
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#refused(`${text} is missing before ${this.#now.text || 'the end'}`)
  }

  #expression(): XPathType {
    if (++this.#nesting > NESTING_MAX) throw this.#refused(`nested more than ${NESTING_MAX} deep`)
    const type = this.#level(0)
    this.#nesting--
    return type
  }

  #level(level: number): XPathType {
    const row = LEVELS[level]
    if (row === undefined) return this.#unary()
    let type = this.#level(level + 1)
    while (this.#now.kind === 'operator' && row[0].includes(this.#now.text)) {
      const compares = row[1] === 'boolean' && level > 1
      this.#i++
      const right = this.#level(level + 1)
      if (compares && type === 'nodes' && right === 'nodes') this.#merges = true
      type = row[1]
    }
    return type
  }

  #unary(): XPathType {
    let negated = false
    while (this.#take('-')) negated = true
    const type = this.#union()
    return negated ? 'number' : type
  }

  #union(): XPathType {
    const at = this.#now.at
    const type = this.#path()
    while (this.#take('|')) {
      this.#merges = true
      const right = this.#path()
      if (type !== 'nodes' || right !== 'nodes') throw new Refused(at, '| joins sets of nodes only')
    }
    return type
  }

  #path(): XPathType {
    const { kind, text } = this.#now
    const isPrimary =
      kind === 'literal' || kind === 'number' || kind === 'variable' || (kind === 'symbol' && text === '(')
    if (isPrimary || (kind === 'function' && !NODE_TYPES.has(text))) return this.#filter()
    if (kind === 'operator' && (text === '/' || text === '//')) {
      if (this.#predicates > 0) this.#rereads = true
      this.#i++
      if (text === '//') this.#steps(this.#step('descendant', true))
      else if (this.#startsStep()) this.#steps(this.#step('child', true))
      return 'nodes'
    }
    this.#steps(this.#step('child', true))
    return 'nodes'
  }

  #startsStep(): boolean {
    const { kind, text } = this.#now
    return kind === 'name' || kind === 'axis' || kind === 'function' || text === '.' || text === '..' || text === '@'
  }

  /** What follows the first step. `single`: the steps so far give one node at most. */
  #steps(single: boolean): void {
    for (;;) {
      if (this.#take('//')) single = this.#step('descendant', single)
      else if (this.#take('/')) single = this.#step('child', single)
      else return
    }
  }

  #step(unwritten: 'child' | 'descendant', single: boolean): boolean {
    const axis = this.#stepAxis(unwritten)
    if (STRANGE_AXES.has(axis)) this.#strange.add(axis)
    if (!PLAIN_AXES.has(axis) && !single) this.#merges = true
    // `//..`: the shortest way to ask for the same node from many others.
    if (unwritten === 'descendant' && STRANGE_AXES.has(axis)) this.#merges = true
    return single && (axis === 'self' || axis === 'parent')
  }

  /** Takes one step; gives its axis. The abbreviations . and .. have no predicates. */
  #stepAxis(unwritten: 'child' | 'descendant'): string {
    if (this.#take('.')) return unwritten === 'child' ? 'self' : unwritten
    if (this.#take('..')) return 'parent'
    let axis: string = unwritten
    if (this.#take('@')) axis = unwritten === 'child' ? 'attribute' : unwritten
    else if (this.#now.kind === 'axis') axis = this.#axis()
    this.#nodeTest()
    this.#predicatesHere()
    return axis
  }

  #axis(): string {
    const { text } = this.#now
    if (!PLAIN_AXES.has(text) && !STRANGE_AXES.has(text) && !OTHER_AXES.has(text)) {
      throw this.#refused(`there is no axis ${text}::`)
    }
    this.#i++
    this.#expect('::')
    return text
  }

  #nodeTest(): void {
    const { kind, text } = this.#now
    if (kind === 'function' && NODE_TYPES.has(text)) {
      this.#i++
      this.#expect('(')
      if (text === 'processing-instruction' && this.#now.kind === 'literal') this.#i++
      this.#expect(')')
      return
    }
    if (kind === 'function')
      throw this.#refused(`${text}() cannot be a step; a step is a name, *, @name, text() or node()`)
    if (kind !== 'name') throw this.#refused(`a step is missing before ${text || 'the end'}`)
    const colon = text.indexOf(':')
    const prefix = text.slice(0, colon)
    if (colon > 0 && prefix !== 'xml' && !this.#prefixes.has(prefix)) {
      throw this.#refused(`the prefix ${prefix} is not declared; write a Namespace element with prefix="${prefix}"`)
    }
    this.#i++
  }

  #predicatesHere(): void {
    while (this.#take('[')) {
      this.#predicates++
      this.#expression()
      this.#predicates--
      this.#expect(']')
    }
  }

  #filter(): XPathType {
    const at = this.#now.at
    const type = this.#primary()
    if (this.#now.text !== '[' && this.#now.text !== '/' && this.#now.text !== '//') return type
    if (type !== 'nodes') throw new Refused(at, 'only a set of nodes can have [ ] or / behind it')
    this.#predicatesHere()
    this.#steps(false)
    return 'nodes'
  }

  #primary(): XPathType {
    const { kind, text } = this.#now
    if (kind === 'variable') throw this.#refused(`there is no variable ${text} in an XPath here`)
    if (kind === 'function') return this.#call()
    this.#i++
    if (kind === 'literal') return 'text'
    if (kind === 'number') return 'number'
    const type = this.#expression()
    this.#expect(')')
    return type
  }

  #call(): XPathType {
    const { text, at } = this.#now
    const row = Object.hasOwn(FUNCTIONS, text) ? FUNCTIONS[text] : undefined
    if (row === undefined) throw this.#refused(`there is no function ${text}() in XPath 1.0`)
    this.#i++
    this.#expect('(')
    const [least, most, type, takes] = row
    let count = 0
    if (!this.#take(')')) {
      do {
        count++
        if (this.#expression() !== 'nodes' && takes === 'nodes') {
          throw new Refused(at, `${text}() takes a set of nodes, such as ${text}(//a)`)
        }
      } while (this.#take(','))
      this.#expect(')')
    }
    if (count < least || count > most) {
      throw new Refused(at, `${text}() takes ${least === most ? least : `${least} to ${most}`} arguments, not ${count}`)
    }
    return type
  }
}
