import type { Exchange } from '../engine/exchange.ts'
import { sdkDate } from './signature.ts'
import { stateOf } from './state.ts'

/** Reads a value of the call; '' where there is none. */
export type Read = (x: Exchange) => string

/** `$context.NAME`: what backend parameters, gateway responses and rules may ask for. */
const CONTEXT: Readonly<Record<string, Read>> = {
  sourceIp: (x) => x.address,
  stage: (x) => stateOf(x).api.stage,
  apiId: (x) => stateOf(x).api.id,
  apiName: (x) => stateOf(x).api.apiName,
  appId: (x) => stateOf(x).app?.id ?? '',
  appName: (x) => stateOf(x).app?.name ?? '',
  requestId: (x) => x.id,
  serverAddr: (x) => x.client.host.replace(/:\d+$/, ''),
  serverName: (x) => x.client.host.replace(/:\d+$/, ''),
  handleTime: (x) => sdkDate(x.receivedAtMs),
  providerAppId: (x) => stateOf(x).api.groupId,
  reqPath: (x) => x.basePath,
  reqUri: (x) => (stateOf(x).query === '' ? x.basePath : `${x.basePath}?${stateOf(x).query}`),
  reqMethod: (x) => stateOf(x).method,
  'error.message': (x) => x.fault?.text ?? '',
  'error.code': (x) => x.fault?.code ?? '',
  'error.type': (x) => x.fault?.by ?? '',
}

export const CONTEXT_NAMES: readonly string[] = Object.keys(CONTEXT)

const AUTHORIZER = /^authorizer\.(?:frontend|backend)\.(.+)$/

/** Null: there is no such name. `name` without `$context.` */
export function contextValue(name: string): Read | null {
  const known = Object.hasOwn(CONTEXT, name) ? CONTEXT[name] : undefined
  if (known !== undefined) return known
  const key = AUTHORIZER.exec(name)?.[1]
  return key === undefined ? null : (x) => stateOf(x).authorizer?.get(key) ?? ''
}

const VARIABLE = /\$context\.([A-Za-z]+(?:\.[A-Za-z]+)?(?:\.[A-Za-z0-9_-]+)?)/g

/** A text with `$context.NAME` in it; an unknown name gives nothing. `encode` is used on each value. */
export function compileTemplate(text: string, encode: (value: string) => string): Read {
  const parts: (string | Read)[] = []
  let from = 0
  for (const match of text.matchAll(VARIABLE)) {
    const read = longestName(match[1]!)
    parts.push(text.slice(from, match.index), read.read)
    from = match.index + '$context.'.length + read.length
  }
  parts.push(text.slice(from))
  return (x) => {
    let made = ''
    for (const part of parts) made += typeof part === 'string' ? part : encode(part(x))
    return made
  }
}

/** `$context.apiId.` at the end of a sentence is `apiId` and a dot. */
function longestName(written: string): { read: Read; length: number } {
  for (let name = written; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const read = contextValue(name)
    if (read !== null) return { read, length: name.length }
  }
  return { read: () => '', length: written.length }
}

/** As the inside of a JSON string. */
export const jsonEscape = (value: string): string => JSON.stringify(value).slice(1, -1)
