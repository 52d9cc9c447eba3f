import { withDocument, XmlFailure, XPath } from '../core/xml-document.ts'
import type { MaskConfig } from '../model/entities.ts'
import { MASK, maskJson } from './payload/json-mask.ts'
import type { JsonPath } from './payload/json-path-ast.ts'
import { isProblem, parseJsonPath } from './payload/json-path-parser.ts'
import { jsonText, parseJson } from './payload/json-text.ts'

/** Whose content is hidden: masks are apart for each. */
export type MaskedMessage = 'request' | 'response' | 'fault'

/** One mask and whether it has ever hidden something. */
interface Mask<T> {
  readonly text: string
  readonly what: T
  matched: boolean
}

interface ContentMasks {
  readonly json: readonly Mask<JsonPath>[]
  readonly xml: readonly Mask<XPath>[]
}

/** Bodies larger than this are hidden whole when there is a mask for them. */
const BYTES_MAX = 1024 * 1024
const XPATH_OPERATIONS_MAX = 1_000_000

/**
 * Hides secrets before anything is stored of a call: by the masks of the organisation and those of the proxy, every variable whose name
 * begins with `private.`, and secrets of applications. What should be looked into and cannot be is hidden whole. Source: Apigee's "Data masking and hiding".
 */
export class Masker {
  readonly #variables = new Map<string, Mask<null>>()
  readonly #contents: Readonly<Record<MaskedMessage, ContentMasks>>
  #hid = new Set<string>()

  /** Paths that are none are left out; `maskProblems` tells of them. */
  constructor(configs: readonly MaskConfig[], proxy: string) {
    const own = configs.filter((config) => config.proxy === null || config.proxy === proxy)
    for (const text of own.flatMap((config) => config.variables)) {
      this.#variables.set(canonical(text), { text, what: null, matched: false })
    }
    this.#contents = {
      request: contentMasks(own, 'jsonPathsRequest', 'xPathsRequest'),
      response: contentMasks(own, 'jsonPathsResponse', 'xPathsResponse'),
      fault: contentMasks(own, 'jsonPathsFault', 'xPathsFault'),
    }
  }

  /** The value of this variable must not be stored. */
  hides(variable: string): boolean {
    const always = ALWAYS.find(({ names }) => names.test(variable))
    if (always !== undefined) {
      this.#hid.add(always.mask)
      return true
    }
    const mask = this.#variables.get(canonical(variable))
    if (mask === undefined) return false
    this.#matched(mask)
    return true
  }

  /** Bodies of this kind of message must be there whole to be masked. */
  readsContent(message: MaskedMessage): boolean {
    const { json, xml } = this.#contents[message]
    return json.length > 0 || xml.length > 0
  }

  /** Some mask is an XPath: `prepareXml` first. */
  get readsXml(): boolean {
    return Object.values(this.#contents).some(({ xml }) => xml.length > 0)
  }

  /** Masks that have hidden something since this was asked last. */
  takeMatched(): string[] {
    const hid = [...this.#hid]
    this.#hid = new Set()
    return hid
  }

  #matched(mask: Mask<unknown>): void {
    mask.matched = true
    this.#hid.add(mask.text)
  }

  /** The content as it may be stored. Reads XML: `prepareXml` first. `was` hears the values that were hidden in it. */
  content(message: MaskedMessage, text: string, was?: Was): string {
    const { json, xml } = this.#contents[message]
    if (text === '' || (json.length === 0 && xml.length === 0)) return text
    if (text.length > BYTES_MAX) return MASK
    const matched = (mask: Mask<unknown>): void => this.#matched(mask)
    return /^\s*</.test(text) ? maskedXml(text, xml, matched, was) : maskedJson(text, json, matched, was)
  }

  /** Masks that have not hidden anything yet, as they are written: perhaps the name of a variable was changed. */
  get unmatched(): string[] {
    return this.#all.filter((mask) => !mask.matched).map((mask) => mask.text)
  }

  /** All that are configured, as they are written, each once. */
  get texts(): string[] {
    return [...new Set(this.#all.map((mask) => mask.text))]
  }

  get #all(): Mask<unknown>[] {
    const contents = Object.values(this.#contents)
    return [...this.#variables.values(), ...contents.flatMap(({ json, xml }) => [...json, ...xml])]
  }
}

/** What nobody needs to ask for: Edge's private variables, and secrets of applications. */
const ALWAYS: readonly { readonly mask: string; readonly names: RegExp }[] = [
  { mask: 'private.*', names: /^private\./ },
  { mask: '*.client_secret', names: /(?:^|\.)client_secret$/ },
]

/** Why a mask can hide nothing; null: it can. */
export function maskFault(kind: 'json' | 'xml', text: string): string | null {
  if (kind === 'xml') return text.startsWith('/') ? null : 'an XPath of a mask begins with a slash'
  const parsed = parseJsonPath(text)
  if (isProblem(parsed)) return parsed.message
  return parsed.call === null ? null : 'a function finds no place that could be hidden'
}

type Lists = keyof MaskConfig & `${'jsonPaths' | 'xPaths'}${string}`

function contentMasks(configs: readonly MaskConfig[], json: Lists, xml: Lists): ContentMasks {
  const masksOf = <T>(list: Lists, make: (text: string, config: MaskConfig) => T | null): Mask<T>[] =>
    configs.flatMap((config) =>
      config[list].flatMap((text) => {
        const what = make(text, config)
        return what === null ? [] : [{ text, what, matched: false }]
      }),
    )
  return {
    json: masksOf(json, (text) => (maskFault('json', text) === null ? (parseJsonPath(text) as JsonPath) : null)),
    xml: masksOf(xml, (text, { namespaces }) => (maskFault('xml', text) === null ? new XPath(text, namespaces) : null)),
  }
}

type Was = (value: string) => void
type Matched = (mask: Mask<unknown>) => void

function maskedJson(text: string, masks: readonly Mask<JsonPath>[], matched: Matched, was?: Was): string {
  if (masks.length === 0) return text
  const document = parseJson(text)
  if (document === undefined) return MASK
  let changed = false
  for (const mask of masks) {
    const masked = maskJson(mask.what, document, was)
    if (masked === 'limit') return MASK
    if (!masked) continue
    changed = true
    matched(mask)
  }
  return changed ? (jsonText(document) ?? MASK) : text
}

function maskedXml(text: string, masks: readonly Mask<XPath>[], matched: Matched, was?: Was): string {
  if (masks.length === 0) return text
  const result = withDocument(text, (document) => {
    let changed = false
    for (const mask of masks) {
      const masked = document.replace(mask.what, MASK, XPATH_OPERATIONS_MAX, was)
      if (masked instanceof XmlFailure) return masked
      if (masked === 0) continue
      changed = true
      matched(mask)
    }
    return changed ? document.print() : text
  })
  return result instanceof XmlFailure ? MASK : result
}

/** Names of headers are the same in any case; other names are not. */
function canonical(name: string): string {
  const header = name.indexOf('.header.')
  return header < 0 ? name : name.slice(0, header) + name.slice(header).toLowerCase()
}
