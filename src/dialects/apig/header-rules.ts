import type { Fields, TextRule } from './fields.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export const HEADER_NAME: TextRule = { max: 128, pattern: TOKEN, rule: 'a header name' }

/** What cannot be sent is refused when it is written, not when it is needed. */
export const HEADER_VALUE: TextRule = {
  max: 1_024,
  pattern: /^[^\x00-\x08\x0a-\x1f\x7f]*$/,
  rule: 'one line of text without control characters',
}

/** Of answers: those that the gateway writes itself, and those of the connection. */
const OWN_IN_ANSWERS =
  /^(?:x-apig-.*|x-request-id|connection|content-length|transfer-encoding|keep-alive|upgrade|trailer|te|date|server)$/i
const CORS = /^access-control-/i

/** Of requests to a backend. */
const OWN_IN_REQUESTS =
  /^(?:x-apig-.*|x-request-id|host|connection|content-length|transfer-encoding|keep-alive|upgrade|trailer|te)$/i

export const isToken = (name: string): boolean => TOKEN.test(name)

/** The name of a header that a configuration adds to answers; `cors`: whether it may be one of CORS. */
export function answerHeader(fields: Fields, field: string, cors: boolean): string {
  const name = fields.text(field, HEADER_NAME)
  if (!OWN_IN_ANSWERS.test(name) && (cors || !CORS.test(name))) return name
  throw fields.wrong(field, `another header: ${name} is set by the gateway`)
}

/** The name of a header that a configuration adds to requests for a backend. */
export function requestHeader(fields: Fields, field: string): string {
  const name = fields.text(field, { ...HEADER_NAME, max: 32 })
  if (name.toLowerCase() === 'host')
    throw fields.wrong(field, 'another header: for Host there is backend_api.host_value')
  if (!OWN_IN_REQUESTS.test(name)) return name
  throw fields.wrong(field, `another header: ${name} is set by the gateway`)
}
