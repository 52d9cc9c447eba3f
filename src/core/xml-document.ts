import type { MaybePromise } from './async.ts'

// The one door to libxml2 (WebAssembly). Below its public classes lie the functions that they call; this file uses those,
// because only they let an evaluation be bounded, and because every pointer is then freed in a `finally` that one can see.
type Lib = typeof import('libxml2-wasm/lib/libxml2.mjs')
type Utils = typeof import('libxml2-wasm/lib/utils.mjs')

let lib: Lib | null = null
let utils: Utils | null = null
let loading: Promise<void> | null = null

/**
 * Loads libxml2: 40 ms and 20 MB, once for each thread. Its module begins with a top-level await, so this is the only
 * asynchronous part; nothing happens when it is there already. A thread that is about to run XPath calls it first.
 */
export function prepareXml(): MaybePromise<void> {
  if (lib !== null) return undefined
  loading ??= load()
  return loading
}

/** True when `withDocument` may be called. */
export function isXmlReady(): boolean {
  return lib !== null
}

/** Whether a plan (its published text) has anything that reads XML: an XPath element or the template function. */
export function needsXml(planText: string): boolean {
  return /xpath/i.test(planText)
}

async function load(): Promise<void> {
  const [loaded, loadedUtils] = await Promise.all([
    import('libxml2-wasm/lib/libxml2.mjs'),
    import('libxml2-wasm/lib/utils.mjs'),
  ])
  lib = loaded
  utils = loadedUtils
  const expression = new XPath('count(//b) + last() + position()')
  const tried = [1, 1000].map((limit) =>
    withDocument('<a><b/><b/></a>', (document) => document.text(expression, limit)),
  )
  if (tried[0] instanceof XmlFailure && tried[0].kind === 'limit' && tried[1] === 4) return
  lib = null
  throw new Error('this version of libxml2-wasm keeps its XPath limits elsewhere: evaluations would not be bounded')
}

export type XmlFailureKind = 'empty' | 'too-big' | 'dtd' | 'malformed' | 'xpath' | 'limit' | 'not-ready'

/** Why a document or an XPath gave nothing. */
export class XmlFailure {
  readonly kind: XmlFailureKind
  /** One line, with line and column where the parser knows them. */
  readonly message: string

  constructor(kind: XmlFailureKind, message: string) {
    this.kind = kind
    this.message = message
  }
}

/** Larger documents are refused: parsing blocks the thread for about 15 ms a MiB. */
export const XML_BYTES_MAX: number = 1024 * 1024
/** Longest text made of what an XPath found, and the most nodes that are printed. */
const MARKUP_CHARS_MAX = 4 * 1024 * 1024
const MARKUP_NODES_MAX = 20_000

/** NO_XXE, NONET, NO_SYS_CATALOG: nothing is ever loaded. NOCDATA, COMPACT: plain text nodes. */
const PARSE_OPTIONS = 0x800000 | 0x800 | 0x2000000 | 0x4000 | 0x10000
/** IGNORE_ENC: a text that was decoded already may still declare what it was encoded in. */
const TEXT_OPTIONS = PARSE_OPTIONS | 0x200000
const ERROR_LEVEL = 2

/**
 * Parses, lets `use` read, and frees the document in every case. A text is taken as it is; bytes in the encoding they
 * declare. Refused: more than `bytesMax` bytes, any DTD, nesting beyond 256 (libxml2's own limit), what is not
 * well-formed. Nothing outside the document is ever loaded.
 */
export function withDocument<T>(
  source: string | Uint8Array,
  use: (document: XmlDocument) => T,
  bytesMax: number = XML_BYTES_MAX,
): T | XmlFailure {
  if (lib === null) return new XmlFailure('not-ready', 'prepareXml has not finished')
  if (source.length > bytesMax) return tooBig(bytesMax)
  const isText = typeof source === 'string'
  const bytes = isText ? Buffer.from(source) : source
  if (bytes.length > bytesMax) return tooBig(bytesMax)
  if (bytes.length === 0) return new XmlFailure('empty', 'the document is empty')
  const pointer = parse(lib, bytes, isText)
  if (pointer instanceof XmlFailure) return pointer
  try {
    if (lib.xmlGetIntSubset(pointer) !== 0) {
      return new XmlFailure('dtd', 'the document has a DTD (<!DOCTYPE ...>), which is refused')
    }
    return use(new XmlDocument(lib, pointer, bytes))
  } finally {
    lib.xmlFreeDoc(pointer)
  }
}

function tooBig(bytesMax: number): XmlFailure {
  return new XmlFailure('too-big', `the document is larger than ${bytesMax} bytes`)
}

function parse(xml: Lib, bytes: Uint8Array, isText: boolean): number | XmlFailure {
  const context = xml.xmlNewParserCtxt()
  const log = xml.error.storage.allocate([])
  try {
    xml.xmlCtxtSetErrorHandler(context, xml.error.errorCollector, log)
    const options = isText ? TEXT_OPTIONS : PARSE_OPTIONS
    const pointer = xml.xmlReadMemory(context, bytes, null, isText ? 'utf-8' : null, options)
    const worst = xml.error.storage.get(log).find((detail) => detail.level >= ERROR_LEVEL)
    if (pointer !== 0 && worst === undefined) return pointer
    if (pointer !== 0) xml.xmlFreeDoc(pointer)
    const where = worst === undefined ? '' : `line ${worst.line}, column ${worst.col}: `
    return new XmlFailure('malformed', `${where}${worst?.message.trim() ?? 'the document is no XML'}`)
  } finally {
    xml.error.storage.free(log)
    xml.xmlFreeParserCtxt(context)
  }
}

/** An XPath 1.0 expression with its prefixes; compiled when it is first used, freed when nobody holds it. */
export class XPath {
  readonly expression: string
  /** URI by prefix. */
  readonly namespaces: Readonly<Record<string, string>>
  #compiled = 0

  constructor(expression: string, namespaces: Readonly<Record<string, string>> = {}) {
    this.expression = expression
    this.namespaces = namespaces
  }

  /** The compiled form in libxml2's memory; 0 when it is no XPath. */
  compiled(xml: Lib, context: number): number {
    if (this.#compiled === 0) {
      this.#compiled = xml.xmlXPathCtxtCompile(context, this.expression)
      if (this.#compiled !== 0) expressions.register(this, this.#compiled)
    }
    return this.#compiled
  }
}

const expressions = new FinalizationRegistry<number>((pointer) => lib?.xmlXPathFreeCompExpr(pointer))

/** A parsed document, alive only inside `withDocument`. */
export class XmlDocument {
  /** Of the document as it came. */
  readonly bytes: number
  /** No fewer than there are elements and attributes: each has a `<` or a `=` of its own. */
  readonly nodesMax: number
  readonly #lib: Lib
  readonly #pointer: number

  constructor(xml: Lib, pointer: number, source: Uint8Array) {
    this.#lib = xml
    this.#pointer = pointer
    this.bytes = source.length
    this.nodesMax = count(source, 0x3c) + count(source, 0x3d)
  }

  /**
   * What the expression gives: a number, a boolean, a text, or of nodes the text of the first one in document order; null
   * when there is no node. Stops after `operationsMax` of libxml2's operations (about one for each node visited).
   */
  text(xpath: XPath, operationsMax: number): string | number | boolean | null | XmlFailure {
    const xml = this.#lib
    return this.#evaluate(xpath, operationsMax, (result, nodes) => {
      switch (xml.XmlXPathObjectStruct.type(result)) {
        case xml.XmlXPathObjectStruct.Type.XPATH_NUMBER:
          return xml.XmlXPathObjectStruct.floatval(result)
        case xml.XmlXPathObjectStruct.Type.XPATH_BOOLEAN:
          return xml.XmlXPathObjectStruct.boolval(result) !== 0
        case xml.XmlXPathObjectStruct.Type.XPATH_STRING:
          return xml.XmlXPathObjectStruct.stringval(result)
        default:
          return nodes.length === 0 ? null : xml.xmlNodeGetContent(nodes[0]!)
      }
    })
  }

  /**
   * The nodes as XML, one behind the other: elements with the namespaces they use, text escaped, attributes as their
   * value. Null when there is none, or when the result is not made of nodes.
   */
  markup(xpath: XPath, operationsMax: number): string | null | XmlFailure {
    return this.#evaluate(xpath, operationsMax, (_, nodes) => {
      if (nodes.length > MARKUP_NODES_MAX) return new XmlFailure('limit', `more than ${MARKUP_NODES_MAX} nodes`)
      let text = ''
      for (const node of nodes) {
        text += this.#print(node)
        if (text.length > MARKUP_CHARS_MAX) return new XmlFailure('limit', 'the nodes make too long a text')
      }
      return nodes.length === 0 ? null : text
    })
  }

  /** Puts a text in the place of what is in each node that the expression finds; gives how many there were. `was`: hears what that was. */
  replace(xpath: XPath, text: string, operationsMax: number, was?: (content: string) => void): number | XmlFailure {
    const xml = this.#lib
    return this.#evaluate(xpath, operationsMax, (_, nodes) => {
      // From the last to the first: what is in a node is freed with its old content.
      for (let i = nodes.length - 1; i >= 0; i--) {
        if (xml.XmlNodeStruct.type(nodes[i]!) === NAMESPACE) continue
        was?.(xml.xmlNodeGetContent(nodes[i]!) ?? '')
        xml.xmlNodeSetContent(nodes[i]!, text)
      }
      return nodes.length
    })
  }

  /** The whole document as text, without declaration. */
  print(): string {
    return save(this.#lib, this.#lib.xmlDocGetRootElement(this.#pointer))
  }

  #evaluate<T>(xpath: XPath, operationsMax: number, use: (result: number, nodes: Int32Array) => T): T | XmlFailure {
    const xml = this.#lib
    const context = xml.xmlXPathNewContext(this.#pointer)
    const log = xml.error.storage.allocate([])
    let result = 0
    try {
      prepareContext(xml, context, log, operationsMax)
      const compiled = xpath.compiled(xml, context)
      if (compiled === 0) return new XmlFailure('xpath', `${xpath.expression} is no XPath 1.0 expression`)
      for (const prefix of Object.keys(xpath.namespaces)) {
        xml.xmlXPathRegisterNs(context, prefix, xpath.namespaces[prefix]!)
      }
      xml.xmlXPathSetContextNode(xml.xmlDocGetRootElement(this.#pointer), context)
      result = xml.xmlXPathCompiledEval(compiled, context)
      if (result === 0) return evaluationFailure(xml.error.storage.get(log)[0]?.message ?? 'it cannot be evaluated')
      return use(result, nodesOf(xml, result))
    } finally {
      if (result !== 0) xml.xmlXPathFreeObject(result)
      xml.error.storage.free(log)
      xml.xmlXPathFreeContext(context)
    }
  }

  #print(node: number): string {
    const xml = this.#lib
    switch (xml.XmlNodeStruct.type(node)) {
      case ELEMENT:
        return withNamespaces(xml, this.#pointer, node, save(xml, node))
      case DOCUMENT:
        return save(xml, xml.xmlDocGetRootElement(this.#pointer))
      case TEXT:
        return escapeXml(xml.xmlNodeGetContent(node))
      case ATTRIBUTE:
      case NAMESPACE:
        return xml.xmlNodeGetContent(node)
      default:
        return save(xml, node)
    }
  }
}

const ELEMENT = 1
const ATTRIBUTE = 2
const TEXT = 3
const DOCUMENT = 9
const NAMESPACE = 18

// Places in libxml2's xmlXPathContext (32-bit): what last() and position() give at the top, who hears of errors, and the
// limit of operations. The wrapper has no function for them; `load` refuses a build in which they have moved.
const CONTEXT_SIZE = 68 >> 2
const CONTEXT_POSITION = 72 >> 2
const USER_DATA = 128 >> 2
const ERROR_HANDLER = 132 >> 2
const OPERATIONS_MAX = 204 >> 2

function prepareContext(xml: Lib, context: number, log: number, operationsMax: number): void {
  // The node table of anything is a view of the whole memory, and `buffer` is where that is now.
  const memory = new Int32Array(xml.XmlNodeSetStruct.nodeTable(context, 0).buffer, context, OPERATIONS_MAX + 1)
  memory[CONTEXT_SIZE] = 1
  memory[CONTEXT_POSITION] = 1
  memory[USER_DATA] = log
  memory[ERROR_HANDLER] = xml.error.errorCollector
  memory[OPERATIONS_MAX] = operationsMax
}

function nodesOf(xml: Lib, result: number): Int32Array {
  if (xml.XmlXPathObjectStruct.type(result) !== xml.XmlXPathObjectStruct.Type.XPATH_NODESET) return NO_NODES
  const set = xml.XmlXPathObjectStruct.nodesetval(result)
  if (set === 0) return NO_NODES
  // A copy: a view would be lost when printing makes the memory grow.
  return xml.XmlNodeSetStruct.nodeTable(set, xml.XmlNodeSetStruct.nodeCount(set)).slice()
}

const NO_NODES = new Int32Array(0)

function evaluationFailure(message: string): XmlFailure {
  const kind = /limit exceeded|recursion/i.test(message) ? 'limit' : 'xpath'
  return new XmlFailure(kind, message.trim())
}

function save(xml: Lib, node: number): string {
  const output = new utils!.XmlStringOutputBufferHandler()
  const context = xml.xmlSaveToIO(output, 'utf-8', xml.xmlSaveOption({ format: false, noDeclaration: true }))
  xml.xmlSaveTree(context, node)
  xml.xmlSaveClose(context)
  return output.result
}

/** Puts the namespaces that an element inherits into its tag, so that the fragment can be parsed again. */
function withNamespaces(xml: Lib, document: number, element: number, markup: string): string {
  const own = new Set<string>()
  for (let ns = xml.XmlNodeStruct.nsDef(element); ns !== 0; ns = xml.XmlNsStruct.next(ns)) {
    own.add(xml.XmlNsStruct.prefix(ns))
  }
  let added = ''
  for (const ns of xml.xmlGetNsList(document, element)) {
    const prefix = xml.XmlNsStruct.prefix(ns)
    const uri = xml.XmlNsStruct.href(ns)
    if (own.has(prefix) || uri === '' || (prefix !== '' && !markup.includes(`${prefix}:`))) continue
    added += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeXml(uri)}"`
  }
  if (added === '') return markup
  const nameEnd = /[\s/>]/.exec(markup)?.index ?? markup.length
  return markup.slice(0, nameEnd) + added + markup.slice(nameEnd)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function count(source: Uint8Array, byte: number): number {
  let found = 0
  for (let at = source.indexOf(byte); at >= 0; at = source.indexOf(byte, at + 1)) found++
  return found
}
