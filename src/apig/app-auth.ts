import { timingSafeEqual } from 'node:crypto'
import type { MaybePromise } from '../core/async.ts'
import { apigFault, detailedFault } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Fault } from '../engine/fault.ts'
import type { Step } from '../engine/outcome.ts'
import type { ApigApp, PublishedApi } from '../model/apig.ts'
import { type AddressTest, compileAddresses } from './address-list.ts'
import type { ApigServices } from './services.ts'
import {
  ALGORITHM,
  canonicalRequest,
  parseSignatureHeader,
  type SignatureHeader,
  type SignedRequest,
  sameSignature,
  sdkDate,
  sdkDateMs,
  sha256,
  shownCanonical,
  signatureOf,
} from './signature.ts'
import { stateOf } from './state.ts'

/** A signature may be this much older or younger than the gateway's clock. */
const CLOCK_SKEW_MS = 15 * 60_000
const UNSIGNED = 'UNSIGNED-PAYLOAD'
const EMPTY_HASH = sha256('')
/** Of the canonical request in an error: whole for any usual request. */
const SHOWN_CHARACTERS_MAX = 8_192

const incorrect = (detail: string): Fault => detailedFault('AppIncorrect', detail)
const NOTHING_SHOWN = incorrect('Access or Credential is empty in Authorization')
const TWICE = incorrect('more than one Authorization')
const CODE_TWICE = incorrect('more than one X-Apig-AppCode')
const BAD_CODE = incorrect('AppCode not found')
const PLAIN_CODE = incorrect('X-Apig-AppCode is taken over https only')
const BAD_SECRET = incorrect('AppKey or AppSecret is invalid')
const APP_DENIED = apigFault('AppDenied')
const ADDRESS_DENIED = apigFault('AppAddressDenied')
const TOO_LARGE = apigFault('BodyTooLarge')
const CLIENT_GONE = apigFault('ClientGone')

type Proven = ApigApp | Fault

/**
 * Finds out which credential calls: AppCode where the API takes it, signature, and what the switches of the gateway allow
 * (Basic, X-HW-ID with X-HW-AppKey); then whether it may: its addresses, its authorisation for API and environment.
 */
export function appAuth(api: PublishedApi, services: ApigServices): Step {
  const allowed = new Set(api.auth.appIds)
  const addresses = new WeakMap<ApigApp, AddressTest>()
  const { features } = services

  function admit(x: Exchange, proven: Proven): Fault | undefined {
    if (proven instanceof Fault) return proven
    stateOf(x).app = proven
    x.caller = { application: proven.id, account: proven.user }
    if (proven.addresses !== null) {
      let test = addresses.get(proven)
      if (test === undefined) {
        test = compileAddresses(proven.addresses.values)
        addresses.set(proven, test)
      }
      if (test(x.address) !== proven.addresses.permit) return ADDRESS_DENIED
    }
    return allowed.has(proven.id) ? undefined : APP_DENIED
  }

  return (x) => {
    const { headers } = x.request
    const code = api.auth.appCode ? headers.get('x-apig-appcode') : undefined
    if (code !== undefined) {
      if (headers.all('x-apig-appcode').length > 1) return CODE_TWICE
      return x.client.secure ? admit(x, services.apps.byCode(code.trim()) ?? BAD_CODE) : PLAIN_CODE
    }
    const header = headers.get(features.authHeader)
    if (header !== undefined && headers.all(features.authHeader).length > 1) return TWICE
    if (header?.startsWith(ALGORITHM)) {
      const proven = signed(x, header, services)
      headers.remove(features.authHeader)
      return proven instanceof Promise ? proven.then((late) => admit(x, late)) : admit(x, proven)
    }
    if (features.basic && header !== undefined && /^basic /i.test(header)) {
      headers.remove(features.authHeader)
      return admit(x, basic(header, services))
    }
    const id = features.appSecret ? headers.get('x-hw-id') : undefined
    if (id === undefined) return NOTHING_SHOWN
    const secret = headers.get('x-hw-appkey') ?? ''
    headers.remove('x-hw-appkey')
    return admit(x, withSecret(id.trim(), secret.trim(), services))
  }
}

function basic(header: string, services: ApigServices): Proven {
  const text = Buffer.from(header.slice(6).trim(), 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? BAD_SECRET : withSecret(text.slice(0, colon), text.slice(colon + 1), services)
}

/** One answer for an unknown key and a wrong secret: nobody learns which keys there are. */
function withSecret(key: string, secret: string, { apps }: ApigServices): Proven {
  const app = apps.byKey(key)
  const [wanted, given] = [sha256(app?.secret ?? ''), sha256(secret)]
  const same = timingSafeEqual(Buffer.from(wanted), Buffer.from(given))
  return app !== null && same ? app : BAD_SECRET
}

/** The order of the checks, and their words, are those of the vendor's live answers. */
function signed(x: Exchange, header: string, services: ApigServices): MaybePromise<Proven> {
  const parts = parseSignatureHeader(header)
  if (parts === null) return incorrect('Authorization is not Access, SignedHeaders and Signature, each once')
  if (parts.access === '') return NOTHING_SHOWN
  if (parts.signedHeaders.length === 0) return incorrect('SignedHeaders is empty in Authorization')
  if (parts.signature === '') return incorrect('Signature is empty in Authorization')
  const app = services.apps.byKey(parts.access)
  if (app === null) return incorrect(`app not found, appkey ${parts.access.slice(0, 128)}`)
  const date = (x.request.headers.get('x-sdk-date') ?? '').trim()
  const dateMs = sdkDateMs(date)
  if (Number.isNaN(dateMs) || !parts.signedHeaders.includes('x-sdk-date')) {
    return incorrect('X-Sdk-Date must be signed, as in 20060102T150405Z')
  }
  const nowMs = services.now()
  if (Math.abs(nowMs - dateMs) > CLOCK_SKEW_MS) {
    return incorrect(`signature expired, signature time:${date},server time:${sdkDate(nowMs)}`)
  }
  const hash = payloadHash(x, services)
  if (typeof hash === 'string') return verified(x, app, parts, date, hash)
  return hash instanceof Fault
    ? hash
    : hash.then((late) => (late instanceof Fault ? late : verified(x, app, parts, date, late)))
}

function verified(x: Exchange, app: ApigApp, parts: SignatureHeader, date: string, hash: string): Proven {
  const request = signedRequest(x)
  const canonical = canonicalRequest(request, parts.signedHeaders, hash)
  if (sameSignature(signatureOf(app.secret, date, canonical), parts.signature)) return app
  const other = canonicalRequest(request, parts.signedHeaders, hash, 'encoded')
  if (other !== canonical && sameSignature(signatureOf(app.secret, date, other), parts.signature)) return app
  const open = shownCanonical(canonical)
  const shown = open.length > SHOWN_CHARACTERS_MAX ? `${open.slice(0, SHOWN_CHARACTERS_MAX)}...` : open
  return incorrect(`verify signature fail, canonicalRequest:${shown.replaceAll('\n', '|')}`)
}

function signedRequest(x: Exchange): SignedRequest {
  return {
    method: stateOf(x).method,
    path: x.request.path,
    query: x.request.queryText,
    header: (lower) => {
      const values = x.request.headers.all(lower)
      return values.length === 0 ? undefined : utf8(values.join(','))
    },
  }
}

/** Off the wire each character is a byte; signers hash UTF-8. */
const utf8 = (value: string): string =>
  /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value

/** Of the bytes that came, so that a header which claims another hash proves nothing. */
function payloadHash(x: Exchange, { features }: ApigServices): MaybePromise<string | Fault> {
  const { body, headers } = x.request
  if (headers.get('x-sdk-content-sha256')?.trim() === UNSIGNED) return UNSIGNED
  if (body.isEmpty) return EMPTY_HASH
  const loading = body.load(features.bodyBytesMax)
  const settle = (failure: unknown): string | Fault => {
    if (failure === 'too-big') return TOO_LARGE
    return failure === undefined ? sha256(body.content ?? '') : CLIENT_GONE
  }
  return loading instanceof Promise ? loading.then(settle) : settle(loading)
}
