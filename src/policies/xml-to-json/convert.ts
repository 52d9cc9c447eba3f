import type { XmlNode } from '../../engine/payload/xml-tree.ts'
import type { ArrayPath, Options } from './config.ts'

/** TreatAsArray as a tree, so that looking one name up costs the same at every depth. */
interface PathNode {
  readonly children: Map<string, PathNode>
  array: boolean
  unwrap: boolean
}

/** Properties by name in the order of their first value; each value is JSON text already. */
type Properties = Map<string, string[]>

/** Makes the function that writes a tree as JSON text. Depth is the reader's to bound. */
export function compileConvert(options: Options): (root: XmlNode) => string {
  const { stripLevels, outputPrefix, outputSuffix } = options
  const writer = new Writer(options)
  const paths = pathTree(options.arrays)
  return (root) => outputPrefix + writer.document(root, paths, stripLevels) + outputSuffix
}

function pathTree(arrays: readonly ArrayPath[]): PathNode {
  const root: PathNode = { children: new Map(), array: false, unwrap: false }
  for (const { path, unwrap } of arrays) {
    let node = root
    for (const name of path) {
      const next = node.children.get(name) ?? { children: new Map(), array: false, unwrap: false }
      node.children.set(name, next)
      node = next
    }
    node.array = true
    node.unwrap ||= unwrap
  }
  return root
}

class Writer {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** StripLevels takes levels away as long as each holds one element: nothing is lost. */
  document(root: XmlNode, paths: PathNode, stripLevels: number): string {
    let node = root
    let path = paths.children.get(this.#name(root))
    let left = stripLevels
    for (; left > 1; left--) {
      const only = onlyElement(node)
      if (only === null) break
      node = only
      path = path?.children.get(this.#name(only))
    }
    const value = this.#element(node, path)
    if (left > 0) return value
    return `{${JSON.stringify(this.#name(node))}:${path?.array === true ? `[${value}]` : value}}`
  }

  #element(node: XmlNode, path: PathNode | undefined): string {
    const { textName, textAlways } = this.#options
    const properties: Properties = new Map()
    this.#attributes(node, properties)
    const hasAttributes = properties.size > 0
    let elements = 0
    for (const part of node.content) {
      if (typeof part !== 'string') {
        elements++
        const name = this.#name(part)
        add(properties, name, this.#element(part, path?.children.get(name)))
      } else {
        const text = part.trim()
        if (text !== '') add(properties, textName, this.#scalar(text))
      }
    }
    if (properties.size === 0) return this.#empty()
    if (elements === 0 && !hasAttributes && !textAlways) return properties.get(textName)![0]!
    return written(properties, path)
  }

  #empty(): string {
    const { recognizeNull, nullValue } = this.#options
    if (!recognizeNull) return '{}'
    return nullValue === null ? 'null' : JSON.stringify(nullValue)
  }

  #attributes(node: XmlNode, properties: Properties): void {
    const { namespaceBlock, defaultNamespace, attributeBlock, attributePrefix } = this.#options
    const namespaces: Properties = new Map()
    const attributes: Properties = attributeBlock === null ? properties : new Map()
    const plain: (readonly [string, string])[] = []
    for (const [name, value] of node.attributes) {
      if (name === 'xmlns') add(namespaces, defaultNamespace, JSON.stringify(value))
      else if (name.startsWith('xmlns:')) add(namespaces, name.slice('xmlns:'.length), JSON.stringify(value))
      else plain.push([name, value])
    }
    if (namespaceBlock !== null && namespaces.size > 0) add(properties, namespaceBlock, written(namespaces, undefined))
    for (const [name, value] of plain) {
      const colon = name.indexOf(':')
      const known = colon < 0 ? name : this.#qualified(name.slice(0, colon), name.slice(colon + 1))
      add(attributes, attributePrefix + known, this.#scalar(value))
    }
    if (attributeBlock !== null && attributes.size > 0) add(properties, attributeBlock, written(attributes, undefined))
  }

  #name(node: XmlNode): string {
    return node.prefix === '' ? node.local : this.#qualified(node.prefix, node.local)
  }

  #qualified(prefix: string, local: string): string {
    const { namespaceSeparator } = this.#options
    return namespaceSeparator === null ? local : prefix + namespaceSeparator + local
  }

  /** Numbers as they were written, so that no digit is lost. */
  #scalar(text: string): string {
    const { recognizeNumber, recognizeBoolean } = this.#options
    if (recognizeNumber && NUMBER.test(text)) return text
    if (recognizeBoolean && (text === 'true' || text === 'false')) return text
    return JSON.stringify(text)
  }
}

/** A number of JSON. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function onlyElement(node: XmlNode): XmlNode | null {
  const elements = node.content.filter((part) => typeof part !== 'string')
  const hasText = node.content.some((part) => typeof part === 'string' && part.trim() !== '')
  return elements.length === 1 && !hasText ? elements[0]! : null
}

function add(properties: Properties, name: string, value: string): void {
  const values = properties.get(name)
  if (values === undefined) properties.set(name, [value])
  else values.push(value)
}

function written(properties: Properties, path: PathNode | undefined): string {
  let text = ''
  for (const [name, values] of properties) {
    const at = path?.children.get(name)
    const isArray = values.length > 1 || at?.array === true
    const value = isArray ? `[${values.join(',')}]` : values[0]!
    if (at?.unwrap === true && properties.size === 1) return value
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${value}`
  }
  return `{${text}}`
}
