import { Fault, type FaultRow } from './fault.ts'

/** The kinds of gateway responses by which an API group may reshape errors (APIG, "Gateway responses"). */
export const RESPONSE_TYPES = {
  ACCESS_DENIED: 403,
  AUTHORIZER_CONF_FAILURE: 500,
  AUTHORIZER_FAILURE: 500,
  AUTHORIZER_IDENTITIES_FAILURE: 401,
  AUTH_FAILURE: 401,
  AUTH_HEADER_MISSING: 401,
  BACKEND_TIMEOUT: 504,
  BACKEND_UNAVAILABLE: 502,
  DEFAULT_4XX: null,
  DEFAULT_5XX: null,
  NOT_FOUND: 404,
  REQUEST_PARAMETERS_FAILURE: 400,
  THIRD_AUTH_CONF_FAILURE: 500,
  THIRD_AUTH_FAILURE: 401,
  THIRD_AUTH_IDENTITIES_FAILURE: 401,
  THROTTLED: 429,
  UNAUTHORIZED: 401,
} as const

export type ResponseType = keyof typeof RESPONSE_TYPES

export interface ApigFaultRow extends FaultRow {
  readonly code: string
  /** Which gateway response reshapes it; absent: DEFAULT_4XX or DEFAULT_5XX by its status. */
  readonly type?: ResponseType
}

/**
 * The error codes of APIG's data plane (its user guide, "Error codes"), by names of our own: a code may have several
 * statuses. A message may be followed by a colon and a detail; clients go by the code.
 */
export const APIG_FAULTS = {
  ApiNotFound: {
    code: 'APIG.0101',
    status: 404,
    message: 'The API does not exist or has not been published in the environment.',
    cause: 'No published API has this domain, path and environment.',
    type: 'NOT_FOUND',
  },
  MethodNotFound: {
    code: 'APIG.0101',
    status: 404,
    message: 'The API does not exist.',
    cause: 'An API has the path, but not with this method.',
    type: 'NOT_FOUND',
  },
  BackendMissing: {
    code: 'APIG.0103',
    status: 500,
    message: 'The backend does not exist.',
    cause: 'No backend of the API applies to the request.',
  },
  BackendInvalid: {
    code: 'APIG.0105',
    status: 500,
    message: 'The backend configurations do not exist.',
    cause: 'The URL of the backend is not valid after its parameters were filled in.',
  },
  MappingFailed: {
    code: 'APIG.0106',
    status: 400,
    message: 'Orchestration error.',
    cause: 'A parameter that the backend needs in its path has no value.',
    type: 'REQUEST_PARAMETERS_FAILURE',
  },
  RequestError: {
    code: 'APIG.0201',
    status: 400,
    message: 'API request error.',
    cause: 'The request is malformed, or a parameter of it fails the validation of the API.',
    type: 'REQUEST_PARAMETERS_FAILURE',
  },
  RequestTimeout: {
    code: 'APIG.0201',
    status: 408,
    message: 'API request error.',
    cause: 'The request did not arrive in time.',
  },
  ExpectationFailed: {
    code: 'APIG.0201',
    status: 417,
    message: 'API request error.',
    cause: 'The request expects something other than 100-continue.',
  },
  BodyTooLarge: {
    code: 'APIG.0201',
    status: 413,
    message: 'Request entity too large.',
    cause: 'The body is larger than request_body_size (12 MB).',
  },
  UriTooLarge: {
    code: 'APIG.0201',
    status: 414,
    message: 'Request URI too large.',
    cause: 'The request line is longer than 32 KB.',
  },
  HeadersTooLarge: {
    code: 'APIG.0201',
    status: 494,
    message: 'Request headers too large.',
    cause: 'One header is longer than 32 KB, or all together than 128 KB.',
  },
  ClientGone: {
    code: 'APIG.0201',
    status: 499,
    message: 'API request error.',
    cause: 'The client went away before its request was whole.',
    by: 'client',
  },
  BackendBroken: {
    code: 'APIG.0201',
    status: 502,
    message: 'Backend unavailable.',
    cause: 'The backend closed the connection before its answer was whole, or what it answered is not HTTP.',
    type: 'BACKEND_UNAVAILABLE',
  },
  Unexpected: {
    code: 'APIG.0201',
    status: 500,
    message: 'An unexpected error occurred',
    cause: 'A fault of the gateway itself; the log has it under the request id.',
  },
  BackendUnavailable: {
    code: 'APIG.0202',
    status: 502,
    message: 'Backend unavailable',
    cause: 'The backend refused the connection, did not accept it in time, or speaks another protocol.',
    type: 'BACKEND_UNAVAILABLE',
  },
  BreakerOpen: {
    code: 'APIG.0202',
    status: 503,
    message: 'Backend unavailable: the circuit breaker is open',
    cause: 'The circuit breaker of the API is open and has no downgrade.',
    type: 'BACKEND_UNAVAILABLE',
  },
  BackendTimeout: {
    code: 'APIG.0203',
    status: 504,
    message: 'Backend timeout',
    cause: 'The backend did not answer within its timeout.',
    type: 'BACKEND_TIMEOUT',
  },
  AccountDenied: {
    code: 'APIG.0302',
    status: 403,
    message: 'The IAM user is not authorized to access the API.',
    cause: 'A list of accounts that is bound to the API refuses the account of the credential.',
    type: 'ACCESS_DENIED',
  },
  AppIncorrect: {
    code: 'APIG.0303',
    status: 401,
    message: 'Incorrect app authentication information',
    cause: 'The credential is unknown, or what proves it (signature, AppCode, secret) is wrong or missing.',
    type: 'AUTH_FAILURE',
  },
  AppDenied: {
    code: 'APIG.0304',
    status: 403,
    message: 'The app is not authorized to access the API.',
    cause: 'The credential is not authorised for the API in this environment.',
    type: 'UNAUTHORIZED',
  },
  AuthorizerRefused: {
    code: 'APIG.0305',
    status: 401,
    message: 'Incorrect authentication information: frontend authorizer',
    cause: 'The custom authorizer answered deny.',
    type: 'AUTHORIZER_FAILURE',
  },
  IdentityMissing: {
    code: 'APIG.0305',
    status: 401,
    message: 'Incorrect authentication information: frontend authorizer, identity {1}',
    cause: 'An identity source of the custom authorizer is missing, or does not match its pattern.',
    type: 'AUTHORIZER_IDENTITIES_FAILURE',
  },
  Throttled: {
    code: 'APIG.0308',
    status: 429,
    message: 'The throttling threshold has been reached: {1}',
    cause: 'A limit of the throttling policy, of the rate_limit plug-in or of the gateway was reached.',
    type: 'THROTTLED',
  },
  AddressUnknown: {
    code: 'APIG.0401',
    status: 403,
    message: 'Unknown client IP address.',
    cause: 'The address of the client is asked for by a list and cannot be read from the header that should have it.',
    type: 'ACCESS_DENIED',
  },
  AddressDenied: {
    code: 'APIG.0402',
    status: 403,
    message: 'The IP address is not authorized to access the API.',
    cause: 'A list of addresses that is bound to the API refuses the client.',
    type: 'ACCESS_DENIED',
  },
  AppAddressDenied: {
    code: 'APIG.0405',
    status: 403,
    message: 'The app is not accessed from a trusted IP address.',
    cause: 'The address list of the credential refuses the client.',
    type: 'ACCESS_DENIED',
  },
  QuotaUsed: {
    code: 'APIG.0501',
    status: 405,
    message: 'The app quota has been used up.',
    cause: 'The quota of the credential is used up until its next cycle.',
  },
  BadRequest: {
    code: 'APIG.0602',
    status: 400,
    message: 'Bad request.',
    cause: 'What arrived is not HTTP, or ambiguous.',
  },
  NameUnresolved: {
    code: 'APIG.0605',
    status: 500,
    message: 'Domain name resolution failed.',
    cause: 'The host name of the backend has no address.',
    type: 'BACKEND_UNAVAILABLE',
  },
  ProtocolUnsupported: {
    code: 'APIG.0607',
    status: 400,
    message: 'The following protocol is supported: {1}',
    cause: 'The API takes https only and was called by http, or the other way round.',
  },
  Loop: {
    code: 'APIG.0612',
    status: 500,
    message: 'An API cannot call itself.',
    cause: 'X-Apig-count is above ten, or the API is its own backend.',
  },
  AuthorizerUnreachable: {
    code: 'APIG.0616',
    status: 500,
    message: 'Incorrect third-party authentication request information',
    cause: 'The custom authorizer cannot be reached, or does not answer in time.',
    type: 'AUTHORIZER_CONF_FAILURE',
    by: 'callout',
  },
  AuthorizerAnswer: {
    code: 'APIG.0617',
    status: 500,
    message: 'Incorrect third-party authentication response information',
    cause: 'The answer of the custom authorizer is not {"statusCode": 200, "body": "{\\"status\\": \\"allow\\"}"}.',
    type: 'AUTHORIZER_CONF_FAILURE',
    by: 'callout',
  },
} as const

export type ApigFaultName = keyof typeof APIG_FAULTS

const PLACEHOLDER = /\{(\d)\}/g

/** The fault of a row, with its placeholders filled in. */
export function apigFault(name: ApigFaultName, ...details: readonly string[]): Fault {
  const row: ApigFaultRow = APIG_FAULTS[name]
  const text = row.message.replace(PLACEHOLDER, (_, n: string) => details[Number(n) - 1] ?? '')
  return new ApigFault(row, text)
}

/** The fault of a row with a detail behind its message: `Incorrect app authentication information: app not found`. */
export function detailedFault(name: ApigFaultName, detail: string): Fault {
  const row: ApigFaultRow = APIG_FAULTS[name]
  return new ApigFault(row, `${row.message.replace(/\.$/, '')}: ${detail}`)
}

/** Knows which gateway response reshapes it. Its errorcode is its name, so that a fault rule can say fault.name = "APIG.0308". */
class ApigFault extends Fault {
  readonly type: ResponseType

  constructor(row: ApigFaultRow, text: string) {
    super(row.code, row.status, text, row.by ?? 'gateway', null, undefined, row.code)
    this.type = row.type ?? defaultType(row.status)
  }
}

export const responseTypeOf = (fault: Fault): ResponseType =>
  fault instanceof ApigFault ? fault.type : defaultType(fault.status)

const defaultType = (status: number): ResponseType => (status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX')

const EDGES_OWN = /^(?:messaging|protocol|entities)\./

/** What the runtime itself refuses, in APIG's words; what is not here keeps its own. */
const TRANSLATED: Readonly<Record<string, ApigFaultName>> = {
  'messaging.adaptors.http.flow.ApplicationNotFound': 'ApiNotFound',
  'messaging.adaptors.http.flow.ServiceUnavailable': 'BackendUnavailable',
  'messaging.adaptors.http.flow.GatewayTimeout': 'BackendTimeout',
  'messaging.adaptors.http.flow.BadGateway': 'BackendBroken',
  'messaging.adaptors.http.flow.UnexpectedEOFAtTarget': 'BackendBroken',
  'messaging.adaptors.http.flow.UnexpectedEOFAtClient': 'ClientGone',
  'messaging.adaptors.http.flow.DecompressionFailureAtRequest': 'RequestError',
  'messaging.adaptors.http.flow.SslHandshakeFailed': 'BackendUnavailable',
  'messaging.adaptors.http.flow.RequestTimeOut': 'RequestTimeout',
  'messaging.runtime.RouteFailed': 'BackendMissing',
  'messaging.runtime.ExecutionFailed': 'Unexpected',
  'protocol.http.TooBigBody': 'BodyTooLarge',
  'protocol.http.TooBigLine': 'UriTooLarge',
  'protocol.http.TooBigHeaders': 'HeadersTooLarge',
  'protocol.http.ExpectationFailed': 'ExpectationFailed',
  'protocol.http.BadRequest': 'BadRequest',
  'protocol.http.BadPath': 'BackendInvalid',
}

/** A fault as the apig dialect answers it. */
export function inApigWords(fault: Fault): Fault {
  const name = TRANSLATED[fault.code] ?? (EDGES_OWN.test(fault.code) ? 'Unexpected' : undefined)
  return name === undefined ? fault : apigFault(name)
}
