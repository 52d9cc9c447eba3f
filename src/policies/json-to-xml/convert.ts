import { ConversionFailure } from '../../engine/conversion.ts'
import {
  isJsonArray,
  isJsonObject,
  isRawNumber,
  type Json,
  type JsonObject,
  TEXT_CHARS_MAX,
} from '../../engine/payload/json-text.ts'
import { NOT_XML, type Options, XML_NAME } from './config.ts'

/** Like the XML that is read: 256 levels. */
const DEPTH_MAX = 256
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

/** Writes a JSON value as an XML document; why it cannot where it cannot. The text is bounded: names repeat in arrays. */
export function toXml(value: Json, options: Options): string | ConversionFailure {
  try {
    return new Writer(options).document(value)
  } catch (error) {
    if (error instanceof ConversionFailure) return error
    throw error
  }
}

/** A start tag in the making, and what follows it. */
interface Parts {
  readonly attributes: Map<string, string>
  text: string
  /** Element name, value, ... */
  readonly elements: (readonly [string, Json])[]
}

/** Throws a ConversionFailure, out of whatever depth it has reached. */
class Writer {
  readonly #options: Options
  #text: string

  constructor(options: Options) {
    this.#options = options
    this.#text = options.omitDeclaration ? '' : DECLARATION
  }

  document(value: Json): string {
    if (isJsonArray(value)) {
      this.#items(this.#options.arrayRoot, value, 0)
    } else if (isJsonObject(value)) {
      const parts = this.#parts(value)
      const only = parts.elements.length === 1 && parts.text === '' && parts.attributes.size === 0
      const [name, first] = parts.elements[0] ?? ['', null]
      if (only && !isJsonArray(first)) this.#element(name, first, 0)
      else this.#write(this.#options.objectRoot, parts, 0)
    } else throw new ConversionFailure('the payload is neither a JSON object nor an array')
    return this.#text
  }

  /** An array that has no property name of its own. */
  #items(name: string, items: readonly Json[], depth: number): void {
    const elements = items.map((item) => [this.#options.arrayItem, item] as const)
    this.#write(name, { attributes: new Map(), text: '', elements }, depth)
  }

  #element(name: string, value: Json, depth: number): void {
    if (isJsonArray(value)) this.#items(name, value, depth)
    else if (isJsonObject(value)) this.#write(name, this.#parts(value), depth)
    else this.#write(name, { attributes: new Map(), text: this.#scalar(value), elements: [] }, depth)
  }

  #write(name: string, { attributes, text, elements }: Parts, depth: number): void {
    if (depth >= DEPTH_MAX) throw new ConversionFailure(`the payload is nested more than ${DEPTH_MAX} deep`)
    this.#line(depth)
    let tag = `<${name}`
    for (const [attribute, value] of attributes) tag += ` ${attribute}="${value}"`
    if (text === '' && elements.length === 0) return this.#append(`${tag}/>`)
    this.#append(`${tag}>${text}`)
    for (const [child, value] of elements) this.#element(child, value, depth + 1)
    if (elements.length > 0) this.#line(depth)
    this.#append(`</${name}>`)
  }

  #parts(object: JsonObject): Parts {
    const { namespaceBlock, attributeBlock, attributePrefix, textName } = this.#options
    const parts: Parts = { attributes: new Map(), text: '', elements: [] }
    for (const key of Object.keys(object)) {
      const value = object[key]!
      if (key === namespaceBlock && isJsonObject(value)) this.#namespaces(value, parts)
      else if (key === attributeBlock && isJsonObject(value)) {
        for (const name of Object.keys(value)) this.#attribute(this.#name(name), value[name]!, parts)
      } else if (key === textName && isText(value)) {
        for (const piece of isJsonArray(value) ? value : [value]) parts.text += this.#scalar(piece)
      } else if (key.startsWith(attributePrefix) && key !== attributePrefix && isScalar(value)) {
        this.#attribute(this.#name(key.slice(attributePrefix.length)), value, parts)
      } else {
        const name = this.#name(key)
        if (isJsonArray(value)) for (const item of value) parts.elements.push([name, item])
        else parts.elements.push([name, value])
      }
    }
    return parts
  }

  #namespaces(block: JsonObject, parts: Parts): void {
    for (const prefix of Object.keys(block)) {
      const name = prefix === this.#options.defaultNamespace ? 'xmlns' : `xmlns:${this.#name(prefix)}`
      this.#attribute(name, block[prefix]!, parts)
    }
  }

  #attribute(name: string, value: Json, parts: Parts): void {
    if (!isScalar(value)) throw new ConversionFailure(`the attribute ${name.slice(0, 100)} is no single value`)
    if (parts.attributes.has(name)) throw new ConversionFailure(`the attribute ${name.slice(0, 100)} occurs twice`)
    parts.attributes.set(
      name,
      this.#scalar(value)
        .replaceAll('"', '&quot;')
        .replace(/[\t\n]/g, reference),
    )
  }

  /** The name of an element or attribute; runs of characters that it cannot have become one replacement. */
  #name(key: string): string {
    const { namespaceSeparator, invalidChars } = this.#options
    const name = namespaceSeparator === ':' ? key : key.replaceAll(namespaceSeparator, ':')
    if (XML_NAME.test(name)) return name
    if (invalidChars !== null) {
      const mended = name.replace(NOT_IN_NAME, invalidChars).replace(/^[\d.\u00b7-]+/, invalidChars)
      if (XML_NAME.test(mended)) return mended
    }
    throw new ConversionFailure(`${JSON.stringify(key.slice(0, 100))} is no name of an XML element`)
  }

  /** Escaped. */
  #scalar(value: Json): string {
    if (value === null) return escapeText(this.#options.nullValue)
    if (typeof value !== 'string') return isRawNumber(value) ? value.rawJSON : String(value)
    const clean = value.replace(NOT_XML, () => {
      if (this.#options.invalidChars !== null) return this.#options.invalidChars
      throw new ConversionFailure('a text has characters that XML cannot have; InvalidCharsReplacement replaces them')
    })
    return escapeText(clean)
  }

  #line(depth: number): void {
    if (this.#options.indent && this.#text !== '') this.#append(`\n${'  '.repeat(depth)}`)
  }

  #append(text: string): void {
    this.#text += text
    if (this.#text.length > TEXT_CHARS_MAX) throw new ConversionFailure('the document becomes too large')
  }
}

const NOT_IN_NAME = /[^\p{L}\p{M}\p{N}_.:\u00b7-]+/gu

const isScalar = (value: Json): boolean => !isJsonArray(value) && !isJsonObject(value)
const isText = (value: Json): boolean => (isJsonArray(value) ? value.every(isScalar) : isScalar(value))
const reference = (character: string): string => `&#${character.charCodeAt(0)};`

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;')
}
