import { Buffer } from 'node:buffer'
import { createHmac, hash } from 'node:crypto'
import { compileDateFormat, formatDate } from './date-format.ts'
import { cachedJavaRegex, compileJavaRegex } from './java-regex.ts'
import { replaceJava } from './java-replacement.ts'
import {
  base64Bytes,
  decodeBase64,
  encodeHtml,
  escapeJson,
  escapeXml10,
  escapeXml11,
  hexBytes,
} from './text-escapes.ts'
import { compileXeger, xeger } from './xeger.ts'

/** What the functions need from outside, so that tests can say what time and chance are. */
export interface TemplateEnv {
  /** Milliseconds since the epoch. */
  now(): number
  uuid(): string
  /** A whole number from `min` up to but not including `max`, at most 2^32 apart. */
  randomInt(min: number, max: number): number
  /** `rest`: the wanted type or `prefix:uri` pairs. Null: no match, or no XML. */
  xpath(expression: string, xml: string, rest: readonly string[]): string | null
  /** Null: no match, or no JSON. */
  jsonPath(path: string, json: string, wantArray: boolean): string | null
}

export interface TemplateFunction {
  /** As written in a template, optional arguments in brackets. */
  readonly usage: string
  readonly argumentsMin: number
  readonly argumentsMax: number
  readonly doc: string
  /** Arguments that are not set are left out instead of making the call unresolved. */
  readonly skipsUnset?: true
  /** Looks at the literal arguments (null: known at run time only) before anything runs: what is wrong, or null. */
  readonly check?: (args: readonly (string | null)[]) => string | null
  /** Null: the arguments make no sense or there is no value; the call then counts as unresolved. Never throws. */
  readonly run: (args: readonly string[], env: TemplateEnv) => string | null
}

type Run = TemplateFunction['run']
type Check = NonNullable<TemplateFunction['check']>

function row(
  usage: string,
  argumentsMin: number,
  argumentsMax: number,
  doc: string,
  run: Run,
  check?: Check,
): TemplateFunction {
  const base = { usage, argumentsMin, argumentsMax, doc, run }
  return check === undefined ? base : { ...base, check }
}

const hex = (algorithm: string): Run => {
  return ([text]) => hash(algorithm, text!, 'hex')
}
const base64 = (algorithm: string): Run => {
  return ([text]) => hash(algorithm, text!, 'base64')
}

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

function longOf(text: string): bigint | null {
  if (!/^\s*[+-]?\d{1,19}\s*$/.test(text)) return null
  const value = BigInt(text.replace('+', ''))
  return value < LONG_MIN || value > LONG_MAX ? null : value
}

/** As `StringUtils.substring` of commons-lang: negative places count from the end, what lies outside is cut off. */
const substring: Run = ([text, startText, endText]) => {
  const length = text!.length
  const start = longOf(startText!)
  const end = endText === undefined ? BigInt(length) : longOf(endText)
  if (start === null || end === null) return null
  const place = (at: bigint): number => {
    const fromStart = at < 0n ? at + BigInt(length) : at
    return fromStart < 0n ? 0 : fromStart > BigInt(length) ? length : Number(fromStart)
  }
  return place(start) >= place(end) ? '' : text!.slice(place(start), place(end))
}

const replace = (all: boolean): Run => {
  return ([text, pattern, replacement]) => {
    const compiled = cachedJavaRegex(pattern!)
    return compiled.ok ? replaceJava(text!, compiled.regex, replacement!, all) : null
  }
}

const checkPattern: Check = ([, pattern]) => {
  const compiled = pattern == null ? null : compileJavaRegex(pattern)
  return compiled === null || compiled.ok ? null : `bad regular expression: ${compiled.message}`
}

const timeFormat = (utc: boolean, unitMs: number): Run => {
  return ([format, text]) => {
    const time = longOf(text!)
    return time === null ? null : formatDate(format!, Number(time) * unitMs, utc)
  }
}

const checkFormat: Check = ([format]) => {
  const compiled = format == null ? null : compileDateFormat(format, true)
  return compiled === null || compiled.ok ? null : compiled.message
}

const KEY_ENCODINGS: Readonly<Record<string, (key: string) => Buffer | null>> = {
  'utf-8': (key) => Buffer.from(key, 'utf8'),
  hex: hexBytes,
  base16: hexBytes,
  base64: base64Bytes,
}

const OUTPUT_ENCODINGS: Readonly<Record<string, 'hex' | 'base64'>> = { hex: 'hex', base16: 'hex', base64: 'base64' }

/** A row of a table by a name that a template gives: `__proto__` is none. */
const ownOf = <Row>(table: Readonly<Record<string, Row>>, name: string): Row | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

const hmac = (algorithm: string): Run => {
  return ([keyText, text, keyEncoding = 'utf-8', outputEncoding = 'base64']) => {
    const key = ownOf(KEY_ENCODINGS, keyEncoding.toLowerCase())?.(keyText!) ?? null
    const output = ownOf(OUTPUT_ENCODINGS, outputEncoding.toLowerCase())
    return key === null || output === undefined ? null : createHmac(algorithm, key).update(text!).digest(output)
  }
}

const checkEncodings: Check = ([, , key, output]) => {
  if (key != null && !Object.hasOwn(KEY_ENCODINGS, key.toLowerCase())) {
    return `the key encoding ${key} is unknown: utf-8, hex, base16 or base64`
  }
  const known = output == null || Object.hasOwn(OUTPUT_ENCODINGS, output.toLowerCase())
  return known ? null : `the output encoding ${output} is unknown: base64, hex or base16`
}

/** More than half of all draws fit, so that this many never come. */
const DRAWS_MAX = 128

/** Both ends are possible, by default all of Java's Long. Drawn in 32 bits at a time; what is over is drawn again. */
const randomLong: Run = ([minText, maxText], env) => {
  const min = minText === undefined ? LONG_MIN : longOf(minText)
  const max = maxText === undefined ? LONG_MAX : longOf(maxText)
  if (min === null || max === null || min > max) return null
  const choices = max - min + 1n
  if (choices <= 2n ** 32n) return String(min + BigInt(env.randomInt(0, Number(choices))))
  const top = Number((choices - 1n) >> 32n) + 1
  let drawn = choices
  for (let tries = 0; drawn >= choices && tries < DRAWS_MAX; tries++) {
    drawn = (BigInt(env.randomInt(0, top)) << 32n) + BigInt(env.randomInt(0, 2 ** 32))
  }
  return String(min + (drawn % choices))
}

const checkXeger: Check = ([pattern]) => {
  const compiled = pattern == null ? null : compileXeger(pattern)
  return compiled === null || compiled.ok ? null : compiled.message
}

const hashes = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'].flatMap((name) => [
  row(`${name}Hex(text)`, 1, 1, `${name.toUpperCase()} of the text, in hexadecimal.`, hex(name)),
  row(`${name}Base64(text)`, 1, 1, `${name.toUpperCase()} of the text, in Base64.`, base64(name)),
])

const HMAC_DOC = 'Key: utf-8 (default), hex, base16, base64; output: base64 (default), hex, base16.'

const hmacs = ['Md5', 'Sha1', 'Sha224', 'Sha256', 'Sha384', 'Sha512'].map((name) => {
  const usage = `hmac${name}(key,text[,keyEncoding[,outputEncoding]])`
  return row(
    usage,
    2,
    4,
    `HMAC-${name.toUpperCase()} of the text. ${HMAC_DOC}`,
    hmac(name.toLowerCase()),
    checkEncodings,
  )
})

const time = (name: string, doc: string, utc: boolean, unitMs: number): TemplateFunction =>
  row(`${name}(format,time)`, 2, 2, `${doc}, by a SimpleDateFormat pattern.`, timeFormat(utc, unitMs), checkFormat)

const ROWS: readonly TemplateFunction[] = [
  ...hashes,
  row('encodeBase64(text)', 1, 1, 'Base64 of the text in UTF-8.', ([text]) => Buffer.from(text!).toString('base64')),
  row('decodeBase64(text)', 1, 1, 'The text behind Base64; empty when it is none.', ([text]) => decodeBase64(text!)),
  row('toUpperCase(text)', 1, 1, 'All letters large.', ([text]) => text!.toUpperCase()),
  row('toLowerCase(text)', 1, 1, 'All letters small.', ([text]) => text!.toLowerCase()),
  row('substring(text,start[,end])', 2, 3, 'Part of the text; negative places count from the end.', substring),
  row('replaceAll(text,regex,value)', 3, 3, 'Every match of the Java regex replaced.', replace(true), checkPattern),
  row(
    'replaceFirst(text,regex,value)',
    3,
    3,
    'The first match of the Java regex replaced.',
    replace(false),
    checkPattern,
  ),
  row('escapeJSON(text)', 1, 1, 'For the inside of a JSON string.', ([text]) => escapeJson(text!)),
  row('escapeXML(text)', 1, 1, 'For XML 1.0.', ([text]) => escapeXml10(text!)),
  row('escapeXML11(text)', 1, 1, 'For XML 1.1.', ([text]) => escapeXml11(text!)),
  row('encodeHTML(text)', 1, 1, 'For HTML.', ([text]) => encodeHtml(text!)),
  time('timeFormat', 'Seconds since the epoch, in the zone of the process', false, 1000),
  time('timeFormatMs', 'Milliseconds since the epoch, in the zone of the process', false, 1),
  time('timeFormatUTC', 'Seconds since the epoch, in UTC', true, 1000),
  time('timeFormatUTCMs', 'Milliseconds since the epoch, in UTC', true, 1),
  ...hmacs,
  row('createUuid()', 0, 0, 'A new random UUID.', (_, env) => env.uuid()),
  row('randomLong([min[,max]])', 0, 2, 'A random whole number, both ends included.', randomLong),
  row('xeger(regex)', 1, 1, 'A random text that fits the regex.', ([regex], env) => xeger(regex!, env), checkXeger),
  {
    ...row('firstnonnull(value,...)', 1, 64, 'The first argument that is set.', ([first]) => first ?? null),
    skipsUnset: true,
  },
  row(
    'xpath(expression,xml[,type][,prefix:uri,...])',
    2,
    13,
    'What the XPath finds (up to 10 namespaces); empty when nothing.',
    ([expression, xml, ...rest], env) => env.xpath(expression!, xml!, rest) ?? '',
  ),
  row(
    'jsonPath(path,json[,wantArray])',
    2,
    3,
    'The first that the JSONPath finds, or with true all as an array; empty when nothing.',
    ([path, json, all = ''], env) => env.jsonPath(path!, json!, all.toLowerCase() === 'true') ?? '',
  ),
]

/** The functions of Apigee's message templates, by name; the reference pages are made from it. */
export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map(
  ROWS.map((function_) => [function_.usage.slice(0, function_.usage.indexOf('(')), function_]),
)
