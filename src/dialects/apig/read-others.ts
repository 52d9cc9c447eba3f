import { randomBytes } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { urlFault } from '../../model/http-connection.ts'
import type { AclDoc, AppAclDoc, AuthorizerDoc, QuotaDoc, ResponseInfoDoc } from './docs.ts'
import { type Fields, NAME, REMARK, type TextRule } from './fields.ts'
import { answerHeader, HEADER_NAME } from './header-rules.ts'
import { patternFault } from './pattern.ts'
import { UNIT_DOCS } from './read-throttle.ts'

const HAN = '\\p{Script=Han}'

export const ENV_NAME: TextRule = {
  pattern: /^[A-Za-z][A-Za-z0-9_]{1,63}$/,
  rule: '2 to 64 letters, digits and underscores, the first a letter',
}

export const APP_NAME: TextRule = {
  pattern: new RegExp(`^[${HAN}A-Za-z][${HAN}A-Za-z0-9_-]{2,63}$`, 'u'),
  rule: '3 to 64 letters, digits, - and _, the first a letter',
}

const APP_KEY: TextRule = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{7,199}$/,
  rule: '8 to 200 letters, digits, - and _, the first a letter or digit',
}

const APP_SECRET: TextRule = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9_\-!@#$%]{7,127}$/,
  rule: '8 to 128 letters, digits and _ - ! @ # $ %, the first a letter or digit',
}

export const APP_CODE: TextRule = {
  pattern: /^[A-Za-z0-9+/][A-Za-z0-9+_!@#$%\-/=]{63,179}$/,
  rule: '64 to 180 letters, digits and + _ ! @ # $ % - / =, the first a letter, digit, + or /',
}

export const DOMAIN: TextRule = {
  pattern: /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
  rule: 'a host name without port; *.example.com stands for any one label',
}

export const VARIABLE_NAME: TextRule = {
  pattern: /^[A-Za-z][A-Za-z0-9_-]{2,31}$/,
  rule: '3 to 32 letters, digits, - and _, the first a letter',
}

export const VARIABLE_VALUE: TextRule = {
  pattern: /^[A-Za-z0-9_\-/.:]{1,255}$/,
  rule: '1 to 255 letters, digits and _ - / . :',
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Key and secret may be left to the gateway. */
export function readAppBody(fields: Fields): { name: string; remark: string; app_key: string; app_secret: string } {
  return {
    name: fields.text('name', APP_NAME),
    remark: fields.textOr('remark', '', REMARK),
    app_key: fields.textOr('app_key', '', APP_KEY) || hex(16),
    app_secret: fields.textOr('app_secret', '', APP_SECRET) || hex(16),
  }
}

export const readSecret = (fields: Fields): string => fields.textOr('app_secret', '', APP_SECRET) || hex(16)

export const newAppCode = (): string => randomBytes(72).toString('base64')

export function readAppAcl(fields: Fields): Omit<AppAclDoc, 'id'> {
  const values = fields.texts('app_acl_values', { countMax: 100 })
  const wrong = values.findIndex((value) => !isAddresses(value))
  if (wrong >= 0) throw fields.wrong(`app_acl_values.${wrong}`, ADDRESSES)
  return { app_acl_type: fields.choice('app_acl_type', ['PERMIT', 'DENY']), app_acl_values: values }
}

export function readAcl(fields: Fields): Omit<AclDoc, 'id' | 'update_time'> {
  const entity = fields.choice('entity_type', ['IP', 'DOMAIN', 'DOMAIN_ID'])
  const value = fields.text('acl_value', { max: 4_096 })
  const parts = value.split(',').map((part) => part.trim())
  if (entity === 'IP' && !parts.every(isAddresses)) throw fields.wrong('acl_value', `${ADDRESSES}, separated by commas`)
  return {
    acl_name: fields.text('acl_name', NAME),
    acl_type: fields.choice('acl_type', ['PERMIT', 'DENY']),
    acl_value: parts.join(','),
    entity_type: entity,
  }
}

const ADDRESSES = 'an address, a range a-b with a not above b, or CIDR as in 10.0.0.0/8'

function isAddresses(text: string): boolean {
  const cidr = /^([^/]+)\/(\d{1,3})$/.exec(text)
  if (cidr !== null) return isIP(cidr[1]!) !== 0 && Number(cidr[2]) <= (isIP(cidr[1]!) === 6 ? 128 : 32)
  const dash = text.indexOf('-')
  if (dash < 0) return isIP(text) !== 0
  const [from, to] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()]
  return isIP(from) !== 0 && isIP(from) === isIP(to) && isRange(from, to)
}

function isRange(from: string, to: string): boolean {
  try {
    new BlockList().addRange(from, to, isIP(from) === 6 ? 'ipv6' : 'ipv4')
    return true
  } catch {
    return false
  }
}

export function readQuota(fields: Fields): Omit<QuotaDoc, 'id' | 'create_time'> {
  const reset = fields.textOr('reset_time', '')
  if (reset !== '' && Number.isNaN(resetMs(reset)))
    throw fields.wrong('reset_time', 'a time in UTC, as in 2020-09-20 00:00:00')
  return {
    name: fields.text('name', NAME),
    call_limits: fields.whole('call_limits', 1, 2_147_483_647),
    time_interval: fields.whole('time_interval', 1, 2_147_483_647),
    time_unit: fields.choice('time_unit', UNIT_DOCS),
    reset_time: reset,
    remark: fields.textOr('remark', '', REMARK),
  }
}

/** `2020-09-20 00:00:00` in UTC as ms since the epoch; NaN when it is none. */
export function resetMs(text: string): number {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return Number.NaN
  const written = text.replace(' ', 'T')
  const ms = Date.parse(`${written}Z`)
  // 30 February would be 2 March.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(written) ? Number.NaN : ms
}

export function readAuthorizer(fields: Fields): Omit<AuthorizerDoc, 'id' | 'create_time'> {
  const type = fields.choice('type', ['FRONTEND', 'BACKEND'], 'FRONTEND')
  if (type === 'BACKEND') throw fields.wrong('type', 'FRONTEND: authorizers of backends are not supported')
  const uri = fields.text('authorizer_uri', { max: 1_024 })
  if (!/^https?:\/\//i.test(uri) || urlFault(uri) !== null) {
    throw fields.wrong(
      'authorizer_uri',
      'an http or https URL: it gets the event as a JSON POST, since there are no functions here',
    )
  }
  const ttl = fields.wholeOr('ttl', 0, 0, 3_600)
  const identities = fields.list('identities', 10, (one) => ({
    location: one.choice('location', ['HEADER', 'QUERY']),
    name: one.raw('location') === 'HEADER' ? one.text('name', HEADER_NAME) : one.text('name', { max: 128 }),
    validation: one.textOr('validation', '', { max: 1_024 }),
  }))
  for (const [i, { validation }] of identities.entries()) {
    const fault = validation === '' ? null : patternFault(validation)
    if (fault !== null) throw fields.wrong(`identities.${i}.validation`, fault)
  }
  if (ttl > 0 && identities.length === 0) {
    throw fields.wrong('identities', 'at least one when ttl is not 0: answers are kept by them')
  }
  return {
    name: fields.text('name', NAME),
    type: 'FRONTEND',
    authorizer_type: fields.choice('authorizer_type', ['FUNC'], 'FUNC'),
    authorizer_uri: uri,
    timeout: fields.wholeOr('timeout', 5_000, 1, 60_000),
    ttl,
    identities,
    need_body: fields.flag('need_body', false),
    user_data: fields.textOr('user_data', '', { max: 2_048 }),
  }
}

const BODY_CHARACTERS_MAX = 4_096

/** How one type of error is worded; `defaultBody` where there is no body. */
export function readResponseInfo(fields: Fields, defaultBody: string): ResponseInfoDoc {
  const plain: TextRule = {
    max: BODY_CHARACTERS_MAX,
    pattern: /^(?!.*(?:\[\[|\]\]))/s,
    rule: 'a text without [[ and ]]',
  }
  return {
    status: fields.wholeOr('status', null, 200, 599),
    body: fields.textOr('body', defaultBody, plain),
    headers: fields.list('headers', 10, (one) => ({
      key: answerHeader(one, 'key', true),
      value: one.text('value', {
        max: 1_024,
        pattern: /^(?!.*(?:\[\[|\]\]))[^\x00-\x08\x0a-\x1f\x7f]*$/,
        rule: 'one line without control characters, [[ and ]]',
      }),
    })),
  }
}
