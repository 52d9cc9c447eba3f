import { AdminError } from '../errors.ts'

/** One field of a form; of a file its bytes. */
export interface FormPart {
  readonly name: string
  readonly isFile: boolean
  readonly bytes: Buffer
}

const PARTS_MAX = 100

/**
 * The parts of a multipart/form-data body (RFC 7578). Null: the content type is another one. The last boundary may lack its closing dashes:
 * apigee-edge-js sends certificates so. Throws AdminError.
 */
export function multipartOf(contentType: string, body: unknown): FormPart[] | null {
  if (!/^multipart\/form-data\b/i.test(contentType) || !Buffer.isBuffer(body)) return null
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType)
  const boundary = Buffer.from(`--${match?.[1] ?? match?.[2] ?? ''}`)
  if (match === null || !body.subarray(0, boundary.length).equals(boundary)) throw invalid()
  const parts: FormPart[] = []
  let at = boundary.length
  const separator = Buffer.concat([Buffer.from('\r\n'), boundary])
  while (at + 2 < body.length && body.toString('latin1', at, at + 2) === '\r\n') {
    const headEnd = body.indexOf('\r\n\r\n', at)
    const end = headEnd === -1 ? -1 : body.indexOf(separator, headEnd + 2)
    if (end === -1 || parts.length === PARTS_MAX) throw invalid()
    const head = body.subarray(at, headEnd).toString('utf8')
    const name = /content-disposition:[^\r\n]*[;\s]name="([^"\r\n]*)"/i.exec(head)?.[1]
    if (name === undefined) throw invalid()
    parts.push({ name, isFile: /[;\s]filename\*?=/i.test(head), bytes: body.subarray(headEnd + 4, end) })
    at = end + separator.length
  }
  return parts
}

const invalid = (): AdminError =>
  new AdminError(400, 'messaging.config.beans.InvalidForm', 'the body is no multipart/form-data')
