import type { Edit } from '../../engine/edits-model.ts'
import {
  booleanAttribute,
  booleanOf,
  COMMON_CHILDREN,
  parseEdits,
  warnRepeated,
  warnUnknown,
} from '../../engine/edits-parse.ts'
import { httpConnectionOf, isFilled } from '../../model/http-connection.ts'
import { type LocalConnection, localConnectionOf } from '../../model/local-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { HttpConnection } from '../../model/proxy.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

export interface Config {
  /** The variable that holds the message to send. */
  readonly request: string
  readonly clearPayload: boolean
  readonly ignoreUnresolved: boolean
  readonly edits: readonly Edit[]
  /** The variable that gets the answer; null: nobody waits for one. */
  readonly response: string | null
  /** For the whole exchange. */
  readonly timeoutMs: number
  /** Null only together with an error. */
  readonly connection: HttpConnection | LocalConnection | null
}

/** The reserved name of a request that the policy does not name; masks refer to it. */
export const DEFAULT_REQUEST = 'servicecallout.request'
const TIMEOUT_MS = 55_000
/** What a timer takes; more would fire at once. */
const TIMEOUT_MS_MAX = 2_147_483_647

const OWN_CHILDREN = ['Request', 'Response', 'Timeout', 'HTTPTargetConnection', 'LocalTargetConnection']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

/** Reads `<ServiceCallout>`; every mistake goes to `problems`. */
export function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const request = childOf(xml, 'Request')
  return {
    request: request === undefined ? DEFAULT_REQUEST : requestName(request, problems),
    clearPayload: request === undefined || booleanAttribute(request, 'clearPayload', true, problems),
    ignoreUnresolved: request !== undefined && booleanOf(request, 'IgnoreUnresolvedVariables', false, problems),
    edits: request === undefined ? [] : requestEdits(request, problems),
    response: responseOf(xml, problems),
    timeoutMs: timeoutOf(xml, problems),
    connection: connectionOf(xml, problems),
  }
}

function requestName(request: XmlElement, problems: Problems): string {
  const name = request.attributes['variable']?.trim() || DEFAULT_REQUEST
  if (name === 'request') {
    const text =
      "the client's own headers (Authorization, Cookie, ...) go to the called service; name a new message to avoid it"
    problems.warn('ClientRequestSent', request.at, text)
  }
  return name
}

function requestEdits(request: XmlElement, problems: Problems): Edit[] {
  const copied = request.children.find(
    (child) =>
      child.name === 'Copy' &&
      child.attributes['source']?.trim() === 'request' &&
      (child.children.length === 0 ||
        child.children.some(({ name, children }) => name === 'Headers' && children.length === 0)),
  )
  if (copied !== undefined) {
    const text =
      'all headers of the client (Authorization, Cookie, ...) go to the called service; name those that should'
    problems.warn('ClientRequestSent', copied.at, text)
  }
  for (const child of request.children) {
    if (child.name !== 'AssignVariable') continue
    problems.warn(
      'MisplacedElement',
      child.at,
      '<AssignVariable> has no effect in <Request>; use an AssignMessage policy',
    )
  }
  return parseEdits(request, problems, ['IgnoreUnresolvedVariables']).filter((edit) => edit.edit !== 'variable')
}

function responseOf(xml: XmlElement, problems: Problems): string | null {
  const element = childOf(xml, 'Response')
  if (element === undefined) return null
  if (element.attributes['variable'] !== undefined) {
    const text =
      '<Response> has no attribute variable; write the name between the tags, as in <Response>name</Response>'
    problems.warn('UnknownAttribute', element.at, text)
  }
  const name = element.text.trim()
  if (/\s/.test(name)) {
    problems.error('InvalidVariableName', element.at, `the name of a variable has no blanks: ${JSON.stringify(name)}`)
  }
  return name === '' ? null : name
}

function timeoutOf(xml: XmlElement, problems: Problems): number {
  const text = textOf(xml, 'Timeout')
  if (text === undefined) return TIMEOUT_MS
  const timeoutMs = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs
  const at = childOf(xml, 'Timeout')?.at ?? xml.at
  const expected = `Timeout must be milliseconds, a whole number from 1 to ${TIMEOUT_MS_MAX}, written out`
  problems.error('InvalidTimeoutValue', at, `${expected}; it is ${JSON.stringify(text)}`)
  return TIMEOUT_MS
}

function connectionOf(xml: XmlElement, problems: Problems): Config['connection'] {
  const http = childOf(xml, 'HTTPTargetConnection')
  const local = childOf(xml, 'LocalTargetConnection')
  if (local !== undefined && isFilled(local)) return localConnection(local, http, problems)
  if (http !== undefined) return httpConnectionOf(http, problems)
  const text = 'a ServiceCallout needs <HTTPTargetConnection> with a <URL>, or <LocalTargetConnection>'
  problems.error('ConnectionInfoMissing', xml.at, text)
  return null
}

function localConnection(local: XmlElement, http: XmlElement | undefined, problems: Problems): LocalConnection | null {
  if (http === undefined || !isFilled(http)) return localConnectionOf(local, problems)
  const text = '<LocalTargetConnection> together with <HTTPTargetConnection>; a ServiceCallout has one of them'
  problems.error('ConnectionConflict', local.at, text)
  return null
}
