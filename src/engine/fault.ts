import type { AnsweredBy } from '../core/answered-by.ts'
import type { Message } from './message.ts'

/** One row of a fault table: what the client and the fault rules see when it happens. */
export interface FaultRow {
  readonly status: number
  /** `{policy}` is the policy's name, `{1}`, `{2}`, ... what the step knows. */
  readonly message: string
  /** For the reference: when it happens. */
  readonly cause: string
  /** Where the errorcode is not `steps.<kind>.<Name>`. */
  readonly code?: string
  readonly by?: AnsweredBy
}

export type FaultTable = Readonly<Record<string, FaultRow>>

/** A refusal. Returned by steps, never thrown; without details it is made once, at deploy. */
export class Fault {
  /** `steps.servicecallout.ExecutionFailed` */
  readonly code: string
  /** What `fault.name` shows: the last dotted part of the code, unless it was given. */
  readonly name: string
  readonly status: number
  readonly reason: string
  /** The faultstring. */
  readonly text: string
  readonly by: AnsweredBy
  /** The answer that goes out unless a rule changes it; null: the dialect's default body. */
  readonly response: Message | null

  constructor(
    code: string,
    status: number,
    text: string,
    by: AnsweredBy,
    response: Message | null = null,
    reason: string = reasonOf(status),
    name: string = code.slice(code.lastIndexOf('.') + 1),
  ) {
    this.code = code
    this.name = name
    this.status = status
    this.reason = reason
    this.text = text
    this.by = by
    this.response = response
  }
}

/** Makes the fault of a row, with its placeholders filled in. */
export function faultOf(
  prefix: string,
  name: string,
  row: FaultRow,
  policy: string,
  details: readonly string[],
): Fault {
  const text = row.message.replace(/\{(policy|\d)\}/g, (_, key: string) =>
    key === 'policy' ? policy : (details[Number(key) - 1] ?? ''),
  )
  return new Fault(row.code ?? `${prefix}.${name}`, row.status, text, row.by ?? 'policy')
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  418: "I'm a teapot",
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  494: 'Request Header Too Large',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** The usual reason phrase; '' for a status that has none. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? ''
}
