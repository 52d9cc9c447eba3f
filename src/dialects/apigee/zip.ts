import { crc32, inflateRawSync } from 'node:zlib'
import type { Problems } from '../../model/problem.ts'

export interface ZipLimits {
  readonly zipBytesMax: number
  readonly bytesMax: number
  readonly entriesMax: number
}

interface Entry {
  readonly path: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packedBytes: number
  readonly bytes: number
  readonly mode: number
  readonly offset: number
}

/** Ends the reading of an archive at the first thing that is wrong with it. */
class ZipRefused extends Error {}

/** Signatures of the parts of a zip. */
export const END = 0x06054b50
export const CENTRAL = 0x02014b50
export const LOCAL = 0x04034b50
const END_BYTES = 22
const CENTRAL_BYTES = 46
const LOCAL_BYTES = 30
const COMMENT_BYTES_MAX = 65_535
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 0x0001 | 0x0040

/**
 * The files of a zip by path, folders left out; null after an error. Reads the central directory itself (PKWARE's APPNOTE,
 * section 4.3) because libraries believe the sizes it states: here nothing grows beyond them, and what does not match its
 * size and checksum is refused. Names that lead out of the archive are refused, never cleaned.
 */
export function readZip(
  zip: Uint8Array,
  file: string,
  limits: ZipLimits,
  problems: Problems,
): Map<string, Uint8Array> | null {
  try {
    if (zip.byteLength > limits.zipBytesMax) {
      throw new ZipRefused(`${zip.byteLength} bytes; a bundle may have ${limits.zipBytesMax}`)
    }
    const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength)
    const files = new Map<string, Uint8Array>()
    for (const entry of entriesOf(bytes, limits)) files.set(entry.path, contentOf(bytes, entry))
    return files
  } catch (error) {
    if (!(error instanceof ZipRefused)) throw error
    problems.error('BadZip', { file, line: 1, column: 1 }, error.message)
    return null
  }
}

function entriesOf(zip: Buffer, limits: ZipLimits): Entry[] {
  const end = endOf(zip)
  const count = zip.readUInt16LE(end + 10)
  let offset = zip.readUInt32LE(end + 16)
  if (zip.readUInt16LE(end + 4) !== 0 || zip.readUInt16LE(end + 8) !== count) {
    throw new ZipRefused('an archive in several parts; make one whole zip')
  }
  if (count === 0xffff || offset === 0xffff_ffff) throw new ZipRefused('a zip64 archive; make a plain zip')
  if (count > limits.entriesMax) throw new ZipRefused(`${count} entries; a bundle may have ${limits.entriesMax}`)
  const entries: Entry[] = []
  const seen = new Set<string>()
  let bytes = 0
  for (let i = 0; i < count; i++) {
    if (offset + CENTRAL_BYTES > end || zip.readUInt32LE(offset) !== CENTRAL) {
      throw new ZipRefused('broken: its list of files cannot be read')
    }
    const nameBytes = zip.readUInt16LE(offset + 28)
    const entry = entryAt(zip, offset, nameBytes)
    offset += CENTRAL_BYTES + nameBytes + zip.readUInt16LE(offset + 30) + zip.readUInt16LE(offset + 32)
    checkName(entry.path)
    if (seen.has(entry.path)) throw new ZipRefused(`${entry.path} is in it twice`)
    seen.add(entry.path)
    if (entry.path.endsWith('/')) continue
    checkKind(entry)
    bytes += entry.bytes
    if (bytes > limits.bytesMax) throw new ZipRefused(`it unpacks to more than ${limits.bytesMax} bytes`)
    entries.push(entry)
  }
  return entries
}

/** The end record stands last, before a comment of any length. */
function endOf(zip: Buffer): number {
  const lowest = Math.max(0, zip.length - END_BYTES - COMMENT_BYTES_MAX)
  for (let i = zip.length - END_BYTES; i >= lowest; i--) {
    if (zip[i] === 0x50 && zip.readUInt32LE(i) === END) return i
  }
  throw new ZipRefused('not a zip archive, or one that was cut off')
}

function entryAt(zip: Buffer, offset: number, nameBytes: number): Entry {
  const name = zip.toString('utf8', offset + CENTRAL_BYTES, offset + CENTRAL_BYTES + nameBytes)
  return {
    // Some Windows tools write backslashes.
    path: name.replaceAll('\\', '/'),
    flags: zip.readUInt16LE(offset + 8),
    method: zip.readUInt16LE(offset + 10),
    crc: zip.readUInt32LE(offset + 16),
    packedBytes: zip.readUInt32LE(offset + 20),
    bytes: zip.readUInt32LE(offset + 24),
    mode: zip.readUInt16LE(offset + 40),
    offset: zip.readUInt32LE(offset + 42),
  }
}

function checkName(path: string): void {
  const shown = JSON.stringify(path.slice(0, 200))
  const parts = path.replace(/\/$/, '').split('/')
  if (path.includes('\0') || path.startsWith('/') || /^[A-Za-z]:/.test(path) || parts.includes('..')) {
    throw new ZipRefused(`the name ${shown} leads out of the archive`)
  }
  if (parts.includes('') || parts.includes('.')) throw new ZipRefused(`the name ${shown} is no plain path`)
}

function checkKind(entry: Entry): void {
  if ((entry.flags & ENCRYPTED) !== 0)
    throw new ZipRefused(`${entry.path} is encrypted; make the zip without a password`)
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new ZipRefused(`${entry.path} is packed by method ${entry.method}; use deflate`)
  }
  if ((entry.mode & 0xf000) === 0xa000) throw new ZipRefused(`${entry.path} is a symbolic link`)
}

function contentOf(zip: Buffer, entry: Entry): Uint8Array {
  const broken = (why: string): ZipRefused => new ZipRefused(`${entry.path} is broken: ${why}`)
  const { offset } = entry
  if (offset + LOCAL_BYTES > zip.length || zip.readUInt32LE(offset) !== LOCAL) throw broken('it has no header')
  const start = offset + LOCAL_BYTES + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28)
  if (start + entry.packedBytes > zip.length) throw broken('it is cut off')
  const packed = zip.subarray(start, start + entry.packedBytes)
  const content = entry.method === STORED ? packed : inflated(packed, entry.bytes, broken)
  if (content.length !== entry.bytes) throw broken('its size is not what the list says')
  if (crc32(content) !== entry.crc) throw broken('its checksum is wrong')
  return content
}

function inflated(packed: Buffer, bytes: number, broken: (why: string) => ZipRefused): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  } catch {
    throw broken('it cannot be unpacked to the size that the list says')
  }
}
