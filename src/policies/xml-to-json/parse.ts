import { CONVERSION_CHILDREN, parseConversion } from '../../engine/conversion.ts'
import { booleanAttribute, booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'
import { type ArrayPath, type Config, DEFAULTS, FORMATS, type Options } from './config.ts'

const OWN_CHILDREN = [...CONVERSION_CHILDREN, 'Options', 'Format']
const OPTIONS = [
  'RecognizeNumber',
  'RecognizeBoolean',
  'RecognizeNull',
  'NullValue',
  'NamespaceBlockName',
  'DefaultNamespaceNodeName',
  'NamespaceSeparator',
  'TextAlwaysAsProperty',
  'TextNodeName',
  'AttributeBlockName',
  'AttributePrefix',
  'OutputPrefix',
  'OutputSuffix',
  'StripLevels',
  'TreatAsArray',
]

/** Reads the policy. It needs Options (which may be empty) or Format; Edge's samples have an empty Options beside Format. */
export function parse(xml: XmlElement, problems: Problems): Config {
  const known = [...OWN_CHILDREN, ...COMMON_CHILDREN]
  for (const child of xml.children) if (!known.includes(child.name)) warnUnknown(child, xml, known, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  return { ...parseConversion(xml), options: parseStyle(xml, problems) }
}

function parseStyle(xml: XmlElement, problems: Problems): Options {
  const options = childOf(xml, 'Options')
  const format = textOf(xml, 'Format')
  if (format === undefined) {
    if (options !== undefined) return parseOptions(options, problems)
    problems.error('EitherOptionOrFormat', xml.at, 'XMLToJSON needs <Options> (may be empty) or <Format>')
    return DEFAULTS
  }
  if (options !== undefined && options.children.length > 0) {
    problems.error('EitherOptionOrFormat', options.at, 'a policy has <Options> or <Format>, not both')
  }
  if (Object.hasOwn(FORMATS, format)) return FORMATS[format]!
  const formats = Object.keys(FORMATS).join(', ')
  problems.error('UnknownFormat', childOf(xml, 'Format')!.at, `${format} is no format; there are ${formats}`)
  return DEFAULTS
}

function parseOptions(xml: XmlElement, problems: Problems): Options {
  for (const child of xml.children) if (!OPTIONS.includes(child.name)) warnUnknown(child, xml, OPTIONS, problems)
  warnRepeated(xml, OPTIONS, problems)
  const text = (name: string): string => textOf(xml, name) ?? ''
  return {
    recognizeNumber: booleanOf(xml, 'RecognizeNumber', false, problems),
    recognizeBoolean: booleanOf(xml, 'RecognizeBoolean', false, problems),
    recognizeNull: booleanOf(xml, 'RecognizeNull', false, problems),
    nullValue: textOf(xml, 'NullValue') ?? null,
    namespaceSeparator: textOf(xml, 'NamespaceSeparator') ?? null,
    namespaceBlock: textOf(xml, 'NamespaceBlockName') ?? null,
    defaultNamespace: textOf(xml, 'DefaultNamespaceNodeName') ?? DEFAULTS.defaultNamespace,
    textAlways: booleanOf(xml, 'TextAlwaysAsProperty', false, problems),
    textName: textOf(xml, 'TextNodeName') ?? DEFAULTS.textName,
    attributeBlock: textOf(xml, 'AttributeBlockName') ?? null,
    attributePrefix: text('AttributePrefix'),
    outputPrefix: text('OutputPrefix'),
    outputSuffix: text('OutputSuffix'),
    stripLevels: parseLevels(xml, problems),
    arrays: parseArrays(childOf(xml, 'TreatAsArray'), problems),
  }
}

function parseLevels(xml: XmlElement, problems: Problems): number {
  const text = textOf(xml, 'StripLevels') ?? '0'
  if (/^\d{1,3}$/.test(text)) return Number(text)
  problems.error(
    'InvalidStripLevels',
    childOf(xml, 'StripLevels')!.at,
    `StripLevels is a number of levels, not ${text}`,
  )
  return 0
}

function parseArrays(xml: XmlElement | undefined, problems: Problems): ArrayPath[] {
  const arrays: ArrayPath[] = []
  for (const child of xml?.children ?? []) {
    if (child.name !== 'Path') {
      warnUnknown(child, xml!, ['Path'], problems)
      continue
    }
    const path = child.text.trim().split('/')
    if (path.every((name) => name !== '')) {
      arrays.push({ path, unwrap: booleanAttribute(child, 'unwrap', false, problems) })
    } else problems.error('InvalidPath', child.at, 'a <Path> is names with / between them, such as teachers/teacher')
  }
  return arrays
}
