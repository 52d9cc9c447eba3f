import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import type { Stylesheet, XsltJob, XsltResult } from './xslt.ts'

// The helper thread of the transformations: holds libxslt (WebAssembly) and nothing else.

/** Names of includes are resolved against this; nothing of it is ever asked over a network. */
const BASE = 'http://stylesheets.invalid/'
const STYLESHEETS_MAX = 200
const REASON_CHARS_MAX = 300
const REPORTS_MAX = 20
const SOURCE_BYTES_MAX = 10 * 1024 * 1024

// Suspending WebAssembly is behind a flag in Node 24.
if (!('Suspending' in (globalThis as unknown as { WebAssembly: object }).WebAssembly))
  setFlagsFromString('--experimental-wasm-jspi')

/** What libxslt reports: it writes to the standard error itself, behind the console's back. */
let reported: string[] = []
const writeSync = fs.writeSync
fs.writeSync = ((file: number, ...rest: unknown[]) => {
  if (file !== 1 && file !== 2) return writeSync(file, ...(rest as [string]))
  if (reported.length < REPORTS_MAX) reported.push(String(rest[0]))
  return String(rest[0]).length
}) as typeof fs.writeSync
syncBuiltinESMExports()

/** The texts that the stylesheet at hand may include. libxslt asks for them as for anything outside: by `fetch`. */
let texts: Readonly<Record<string, string>> = {}
globalThis.fetch = async (input) => {
  const name = decodeURIComponent(
    String(input)
      .replace(BASE, '')
      .replace(/^xsl:\/\//, ''),
  )
  const text = Object.hasOwn(texts, name) ? texts[name] : undefined
  return new Response(text ?? '', { status: text === undefined ? 404 : 200 })
}

const { XmlDocument, XsltStylesheet } = await import('libxslt-wasm')
const { registerModule } = await import('libxslt-wasm/exslt')
for (const module of ['common', 'math', 'sets', 'strings', 'dates-and-times'] as const) registerModule(module)

type Compiled = InstanceType<typeof XsltStylesheet>

/** In order of use, the least recent first. */
const stylesheets = new Map<string, Compiled>()

async function compiled(stylesheet: Stylesheet): Promise<Compiled> {
  const known = stylesheets.get(stylesheet.id)
  if (known !== undefined) {
    stylesheets.delete(stylesheet.id)
    stylesheets.set(stylesheet.id, known)
    return known
  }
  const text = stylesheet.texts[stylesheet.main] ?? ''
  const document = await XmlDocument.fromString(text, { url: BASE + encodeURIComponent(stylesheet.main) })
  // The stylesheet owns the document from here on.
  const made = await XsltStylesheet.fromXmlDocument(document)
  stylesheets.set(stylesheet.id, made)
  for (const [id, oldest] of stylesheets) {
    if (stylesheets.size <= STYLESHEETS_MAX) break
    stylesheets.delete(id)
    oldest.delete()
  }
  return made
}

async function transformed({ stylesheet, source, parameters }: XsltJob): Promise<string> {
  if (Buffer.byteLength(source) > SOURCE_BYTES_MAX)
    throw new Error(`the document is larger than ${SOURCE_BYTES_MAX} bytes`)
  if (/<!DOCTYPE/.test(source)) throw new Error('the document has a DTD (<!DOCTYPE ...>), which is refused')
  texts = stylesheet.texts
  const sheet = await compiled(stylesheet)
  const document = await XmlDocument.fromString(source)
  try {
    const values = Object.entries(parameters).map(([name, value]) => [name, literal(value)])
    const result = await sheet.apply(document, Object.fromEntries(values))
    try {
      return sheet.applyToString(result)
    } finally {
      result.delete()
    }
  } finally {
    document.delete()
  }
}

/** A text as an XPath expression, which has no escapes. */
function literal(text: string): string {
  if (!text.includes("'")) return `'${text}'`
  if (!text.includes('"')) return `"${text}"`
  return `concat(${text
    .split("'")
    .map((part) => `'${part}'`)
    .join(`,"'",`)})`
}

const isTrap = (error: unknown): boolean => error instanceof Error && error.name === 'RuntimeError'

async function answer(job: XsltJob): Promise<void> {
  reported = []
  let result: XsltResult
  try {
    result = { id: job.id, text: await transformed(job) }
  } catch (error) {
    const said = [...reported, error instanceof Error ? error.message : String(error)].join('; ')
    const failed = said.replace(/\s+/g, ' ').slice(0, REASON_CHARS_MAX)
    // After a trap (a stack that is full, ...) nobody knows what state libxslt is in.
    result = { id: job.id, failed, broken: error instanceof RangeError || isTrap(error) }
  }
  parentPort!.postMessage(result)
}

parentPort!.on('message', (job: XsltJob) => void answer(job))
