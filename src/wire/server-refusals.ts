import type { Refusal } from './llhttp.ts'

export const SLOW_HEAD: Refusal = { status: 408, detail: 'the head of the request did not arrive in time' }
export const SLOW_BODY: Refusal = { status: 408, detail: 'the body of the request did not arrive in time' }
export const BUG: Refusal = { status: 500, detail: 'the request met a bug' }

/** Reasons of the statuses that the transport itself answers with. */
export const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
}
