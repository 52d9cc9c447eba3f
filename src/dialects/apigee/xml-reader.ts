import { SaxesParser } from 'saxes'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import type { XmlElement } from '../../model/xml.ts'
import { decodeText } from './text.ts'

interface XmlLimits {
  readonly charactersMax: number
  readonly elementsMax: number
  readonly depthMax: number
  readonly attributesMax: number
}

/** Far above any real policy or endpoint file, far below what hurts. */
export const xmlLimits: XmlLimits = {
  charactersMax: 4 * 1024 * 1024,
  elementsMax: 50_000,
  depthMax: 100,
  attributesMax: 100,
}

interface Building {
  name: string
  attributes: Record<string, string>
  children: XmlElement[]
  text: string[]
  at: Position
  textStart: number
  contentStart: number
}

/** Ends a parse at the first thing that is wrong: what follows would only be its echo. */
class XmlStop extends Error {}

/**
 * Reads one XML file of a bundle. Tolerates what real bundles have: a byte order mark, Windows line ends, comments before
 * the XML declaration, text after the root. Refuses any DTD. Null after an error, which is then in `problems`.
 */
export function readXml(source: Uint8Array | string, file: string, problems: Problems): XmlElement | null {
  const text = typeof source === 'string' ? source : decodeText(source, file, problems)
  if (text === null) return null
  if (text.length > xmlLimits.charactersMax) {
    const at = { file, line: 1, column: 1 }
    problems.error('FileTooLarge', at, `${text.length} characters of XML; the limit is ${xmlLimits.charactersMax}`)
    return null
  }
  return new XmlReading(prepare(text), file, problems).run()
}

/** Line ends as XML has them, and the declaration blanked out wherever it stands, with all positions kept. */
function prepare(text: string): string {
  const unixText = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')
  const declaration = /<\?xml\s[^>]{0,500}\?>/.exec(unixText)
  if (declaration === null) return unixText
  // Only white space and comments may precede it; a declaration inside a comment or a payload is not one.
  if (!isBlankOrComments(unixText.slice(0, declaration.index))) return unixText
  const blank = declaration[0].replace(/[^\n]/g, ' ')
  return unixText.slice(0, declaration.index) + blank + unixText.slice(declaration.index + blank.length)
}

function isBlankOrComments(text: string): boolean {
  let from = 0
  for (;;) {
    const start = text.indexOf('<!--', from)
    if (start === -1) return text.slice(from).trim() === ''
    const end = text.indexOf('-->', start + 4)
    if (end === -1 || text.slice(from, start).trim() !== '') return false
    from = end + 3
  }
}

class XmlReading {
  readonly #text: string
  readonly #file: string
  readonly #problems: Problems
  readonly #lineStarts: number[] = [0]
  readonly #open: Building[] = []
  #elements = 0
  #root: XmlElement | null = null
  #strayReported = false
  /** Where the last tag, comment or section ended: there the next text begins. */
  #markupEnd = 0

  constructor(text: string, file: string, problems: Problems) {
    this.#text = text
    this.#file = file
    this.#problems = problems
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) this.#lineStarts.push(i + 1)
  }

  run(): XmlElement | null {
    const parser = new SaxesParser({ xmlns: false, position: false, fragment: true })
    parser.on('error', (error) => this.#fail(parser, error.message))
    parser.on('opentagstart', (tag) => this.#openStart(tag.name, parser.position))
    parser.on('opentag', (tag) => this.#openEnd(tag.attributes, parser.position))
    parser.on('closetag', (tag) => this.#close(tag.isSelfClosing, parser.position))
    parser.on('text', (text) => this.#characters(text, this.#markupEnd))
    parser.on('cdata', (text) => this.#cdata(text, parser.position))
    // Reported before its last `>` is read.
    parser.on('comment', () => this.#pass(parser.position + 1))
    parser.on('processinginstruction', () => this.#pass(parser.position))
    try {
      parser.write(this.#text).close()
    } catch (error) {
      if (error instanceof XmlStop) return null
      throw error
    }
    if (this.#root === null) {
      this.#problems.error('EmptyFile', this.#at(0), 'the file has no XML element')
    }
    return this.#root
  }

  #openStart(name: string, position: number): void {
    const start = this.#text.lastIndexOf('<', position - 1)
    if (this.#root !== null) this.#stop('SecondRoot', start, `a second root element, <${name}>; a file holds one`)
    if (++this.#elements > xmlLimits.elementsMax) {
      this.#stop('TooManyElements', start, `more than ${xmlLimits.elementsMax} elements`)
    }
    if (this.#open.length >= xmlLimits.depthMax) {
      this.#stop('TooDeep', start, `elements nested more than ${xmlLimits.depthMax} deep`)
    }
    const attributes: Record<string, string> = Object.create(null)
    this.#open.push({
      name,
      attributes,
      children: [],
      text: [],
      at: this.#at(start),
      textStart: -1,
      contentStart: position,
    })
  }

  #openEnd(attributes: Readonly<Record<string, string>>, position: number): void {
    const element = this.#open.at(-1)
    if (element === undefined) return
    const names = Object.keys(attributes)
    if (names.length > xmlLimits.attributesMax) this.#stop('TooManyAttributes', position - 1, `on <${element.name}>`)
    for (const name of names) element.attributes[name] = attributes[name] ?? ''
    element.contentStart = position
    this.#pass(position)
  }

  #close(isSelfClosing: boolean, position: number): void {
    const element = this.#open.pop()
    if (element === undefined) return
    if (!isSelfClosing) this.#checkEndTag(element, position)
    const text = element.text.join('')
    const end = isSelfClosing ? element.contentStart : this.#text.lastIndexOf('<', position - 1)
    const done: XmlElement = {
      name: element.name,
      attributes: element.attributes,
      children: element.children,
      text,
      content: element.children.length === 0 ? text : this.#text.slice(element.contentStart, end),
      at: element.at,
      textAt: this.#at(element.textStart === -1 ? element.contentStart : element.textStart),
    }
    const parent = this.#open.at(-1)
    if (parent === undefined) this.#root = done
    else parent.children.push(done)
    this.#pass(position)
  }

  /** Saxes reports a wrong end tag without the name that was expected. */
  #checkEndTag(element: Building, position: number): void {
    const start = this.#text.lastIndexOf('<', position - 1)
    const written = this.#text.slice(start + 2, position - 1).trim()
    if (written === element.name) return
    const opened = `<${element.name}> of line ${element.at.line}`
    this.#stop('NotWellFormed', start, `</${written}> found where </${element.name}> must close ${opened}`)
  }

  #characters(text: string, start: number): void {
    const element = this.#open.at(-1)
    if (element === undefined) this.#stray(text, start)
    else {
      if (element.textStart === -1) element.textStart = start
      element.text.push(text)
    }
  }

  #cdata(text: string, position: number): void {
    this.#characters(text, position - text.length - ']]>'.length)
    this.#pass(position)
  }

  #pass(position: number): void {
    this.#markupEnd = position
  }

  #stray(text: string, start: number): void {
    if (text.trim() === '') return
    const first = start + text.length - text.trimStart().length
    if (this.#root === null) this.#stop('NotXml', first, 'text before the first element; is this an XML file?')
    if (this.#strayReported) return
    this.#strayReported = true
    this.#problems.warn('StrayText', this.#at(first), 'text after the last closing tag has no meaning')
  }

  #fail(parser: { readonly position: number }, saxesMessage: string): never {
    const last = this.#open.at(-1)
    const index = Math.max(0, Math.min(parser.position, this.#text.length) - 1)
    const message = saxesMessage.replace(/\.$/, '')
    if (message.startsWith('unclosed tag') && last !== undefined) {
      this.#problems.error('NotWellFormed', last.at, `<${last.name}> is never closed`)
      throw new XmlStop()
    }
    if (message.startsWith('inappropriately located doctype')) {
      this.#stop('DoctypeNotAllowed', this.#text.lastIndexOf('<', index), DOCTYPE)
    }
    if (/^(unexpected close tag|unmatched closing tag)/.test(message)) {
      const start = this.#text.lastIndexOf('<', index)
      const written = this.#text.slice(start, index + 1)
      this.#stop('NotWellFormed', start, `${written} closes nothing that is open at this place`)
    }
    this.#stop('NotWellFormed', index, message)
  }

  #stop(code: string, index: number, message: string): never {
    this.#problems.error(code, this.#at(Math.max(0, index)), message)
    throw new XmlStop()
  }

  #at(index: number): Position {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= index) low = middle
      else high = middle - 1
    }
    return { file: this.#file, line: low + 1, column: index - (this.#lineStarts[low] ?? 0) + 1 }
  }
}

const DOCTYPE = 'a document type definition (DTD) is refused; delete <!DOCTYPE ...> and the entities it declares'
