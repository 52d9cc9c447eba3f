import { CONVERSION_CHILDREN, type ConversionConfig, parseConversion } from '../../engine/conversion.ts'
import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

/** How JSON becomes XML. */
export interface Options {
  readonly omitDeclaration: boolean
  readonly indent: boolean
  /** What a null is as text. */
  readonly nullValue: string
  /** The property that declares namespaces by prefix. */
  readonly namespaceBlock: string
  readonly defaultNamespace: string
  /** Between prefix and name in property names. */
  readonly namespaceSeparator: string
  readonly textName: string
  /** The property that holds attributes. */
  readonly attributeBlock: string
  /** A property whose name begins so is an attribute. */
  readonly attributePrefix: string
  readonly objectRoot: string
  readonly arrayRoot: string
  readonly arrayItem: string
  /** In place of characters that XML cannot have; null: such a payload cannot be converted. */
  readonly invalidChars: string | null
}

export interface Config extends ConversionConfig {
  readonly options: Options
}

const BOOLEANS = ['OmitXmlDeclaration', 'Indent']
const NAMES = ['ObjectRootElementName', 'ArrayRootElementName', 'ArrayItemElementName']
const TEXTS = [
  'NullValue',
  'NamespaceBlockName',
  'DefaultNamespaceNodeName',
  'NamespaceSeparator',
  'TextNodeName',
  'AttributeBlockName',
  'AttributePrefix',
  'InvalidCharsReplacement',
]
const OPTIONS = [...BOOLEANS, ...NAMES, ...TEXTS]
const OWN_CHILDREN = [...CONVERSION_CHILDREN, 'Options']

/** A name with at most one prefix. */
export const XML_NAME: RegExp = /^[\p{L}_][\p{L}\p{M}\p{N}_.\u00b7-]*(?::[\p{L}_][\p{L}\p{M}\p{N}_.\u00b7-]*)?$/u
/** Characters that no XML document can hold, not even escaped. */
export const NOT_XML: RegExp = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]+/gu

export function parse(xml: XmlElement, problems: Problems): Config {
  const known = [...OWN_CHILDREN, ...COMMON_CHILDREN]
  for (const child of xml.children) if (!known.includes(child.name)) warnUnknown(child, xml, known, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const options = childOf(xml, 'Options') ?? NOTHING
  for (const child of options.children)
    if (!OPTIONS.includes(child.name)) warnUnknown(child, options, OPTIONS, problems)
  warnRepeated(options, OPTIONS, problems)
  return { ...parseConversion(xml), options: parseOptions(options, problems) }
}

function parseOptions(xml: XmlElement, problems: Problems): Options {
  const text = (name: string, otherwise: string): string => textOf(xml, name) ?? otherwise
  const elementName = (name: string, otherwise: string): string => {
    const given = text(name, otherwise)
    if (XML_NAME.test(given)) return given
    problems.error('InvalidElementName', childOf(xml, name)!.at, `${given} in <${name}> is no name of an XML element`)
    return otherwise
  }
  return {
    omitDeclaration: booleanOf(xml, 'OmitXmlDeclaration', false, problems),
    indent: booleanOf(xml, 'Indent', false, problems),
    nullValue: text('NullValue', 'NULL'),
    namespaceBlock: text('NamespaceBlockName', '#namespaces'),
    defaultNamespace: text('DefaultNamespaceNodeName', '$default'),
    namespaceSeparator: text('NamespaceSeparator', ':'),
    textName: text('TextNodeName', '#text'),
    attributeBlock: text('AttributeBlockName', '#attrs'),
    attributePrefix: text('AttributePrefix', '@'),
    objectRoot: elementName('ObjectRootElementName', 'Root'),
    arrayRoot: elementName('ArrayRootElementName', 'Array'),
    arrayItem: elementName('ArrayItemElementName', 'Item'),
    invalidChars: parseReplacement(xml, problems),
  }
}

function parseReplacement(xml: XmlElement, problems: Problems): string | null {
  const text = textOf(xml, 'InvalidCharsReplacement')
  if (text === undefined) return null
  if (XML_NAME.test(`a${text}`) && !text.includes(':')) return text
  const { at } = childOf(xml, 'InvalidCharsReplacement')!
  problems.error('InvalidCharsReplacement', at, `${text} cannot stand in the name of an XML element; _ can`)
  return null
}

const NOWHERE = { file: '', line: 1, column: 1 }
const NOTHING: XmlElement = {
  name: 'Options',
  attributes: {},
  children: [],
  text: '',
  content: '',
  at: NOWHERE,
  textAt: NOWHERE,
}
