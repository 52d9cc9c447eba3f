import { Buffer } from 'node:buffer'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

const entity = (character: string): string => ENTITIES[character]!
const reference = (character: string): string => `&#${character.charCodeAt(0)};`

/** For the inside of a JSON string: quotes, backslashes and control characters. */
export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** XML 1.0: the five entities; what XML 1.0 cannot hold is removed. */
export function escapeXml10(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/g, '')
    .replace(/[&<>"']/g, entity)
    .replace(/[\x7F-\x84\x86-\x9F]/g, reference)
}

/** XML 1.1: control characters become references; only NUL and what is no character is removed. */
export function escapeXml11(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\0\uFFFE\uFFFF]/g, '')
    .replace(/[&<>"']/g, entity)
    .replace(/[\x01-\x08\x0B\x0C\x0E-\x1F\x7F-\x84\x86-\x9F]/g, reference)
}

/** As XML, with the apostrophe as a number, which every HTML version knows. */
export function encodeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => (character === "'" ? '&#39;' : entity(character)))
}

/** Standard Base64 only: anything else (the URL alphabet too) gives the empty text, as documented. */
export function decodeBase64(text: string): string {
  const bytes = base64Bytes(text)
  return bytes === null ? '' : bytes.toString('utf8')
}

export function base64Bytes(text: string): Buffer | null {
  const plain = text.replace(/[\r\n\t ]/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain) || plain.replace(/=+$/, '').length % 4 === 1) return null
  return Buffer.from(plain, 'base64')
}

export function hexBytes(text: string): Buffer | null {
  return text.length % 2 === 0 && /^[0-9A-Fa-f]*$/.test(text) ? Buffer.from(text, 'hex') : null
}
