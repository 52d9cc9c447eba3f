/** DER, as far as a certificate needs it (X.690). Each function gives one element whole: tag, length, content. */

function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const bytes = length > 0xffff ? 3 : length > 0xff ? 2 : 1
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes]), size.subarray(4 - bytes), content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, Buffer.concat(parts))
export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, Buffer.concat(parts))
export const octets = (content: Uint8Array): Buffer => element(0x04, content)
export const bits = (content: Uint8Array): Buffer => element(0x03, Buffer.concat([Buffer.from([0]), content]))
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'))
export const printable = (text: string): Buffer => element(0x13, Buffer.from(text, 'latin1'))
export const ia5 = (text: string): Buffer => element(0x16, Buffer.from(text, 'latin1'))
export const yes = (): Buffer => element(0x01, Buffer.from([0xff]))
export const none = (): Buffer => element(0x05, Buffer.alloc(0))
/** `[tag] EXPLICIT`. */
export const tagged = (tag: number, content: Uint8Array): Buffer => element(0xa0 | tag, content)
/** `[tag] IMPLICIT` of text. */
export const taggedText = (tag: number, text: string): Buffer => element(0x80 | tag, Buffer.from(text, 'latin1'))

/** A number that is not negative, most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  return element(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [first * 40 + second]
  for (const number of rest) {
    const groups = [number & 0x7f]
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return element(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, section 4.1.2.5). */
export function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return Number(text.slice(0, 4)) < 2050 ? element(0x17, Buffer.from(text.slice(2))) : element(0x18, Buffer.from(text))
}
