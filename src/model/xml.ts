import type { Position } from './source.ts'

/** An XML element of a bundle, plain data with positions. Lives between a reader and a policy's `parse`, never longer. */
export interface XmlElement {
  /** Local name as written. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** All character data directly inside, entities decoded, CDATA included, untrimmed. */
  readonly text: string
  /**
   * What a payload means: without child elements, the same as `text`; with them, the source text between the tags, to the
   * letter (so that `<Payload><a>{b}</a></Payload>` keeps its markup).
   */
  readonly content: string
  readonly at: Position
  /** Where `text` begins. */
  readonly textAt: Position
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name)
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** The trimmed text of a child element; undefined when it is absent or empty (an empty element counts as absent). */
export function textOf(element: XmlElement, name: string): string | undefined {
  const text = childOf(element, name)?.text.trim()
  return text === undefined || text === '' ? undefined : text
}

/** No attribute, no child, no text: Edge's own editor writes such elements, and they count as absent. */
export function isEmptyElement(element: XmlElement): boolean {
  return element.children.length === 0 && element.text.trim() === '' && Object.keys(element.attributes).length === 0
}
