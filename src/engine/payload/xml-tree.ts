import { SaxesParser, type SaxesTagNS } from 'saxes'
import { XML_BYTES_MAX } from '../../core/xml-document.ts'

/** An element of a payload as plain data: for policies that read all of it, where a libxml2 document would only be copied. */
export interface XmlNode {
  readonly prefix: string
  readonly local: string
  /** By name as written, namespace declarations included. */
  readonly attributes: ReadonlyMap<string, string>
  /** Text (CDATA included, never two texts in a row) and elements in order. */
  readonly content: (string | XmlNode)[]
}

/** Why a text gave no tree: one line. */
export class XmlTreeFailure {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** The same limit as libxml2's own. */
const DEPTH_MAX = 256

/**
 * Reads a document whole, in linear time. Refused: more than `XML_BYTES_MAX`, any DTD, nesting beyond 256, undeclared
 * prefixes, what is not well-formed. Bytes are read in the encoding they declare, UTF-8 otherwise.
 */
export function readXmlTree(source: string | Uint8Array): XmlNode | XmlTreeFailure {
  if (source.length > XML_BYTES_MAX) return new XmlTreeFailure(`the document is larger than ${XML_BYTES_MAX} bytes`)
  const text = typeof source === 'string' ? source.replace(/^\ufeff/, '') : decode(source)
  if (text === null) return new XmlTreeFailure('the document is not in the encoding that it declares')
  if (text.trim() === '') return new XmlTreeFailure('the document is empty')
  try {
    return build(text)
  } catch (error) {
    if (error instanceof XmlTreeFailure) return error
    throw error
  }
}

function decode(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  const declared = /^<\?xml\s[^>]*?encoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(declared, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Throws an XmlTreeFailure: the parser knows no other way to be stopped. */
function build(text: string): XmlNode {
  const parser = new SaxesParser({ xmlns: true, position: true })
  const open: XmlNode[] = []
  let root: XmlNode | null = null
  const stop = (message: string): never => {
    throw new XmlTreeFailure(message)
  }
  const characters = (piece: string): void => {
    const content = open.at(-1)?.content
    if (content === undefined) return
    const last = content.at(-1)
    if (typeof last === 'string') content[content.length - 1] = last + piece
    else content.push(piece)
  }
  parser.on('error', (error) => stop(error.message.replace(/\.$/, '')))
  parser.on('doctype', () => stop('the document has a DTD (<!DOCTYPE ...>), which is refused'))
  parser.on('opentag', (tag) => {
    if (open.length >= DEPTH_MAX) stop(`elements are nested more than ${DEPTH_MAX} deep`)
    const node = nodeOf(tag)
    open.at(-1)?.content.push(node)
    root ??= node
    open.push(node)
  })
  parser.on('closetag', () => open.pop())
  parser.on('text', characters)
  parser.on('cdata', characters)
  parser.write(text).close()
  return root ?? stop('the document has no element')
}

function nodeOf(tag: SaxesTagNS): XmlNode {
  const attributes = new Map<string, string>()
  for (const name of Object.keys(tag.attributes)) attributes.set(name, tag.attributes[name]!.value)
  return { prefix: tag.prefix, local: tag.local, attributes, content: [] }
}
