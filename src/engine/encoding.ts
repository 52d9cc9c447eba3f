import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'

const unzip = promisify(gunzip)
const unbrotli = promisify(brotliDecompress)
const undeflate = promisify(inflate)
const undeflateRaw = promisify(inflateRaw)

type Decode = (bytes: Buffer, maxOutputLength: number) => Promise<Buffer>

/** Content codings of RFC 9110 section 8.4.1 that a body may come in. `deflate` is zlib, and from some servers raw. */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: (bytes, maxOutputLength) => unzip(bytes, { maxOutputLength }),
  'x-gzip': (bytes, maxOutputLength) => unzip(bytes, { maxOutputLength }),
  br: (bytes, maxOutputLength) => unbrotli(bytes, { maxOutputLength }),
  deflate: (bytes, maxOutputLength) =>
    ((bytes[0] ?? 0) & 0x0f) === 8 ? undeflate(bytes, { maxOutputLength }) : undeflateRaw(bytes, { maxOutputLength }),
}

/** The coding that must be undone before a step can read the content; null when there is none that we know. */
export function codingOf(contentEncoding: string | undefined): string | null {
  const coding = contentEncoding?.trim().toLowerCase()
  return coding !== undefined && Object.hasOwn(DECODERS, coding) ? coding : null
}

/** The decoded bytes, or why there are none. */
export async function decoded(
  coding: string,
  bytes: Buffer,
  bytesMax: number,
): Promise<Buffer | 'too-big' | 'undecodable'> {
  try {
    return await DECODERS[coding]!(bytes, bytesMax)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-big' : 'undecodable'
  }
}
