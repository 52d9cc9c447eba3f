import type { Problems } from '../../model/problem.ts'

/** The encodings that XML files are found in; all others are asked to become UTF-8. */
const decoders: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'iso-8859-1': 'windows-1252',
  'windows-1252': 'windows-1252',
}

/** Bytes of an XML file to text, by its byte order mark or its declaration. Null after an error. */
export function decodeText(bytes: Uint8Array, file: string, problems: Problems): string | null {
  const declared = encodingByMark(bytes) ?? encodingByDeclaration(bytes) ?? 'utf-8'
  const encoding = decoders[declared.toLowerCase()]
  if (encoding === undefined) {
    problems.error('UnknownEncoding', { file, line: 1, column: 1 }, `encoding ${declared}; save the file as UTF-8`)
    return null
  }
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    const before = new TextDecoder(encoding).decode(bytes).split('\ufffd', 1)[0] ?? ''
    const at = { file, line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') }
    problems.error('BadEncoding', at, `a byte that is not ${encoding}; save the file as UTF-8`)
    return null
  }
}

/** Text of a resource file; null when it is not text. */
export function textOrNull(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}

function encodingByMark(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : null
}

function encodingByDeclaration(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4096)).toString('latin1')
  const name = /<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(head)?.[1] ?? null
  // A declaration that can be read byte by byte stands in no UTF-16 file, whatever it says.
  return name?.toLowerCase().startsWith('utf-16') ? 'utf-8' : name
}
