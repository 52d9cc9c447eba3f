import type { Dialect } from '../model/proxy.ts'
import type { Fault } from './fault.ts'
import { Message } from './message.ts'

/** What a default error answer may depend on. */
export interface ErrorContext {
  readonly requestId: string
  /** The request's Accept and, where it has none, Content-Type. */
  readonly accept: string | undefined
}

/** The answer of a fault that nobody shaped: one vocabulary per dialect. */
export function errorMessage(dialect: Dialect, fault: Fault, context: ErrorContext): Message {
  return VOCABULARIES[dialect](fault, context)
}

const json = (fault: Fault, body: object): Message =>
  Message.response(fault.status, fault.reason, ['Content-Type', 'application/json'], JSON.stringify(body))

const VOCABULARIES: Readonly<Record<Dialect, (fault: Fault, context: ErrorContext) => Message>> = {
  apigee: (fault, context) =>
    prefersXml(context.accept)
      ? Message.response(
          fault.status,
          fault.reason,
          ['Content-Type', 'application/xml'],
          `<fault><faultstring>${xml(fault.text)}</faultstring><detail><errorcode>${xml(fault.code)}</errorcode></detail></fault>`,
        )
      : json(fault, { fault: { faultstring: fault.text, detail: { errorcode: fault.code } } }),
  apig: (fault, context) =>
    json(fault, { error_msg: fault.text, error_code: fault.code, request_id: context.requestId }),
  apicast: (fault) =>
    Message.response(fault.status, fault.reason, ['Content-Type', 'text/plain; charset=us-ascii'], fault.text),
}

/** XML when the first type that decides between the two is one; a browser's list begins with HTML and gets JSON. */
function prefersXml(accept: string | undefined): boolean {
  if (accept === undefined) return false
  for (const entry of accept.split(',')) {
    const type = (entry.split(';')[0] ?? '').trim().toLowerCase()
    if (/[/+]xml$/.test(type)) return !type.includes('html')
    if (/[/+]json$/.test(type) || type === '*/*' || type === 'text/html') return false
  }
  return false
}

function xml(text: string): string {
  return text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))
}
