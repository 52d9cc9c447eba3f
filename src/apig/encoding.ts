/** What a segment of a path may hold as it is (RFC 3986, `pchar` without `%`). */
const PCHARS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]*$/

/** A text as one segment of a path: a slash in it is encoded. */
export function encodeSegment(text: string): string {
  if (PCHARS.test(text)) return text
  return encodeURIComponent(text.toWellFormed()).replace(/%(?:24|26|2B|2C|3B|3D|3A|40)/g, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  )
}

/** A text as segments: slashes stay. */
export const encodePath = (text: string): string =>
  text.includes('/') ? text.split('/').map(encodeSegment).join('/') : encodeSegment(text)

/** True for what would climb out of the path of the backend. */
export const climbs = (text: string): boolean => text.split('/').some((part) => part === '..' || part === '.')
