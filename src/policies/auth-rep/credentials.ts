import type { Exchange } from '../../engine/exchange.ts'
import { toText } from '../../engine/language/value.ts'
import type { CompileEnv } from '../../engine/policy.ts'
import type { AuthRepConfig } from '../../model/auth-rep.ts'

/** What a call offers; null: not there. */
export interface Credentials {
  userKey: string | null
  appId: string | null
  appKey: string | null
  referrer: string | null
}

export interface CredentialReader {
  read(x: Exchange): Credentials
  /** The query has not all of them, and a form might. */
  needsForm(x: Exchange, found: Credentials): boolean
  addFromForm(x: Exchange, found: Credentials): void
}

type Read = (x: Exchange) => string | null

/** Compiles where the credentials of a call are. */
export function compileCredentials(config: AuthRepConfig, env: CompileEnv): CredentialReader {
  const { credentials: source, version } = config
  const wants = (found: Credentials): boolean =>
    version === '1' ? found.userKey === null : found.appId === null || found.appKey === null
  const readers = readersOf(config, env)
  return {
    read: (x) => ({
      userKey: readers.userKey(x),
      appId: readers.appId(x),
      appKey: readers.appKey(x),
      referrer: readers.referrer(x),
    }),
    needsForm: (x, found) => source.kind === 'query' && x.request.isForm && wants(found),
    addFromForm(x, found) {
      if (source.kind !== 'query') return
      const { form } = x.request
      if (version === '1') found.userKey ??= form.get(source.userKey) ?? null
      else {
        found.appId ??= form.get(source.appId) ?? null
        found.appKey ??= form.get(source.appKey) ?? null
      }
    },
  }
}

type Readers = Readonly<Record<keyof Credentials, Read>>

const nothing: Read = () => null

function readersOf({ credentials: source, version, sendsReferrer }: AuthRepConfig, env: CompileEnv): Readers {
  if (source.kind === 'variables') {
    const variable = (name: string): Read => {
      if (name === '') return nothing
      const { get } = env.variable(name)
      return (x) => {
        const value = get(x)
        return value === null ? null : toText(value)
      }
    }
    return {
      userKey: variable(source.userKey),
      appId: variable(source.appId),
      appKey: variable(source.appKey),
      referrer: variable(source.referrer),
    }
  }
  const named = source.kind === 'query' ? queryParameter : source.kind === 'headers' ? header : null
  const isVersion1 = version === '1'
  const referrer = sendsReferrer ? refererHeader : nothing
  if (named === null) {
    return {
      userKey: isVersion1 ? userKeyOfAuthorization : nothing,
      appId: isVersion1 ? nothing : (x) => basicOf(x)?.user ?? null,
      appKey: isVersion1 ? nothing : (x) => basicOf(x)?.password ?? null,
      referrer,
    }
  }
  return {
    userKey: isVersion1 ? named(source.userKey) : nothing,
    appId: isVersion1 ? nothing : named(source.appId),
    appKey: isVersion1 ? nothing : named(source.appKey),
    referrer,
  }
}

const queryParameter =
  (name: string): Read =>
  (x) =>
    x.request.query.get(name) ?? null

/** nginx holds `-` and `_` for the same. */
const header = (name: string): Read => {
  const spellings = [...new Set([name, name.replaceAll('_', '-'), name.replaceAll('-', '_')])].map((one) =>
    one.toLowerCase(),
  )
  return (x) => {
    for (const spelling of spellings) {
      const value = x.request.headers.get(spelling)
      if (value !== undefined) return value
    }
    return null
  }
}

const refererHeader: Read = (x) => x.request.headers.get('referer') ?? null

/** Basic's user, else its password, else a Bearer token. */
function userKeyOfAuthorization(x: Exchange): string | null {
  const basic = basicOf(x)
  if (basic !== null) return basic.user ?? basic.password
  return /^bearer +(\S+) *$/i.exec(x.request.headers.get('authorization') ?? '')?.[1] ?? null
}

function basicOf(x: Exchange): { user: string | null; password: string | null } | null {
  const match = /^basic +(\S+) *$/i.exec(x.request.headers.get('authorization') ?? '')
  if (match === null) return null
  const text = Buffer.from(match[1]!, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const user = colon < 0 ? text : text.slice(0, colon)
  const password = colon < 0 ? '' : text.slice(colon + 1)
  return { user: user === '' ? null : user, password: password === '' ? null : password }
}
