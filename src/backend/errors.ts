/** What the Service Management API answers instead of a verdict. Null code: an empty body. */
export class BackendError {
  readonly status: number
  readonly code: string | null
  readonly message: string

  constructor(status: number, code: string | null, message: string) {
    this.status = status
    this.code = code
    this.message = message
  }
}

export type BackendErrorCode =
  | 'bad_request'
  | 'content_type_invalid'
  | 'transactions_is_blank'
  | 'transactions_format_invalid'
  | 'transactions_has_nil_transaction'
  | 'end_users_no_longer_supported'
  | 'provider_key_or_service_token_required'
  | 'service_token_invalid'
  | 'provider_key_invalid_or_service_missing'
  | 'provider_key_invalid'
  | 'service_id_invalid'
  | 'user_key_invalid'
  | 'authentication_error'
  | 'usage_value_invalid'
  | 'application_not_found'
  | 'metric_invalid'
  | 'service_id_missing'
  | 'not_valid_data'

interface Row {
  readonly status: number
  readonly message: (detail: string, other: string) => string
  /** For the reference. */
  readonly cause: string
}

const row = (status: number, message: Row['message'], cause: string): Row => ({ status, message, cause })

/** The errors by their code, as the vendor's back end has them. */
export const BACKEND_ERRORS: Readonly<Record<BackendErrorCode, Row>> = {
  bad_request: row(400, (text) => text, 'The parameters cannot be read: syntax, escapes, or too many of them.'),
  content_type_invalid: row(400, (type) => `invalid Content-Type: ${type}`, 'A report is neither form nor multipart.'),
  transactions_is_blank: row(400, () => 'transactions parameter is blank', 'A report without transactions.'),
  transactions_format_invalid: row(
    400,
    () => 'transactions format is invalid',
    'transactions is not a hash of hashes.',
  ),
  transactions_has_nil_transaction: row(400, () => 'transactions has a nil transaction', 'A transaction is empty.'),
  end_users_no_longer_supported: row(
    400,
    () => 'End-users are no longer supported, do not specify the user_id parameter',
    'user_id was given.',
  ),
  provider_key_or_service_token_required: row(
    403,
    () => 'Provider key or service token are required',
    'Neither was given.',
  ),
  service_token_invalid: row(
    403,
    (token, service) => `service token "${token}" or service id "${service}" is invalid`,
    'The service does not have that token.',
  ),
  provider_key_invalid_or_service_missing: row(
    403,
    (key) => `provider key "${key}" invalid and/or service ID missing`,
    'No provider has that key, and no service was named.',
  ),
  provider_key_invalid: row(403, (key) => `provider key "${key}" is invalid`, 'No provider has that key.'),
  service_id_invalid: row(403, (id) => `service id "${id}" is invalid`, 'The provider has no such service.'),
  user_key_invalid: row(
    403,
    (key) => (key === '' ? 'user key is missing' : `user key "${key}" is invalid`),
    'Version 1: no application of the service has that key.',
  ),
  authentication_error: row(
    403,
    () => 'either app_id or user_key is allowed, not both',
    'Both app_id and user_key were given.',
  ),
  usage_value_invalid: row(403, (text) => text, 'A usage is no number.'),
  application_not_found: row(
    404,
    (id) => (id === '' ? 'application id is missing' : `application with id="${id}" was not found`),
    'No application of the service has that id.',
  ),
  metric_invalid: row(404, (text) => text, 'The service has no such metric.'),
  service_id_missing: row(422, () => 'Service ID is missing', 'A service token without a service id.'),
  not_valid_data: row(422, () => 'all data must be valid UTF8', 'A parameter is not UTF-8.'),
}

export function backendError(code: BackendErrorCode, detail: string = '', other: string = ''): BackendError {
  const { status, message } = BACKEND_ERRORS[code]
  return new BackendError(status, code, message(detail, other))
}

/** Historic: a usage that is no hash. */
export const USAGE_IS_NO_HASH: BackendError = new BackendError(403, null, '')

export function errorXml({ code, message }: BackendError): string {
  if (code === null) return ''
  return `<?xml version="1.0" encoding="UTF-8"?><error code="${code}">${escapeXml(message)}</error>`
}

/** For text between tags. */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}

/** For a value in double quotes. */
export const escapeAttribute = (text: string): string => escapeXml(text).replaceAll('"', '&quot;')
