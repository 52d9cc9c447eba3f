import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import { sourceTextOf } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

/** Lists are texts with commas and may have variables. */
export interface Config {
  readonly origins: SourceText
  readonly methods: SourceText
  readonly headers: SourceText
  readonly exposed: SourceText
  /** Seconds that a browser may keep the answer to a preflight; -1: not at all. */
  readonly maxAge: number
  readonly credentials: boolean
  readonly answersPreflight: boolean
  readonly ignoreUnresolved: boolean
}

const OWN_CHILDREN = [
  'AllowOrigins',
  'AllowMethods',
  'AllowHeaders',
  'ExposeHeaders',
  'MaxAge',
  'AllowCredentials',
  'GeneratePreflightResponse',
  'IgnoreUnresolvedVariables',
]
const METHODS = 'GET, POST, HEAD, OPTIONS'
const HEADERS =
  'origin, accept, x-requested-with, content-type, access-control-request-method, access-control-request-headers'
const MAX_AGE = '1800'

export function parse(xml: XmlElement, problems: Problems): Config {
  const known = [...OWN_CHILDREN, ...COMMON_CHILDREN]
  for (const child of xml.children) if (!known.includes(child.name)) warnUnknown(child, xml, known, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const list = (name: string, otherwise: string): SourceText => {
    const element = childOf(xml, name)
    return (element === undefined ? null : sourceTextOf(element)) ?? { text: otherwise, at: xml.at }
  }
  const origins = list('AllowOrigins', '')
  if (origins.text.trim() === '') {
    problems.error('MissingAllowOrigins', xml.at, 'CORS needs <AllowOrigins>, such as https://www.example.com or *')
  }
  return {
    origins,
    methods: list('AllowMethods', METHODS),
    headers: list('AllowHeaders', HEADERS),
    exposed: list('ExposeHeaders', ''),
    maxAge: parseMaxAge(xml, problems),
    credentials: booleanOf(xml, 'AllowCredentials', false, problems),
    answersPreflight: booleanOf(xml, 'GeneratePreflightResponse', true, problems),
    ignoreUnresolved: booleanOf(xml, 'IgnoreUnresolvedVariables', true, problems),
  }
}

function parseMaxAge(xml: XmlElement, problems: Problems): number {
  const text = textOf(xml, 'MaxAge') ?? MAX_AGE
  if (/^(?:-1|\d{1,10})$/.test(text)) return Number(text)
  problems.error('InvalidMaxAge', childOf(xml, 'MaxAge')!.at, `MaxAge is a number of seconds, or -1, not ${text}`)
  return Number(MAX_AGE)
}
