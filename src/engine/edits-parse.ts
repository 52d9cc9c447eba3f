import { sourceTextOf } from '../model/http-connection.ts'
import { didYouMean } from '../model/nearest.ts'
import type { Problems } from '../model/problem.ts'
import type { SourceText } from '../model/source.ts'
import { childOf, childrenOf, isEmptyElement, textOf, type XmlElement } from '../model/xml.ts'
import {
  type Edit,
  FIELDS,
  type Field,
  type IndexedName,
  LISTS,
  type List,
  type NamedValue,
  type PayloadValue,
  type Selection,
  statusOf,
  type VariableEdit,
  type Write,
} from './edits-model.ts'
import { isHeaderName } from './headers.ts'

/** Children of any policy that the reader deals with, or that have no effect and are accepted. */
export const COMMON_CHILDREN: readonly string[] = ['DisplayName', 'Description', 'Properties', 'FaultRules']

const BLOCKS: Readonly<Record<string, (xml: XmlElement, problems: Problems) => Edit | null>> = {
  Copy: parseCopy,
  Remove: parseRemove,
  Add: (xml, problems) => parseWrites(xml, 'add', LISTS, problems),
  Set: (xml, problems) => parseWrites(xml, 'set', [...LISTS, ...FIELDS, 'Payload'], problems),
  AssignVariable: parseVariable,
}

/** The names of the blocks that `parseEdits` reads. */
export const EDIT_BLOCKS: readonly string[] = Object.keys(BLOCKS)

/**
 * Reads the Copy, Remove, Add, Set and AssignVariable children in document order. `others` are the children that the
 * caller reads itself; anything else is a warning. Empty elements count as absent.
 */
export function parseEdits(xml: XmlElement, problems: Problems, others: readonly string[] = COMMON_CHILDREN): Edit[] {
  const edits: Edit[] = []
  for (const child of xml.children) {
    const parse = Object.hasOwn(BLOCKS, child.name) ? BLOCKS[child.name] : undefined
    if (parse === undefined) {
      if (!others.includes(child.name)) warnUnknown(child, xml, [...EDIT_BLOCKS, ...others], problems)
      continue
    }
    const edit = parse(child, problems)
    if (edit !== null) edits.push(edit)
  }
  return edits
}

export function warnUnknown(child: XmlElement, parent: XmlElement, known: readonly string[], problems: Problems): void {
  const text = `<${child.name}> is not known in ${parent.name} and has no effect${didYouMean(child.name, known)}`
  problems.warn('UnknownElement', child.at, text)
}

/** Children that count once: a second one is a warning. */
export function warnRepeated(xml: XmlElement, names: readonly string[], problems: Problems): void {
  for (const name of names) {
    const second = childrenOf(xml, name)[1]
    if (second !== undefined) problems.warn('DuplicateElement', second.at, `a second <${name}> has no effect`)
  }
}

/** `true` or `false` of a child element, in any case; anything else is a warning and counts as the default. */
export function booleanOf(xml: XmlElement, name: string, otherwise: boolean, problems: Problems): boolean {
  const element = childOf(xml, name)
  return element === undefined ? otherwise : parseBoolean(element.text, otherwise, element, name, problems)
}

/** The same of an attribute. */
export function booleanAttribute(xml: XmlElement, name: string, otherwise: boolean, problems: Problems): boolean {
  return parseBoolean(xml.attributes[name] ?? '', otherwise, xml, name, problems)
}

function parseBoolean(text: string, otherwise: boolean, at: XmlElement, name: string, problems: Problems): boolean {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word !== '') problems.warn('InvalidBoolean', at.at, `${name} must be true or false; ${otherwise} is used`)
  return otherwise
}

function parseCopy(xml: XmlElement, problems: Problems): Edit | null {
  const source = xml.attributes['source']?.trim() ?? ''
  if (xml.children.length > 0) {
    const selections = parseSelections(xml, problems)
    return selections.length === 0 ? null : { edit: 'copy', source: source === '' ? null : source, selections }
  }
  if (source === '') {
    problems.warn('EmptyElement', xml.at, '<Copy> without source and without children copies nothing')
    return null
  }
  const lists: Selection[] = LISTS.map((list) => ({ list, names: null }))
  const fields: Selection[] = [...FIELDS, 'Payload' as const].map((field) => ({ field }))
  // Form parameters travel with the payload.
  return { edit: 'copy', source, selections: [...lists.slice(0, 2), ...fields] }
}

function parseRemove(xml: XmlElement, problems: Problems): Edit | null {
  const selections = parseSelections(xml, problems)
  if (xml.children.length === 0) {
    problems.warn('EmptyElement', xml.at, '<Remove> without children removes nothing; name what goes, as in <Headers/>')
  }
  return selections.length === 0 ? null : { edit: 'remove', selections }
}

function parseSelections(xml: XmlElement, problems: Problems): Selection[] {
  const selections: Selection[] = []
  for (const child of xml.children) {
    const list = LISTS.find((name) => name === child.name)
    if (list !== undefined) {
      const names = selectedNames(child, list, problems)
      if (names !== 'none') selections.push({ list, names })
      continue
    }
    const field = [...FIELDS, 'Payload' as const].find((name) => name === child.name)
    if (field === undefined) warnUnknown(child, xml, [...LISTS, ...FIELDS, 'Payload'], problems)
    else if (parseBoolean(child.text, false, child, child.name, problems)) selections.push({ field })
  }
  return selections
}

/** Null: the container is empty, which means all. Its text may say so too: `<Headers>false</Headers>` is none. */
function selectedNames(container: XmlElement, list: List, problems: Problems): IndexedName[] | null | 'none' {
  if (container.children.length === 0) {
    return parseBoolean(container.text, true, container, container.name, problems) ? null : 'none'
  }
  const names: IndexedName[] = []
  for (const child of itemsOf(container, list, problems)) {
    const name = nameOf(child, list, problems)
    if (name === null) continue
    const { index } = indexedName(name)
    if (index !== null && index < 1) {
      problems.error('InvalidIndex', child.at, `the index in ${name} counts from 1`)
    } else names.push(indexedName(name))
  }
  return names
}

function parseWrites(xml: XmlElement, edit: 'add' | 'set', known: readonly string[], problems: Problems): Edit | null {
  const writes: Write[] = []
  for (const child of xml.children) {
    if (!known.includes(child.name)) {
      warnUnknown(child, xml, known, problems)
      continue
    }
    const write = parseWrite(child, edit, problems)
    if (write !== null) writes.push(write)
  }
  return writes.length === 0 ? null : { edit, writes }
}

function parseWrite(child: XmlElement, edit: 'add' | 'set', problems: Problems): Write | null {
  const list = LISTS.find((name) => name === child.name)
  if (list !== undefined) {
    const values: NamedValue[] = []
    for (const item of itemsOf(child, list, problems)) {
      const name = nameOf(item, list, problems)
      if (name === null) continue
      // A further value has no place among the others yet.
      const indexed = edit === 'add' ? { name, index: null } : indexedName(name)
      const known = indexed.index === null || indexed.index > 0 ? indexed : { name, index: null }
      values.push({ ...known, value: sourceTextOf(item) ?? { text: '', at: item.at } })
    }
    return values.length === 0 ? null : { list, values }
  }
  if (child.name === 'Payload') return isEmptyElement(child) ? null : { payload: parsePayload(child, problems) }
  const value = sourceTextOf(child)
  if (value === null) return null
  const field = child.name as Field
  if (field === 'StatusCode' && /^[^{}\\]*$/.test(value.text) && statusOf(value.text) === null) {
    problems.error('InvalidStatusCode', value.at, `${value.text} is no status; it has three digits, 100 to 999`)
  }
  return { field, value }
}

function parsePayload(xml: XmlElement, problems: Problems): PayloadValue {
  const contentType = xml.attributes['contentType']?.trim() ?? ''
  return {
    value: { text: xml.content, at: xml.textAt },
    contentType: contentType === '' ? null : { text: contentType, at: xml.at },
    prefix: delimiter(xml, 'variablePrefix', problems),
    suffix: delimiter(xml, 'variableSuffix', problems),
  }
}

function delimiter(xml: XmlElement, name: string, problems: Problems): string | null {
  const text = xml.attributes[name] ?? ''
  if (text === '') return null
  if ([...text].length === 1) return text
  problems.error('InvalidPayload', xml.at, `${name} must be one character, not ${JSON.stringify(text)}`)
  return null
}

const ITEM: Readonly<Record<List, string>> = { Headers: 'Header', QueryParams: 'QueryParam', FormParams: 'FormParam' }

function itemsOf(container: XmlElement, list: List, problems: Problems): XmlElement[] {
  return container.children.filter((child) => {
    if (child.name === ITEM[list]) return true
    warnUnknown(child, container, [ITEM[list]], problems)
    return false
  })
}

function nameOf(item: XmlElement, list: List, problems: Problems): string | null {
  const name = item.attributes['name']?.trim() ?? ''
  if (name === '') {
    if (!isEmptyElement(item)) problems.error('MissingName', item.at, `a <${item.name}> needs the attribute name`)
    return null
  }
  if (list === 'Headers' && !isHeaderName(name)) {
    problems.error('InvalidHeaderName', item.at, `${JSON.stringify(name)} is not a header name`)
    return null
  }
  return name
}

function indexedName(name: string): IndexedName {
  const match = /^(.+)\.(-?\d{1,4})$/.exec(name)
  return match === null ? { name, index: null } : { name: match[1]!, index: Number(match[2]) }
}

const VARIABLE_CHILDREN = ['Name', 'Ref', 'Value', 'Template', 'ResourceURL']

function parseVariable(xml: XmlElement, problems: Problems): Edit | null {
  for (const child of xml.children) {
    if (child.name === 'PropertySetRef') {
      problems.error('NotSupportedYet', child.at, '<PropertySetRef> is not supported yet in this version; use <Value>')
    } else if (!VARIABLE_CHILDREN.includes(child.name)) warnUnknown(child, xml, VARIABLE_CHILDREN, problems)
  }
  warnRepeated(xml, VARIABLE_CHILDREN, problems)
  const nameElement = childOf(xml, 'Name')
  const name = nameElement === undefined ? null : sourceTextOf(nameElement)
  if (name === null) {
    problems.error(
      'InvalidVariableName',
      nameElement?.at ?? xml.at,
      '<AssignVariable> needs the name of a variable in <Name>',
    )
    return null
  }
  const variable: VariableEdit = {
    name,
    ref: refOf(xml, problems),
    template: templateOf(xml),
    templateRef: childOf(xml, 'Template')?.attributes['ref']?.trim() || null,
    resourceUrl: textOf(xml, 'ResourceURL') ?? null,
    value: literalOf(xml),
    at: xml.at,
  }
  const { ref, template, templateRef, resourceUrl, value } = variable
  if (ref === null && template === null && templateRef === null && resourceUrl === null && value === null) {
    problems.warn(
      'NothingToAssign',
      xml.at,
      `${name.text} is set to null: there is no Ref, Value, Template or ResourceURL`,
    )
  }
  return { edit: 'variable', variable }
}

function refOf(xml: XmlElement, problems: Problems): string | null {
  const element = childOf(xml, 'Ref')
  const ref = element?.text.trim() ?? ''
  if (element === undefined || ref === '') return null
  if (/[{}]/.test(ref)) {
    problems.warn(
      'SuspectRef',
      element.at,
      `<Ref> takes the name of a variable without braces, not ${JSON.stringify(ref)}`,
    )
  }
  return ref
}

function templateOf(xml: XmlElement): SourceText | null {
  const element = childOf(xml, 'Template')
  return element === undefined || element.content === '' ? null : { text: element.content, at: element.textAt }
}

/** To the letter, blanks included. Empty is the empty text, unless there is a Ref: Edge's editor writes both. */
function literalOf(xml: XmlElement): string | null {
  const element = childOf(xml, 'Value')
  if (element === undefined) return null
  return element.content === '' && textOf(xml, 'Ref') !== undefined ? null : element.content
}
