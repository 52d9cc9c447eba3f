import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib'
import { CONTENT_CHARS_MAX, type TracedMessage, VALUE_CHARS_MAX } from '../../model/traced-call.ts'
import type { MaskedMessage, Masker } from '../masking.ts'
import { MASK } from '../payload/json-mask.ts'
import { RAW_CHARS_MAX } from './call-recorder.ts'
import type { MessageCopy } from './message-log.ts'
import type { Redaction } from './redaction.ts'

/** The copy of a message as it may be stored. First for all messages of a call, then `redacted`: one may hold the secret of another. */
export function maskedMessage(copy: MessageCopy, masker: Masker, secrets: Redaction): TracedMessage {
  const hide = (part: string, value: string): string => {
    if (!masker.hides(`${copy.name}.${part}`) && !(isOfFlow(copy) && masker.hides(`message.${part}`))) return value
    secrets.add(value)
    return MASK
  }
  const headers: [string, string][] = []
  for (let i = 0; i < copy.headers.length; i += 2) {
    headers.push([copy.headers[i]!, hide(`header.${copy.headers[i]}`, copy.headers[i + 1]!)])
  }
  return {
    name: copy.name,
    kind: copy.kind,
    verb: copy.verb,
    uri: maskedUri(copy.uri, hide),
    version: copy.version,
    status: copy.status,
    reason: copy.reason,
    headers,
    ...maskedContent(copy, masker, hide, secrets),
  }
}

/** Without the secrets that were found elsewhere; cut to what is kept. */
export function redactedMessage(message: TracedMessage, secrets: Redaction): TracedMessage {
  const content = message.content === null ? null : secrets.of(message.content)
  const cut = content !== null && content.length > CONTENT_CHARS_MAX
  return {
    ...message,
    uri: cutText(secrets.of(message.uri)),
    reason: secrets.of(message.reason),
    headers: message.headers.map(([name, value]) => [name, cutText(secrets.of(value))] as const),
    content: cut ? content.slice(0, CONTENT_CHARS_MAX) : content,
    note: cut ? `the first ${CONTENT_CHARS_MAX} characters` : message.note,
  }
}

/** A value as long as it is kept. */
export function cutText(text: string): string {
  return text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX)}... (${text.length} characters)`
}

export type Hide = (part: string, value: string) => string

const isOfFlow = ({ name }: MessageCopy): boolean => name === 'request' || name === 'response' || name === 'error'

/** Credentials in an address are hidden always. */
export function maskedUri(uri: string, hide: Hide): string {
  const bare = uri.replace(/^(https?:\/\/)[^/?#@]*@/i, `$1${MASK}@`)
  const question = bare.indexOf('?')
  return question < 0 ? bare : bare.slice(0, question + 1) + maskedPairs(bare.slice(question + 1), 'queryparam', hide)
}

export function maskedPairs(text: string, list: 'queryparam' | 'formparam', hide: Hide): string {
  return text
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      if (equals < 0) return pair
      const name = decoded(pair.slice(0, equals))
      const value = decoded(pair.slice(equals + 1))
      return hide(`${list}.${name}`, value) === value ? pair : `${pair.slice(0, equals)}=${MASK}`
    })
    .join('&')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

type Content = Pick<TracedMessage, 'content' | 'contentBytes' | 'note'>

function maskedContent(copy: MessageCopy, masker: Masker, hide: Hide, secrets: Redaction): Content {
  const raw = rawContent(copy)
  if (raw.content === null || raw.content === '') return raw
  if (hide('content', raw.content) === MASK) return { ...raw, content: MASK, note: 'hidden by a mask' }
  const kind: MaskedMessage = copy.name === 'error' ? 'fault' : copy.kind
  // The beginning of a document cannot be looked into: it is hidden whole.
  const content = secrets.content(masker, kind, raw.content)
  // What is beyond is not shown, and need not be searched.
  const shown = content.slice(0, RAW_CHARS_MAX)
  const form = /^application\/x-www-form-urlencoded\b/i.test(headerOf(copy, 'content-type'))
  return { ...raw, content: form && content === raw.content ? maskedPairs(shown, 'formparam', hide) : shown }
}

/** What there is of the content, as text. */
function rawContent(copy: MessageCopy): Content {
  const { tap } = copy
  if (tap !== null && tap.state === 'waits') return { content: null, contentBytes: -1, note: 'not read' }
  const content = tap === null ? copy.content : tap.kept
  const contentBytes = tap === null ? copy.bytes : tap.bytes
  if (content === null || content.length === 0) return { content: null, contentBytes, note: null }
  if (typeof content === 'string') return { content, contentBytes, note: null }
  const whole = content.length >= contentBytes
  const plain = decompressed(content, headerOf(copy, 'content-encoding'))
  if (plain === null) return { content: null, contentBytes, note: 'its coding cannot be undone' }
  const text = plain.toString(copy.charset === 'utf-8' ? 'utf8' : 'latin1')
  if (isBinary(text)) return { content: null, contentBytes, note: 'not text' }
  return { content: text, contentBytes, note: whole ? null : `the first ${content.length} bytes` }
}

const PLAIN_BYTES_MAX = 1024 * 1024

/** Also of a beginning alone. Null: it is in no coding that we know, or not what it says. */
function decompressed(content: Buffer, coding: string): Buffer | null {
  const undo = DECODERS[coding.trim().toLowerCase()]
  if (undo === undefined) return coding === '' || coding.trim().toLowerCase() === 'identity' ? content : null
  try {
    return undo(content)
  } catch {
    return null
  }
}

const zlib = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: PLAIN_BYTES_MAX }
const DECODERS: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  gzip: (content) => gunzipSync(content, zlib),
  deflate: (content) => inflateSync(content, zlib),
  br: (content) =>
    brotliDecompressSync(content, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
      maxOutputLength: PLAIN_BYTES_MAX,
    }),
}

function headerOf({ headers }: MessageCopy, lower: string): string {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === lower) return headers[i + 1]!
  return ''
}

/** Control characters, or bytes that are no text. The last character may have been cut. */
function isBinary(text: string): boolean {
  return /[\u0000-\u0008\u000e-\u001a]|\ufffd(?!$)/.test(text.slice(0, 4_096).replace(/\ufffd{1,3}$/, ''))
}
