import type { Problems } from '../model/problem.ts'
import { childOf, type XmlElement } from '../model/xml.ts'
import { warnUnknown } from './edits-parse.ts'
import type { Exchange } from './exchange.ts'
import { toText } from './language/value.ts'
import type { CompileEnv } from './policy.ts'

/** `<ExpirySettings>`: the first of its children that is there counts. Null: the cache's own time. */
export type ExpiryConfig = { readonly kind: ExpiryKind; readonly ref: string; readonly text: string } | null

type ExpiryKind = 'TimeoutInSeconds' | 'TimeoutInSec' | 'TimeOfDay' | 'ExpiryDate'

interface Expiry {
  /** What a right text is. */
  readonly wanted: string
  /** Milliseconds to live from `nowMs`; null: the text is wrong. */
  ttlMs(text: string, nowMs: number): number | null
}

const SECONDS_MAX = 2_147_483_647
const DAY_MS = 86_400_000

const seconds: Expiry = {
  wanted: `whole seconds from 1 to ${SECONDS_MAX}`,
  ttlMs: (text) => (/^\d{1,10}$/.test(text) && +text > 0 && +text <= SECONDS_MAX ? +text * 1000 : null),
}

/** In UTC, as all times of the gateway. */
const KINDS: Readonly<Record<ExpiryKind, Expiry>> = {
  TimeoutInSeconds: seconds,
  TimeoutInSec: seconds,
  TimeOfDay: {
    wanted: 'a time as HH:mm:ss',
    ttlMs: (text, nowMs) => {
      const match = /^([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text)
      if (match === null) return null
      const ofDayMs = (+match[1]! * 3600 + +match[2]! * 60 + +match[3]!) * 1000
      const leftMs = ofDayMs - (nowMs % DAY_MS)
      return leftMs > 0 ? leftMs : leftMs + DAY_MS
    },
  },
  ExpiryDate: {
    wanted: 'a date as MM-dd-yyyy',
    ttlMs: (text, nowMs) => {
      const match = /^(\d{1,2})-(\d{1,2})-(\d{4})$/.exec(text)
      if (match === null) return null
      const date = new Date(Date.UTC(+match[3]!, +match[1]! - 1, +match[2]!))
      if (date.getUTCMonth() !== +match[1]! - 1 || date.getUTCDate() !== +match[2]!) return null
      // A date that is over keeps nothing.
      return Math.max(date.getTime() - nowMs, 0)
    },
  },
}

export function parseExpiry(xml: XmlElement, problems: Problems): ExpiryConfig {
  const settings = childOf(xml, 'ExpirySettings')
  if (settings === undefined) return null
  const names = Object.keys(KINDS)
  let config: ExpiryConfig = null
  for (const child of settings.children) {
    if (!Object.hasOwn(KINDS, child.name)) {
      if (child.name !== 'DisplayName') warnUnknown(child, settings, names, problems)
      continue
    }
    if (config !== null) {
      problems.warn('DuplicateElement', child.at, `<ExpirySettings> has one child; <${child.name}> has no effect`)
      continue
    }
    const kind = child.name as ExpiryKind
    const ref = child.attributes['ref']?.trim() ?? ''
    const text = child.text.trim()
    if (text === '' && ref === '') continue
    if (text !== '' && KINDS[kind].ttlMs(text, 0) === null) {
      problems.error('InvalidTimeout', child.at, `<${kind}> is "${text}", not ${KINDS[kind].wanted}`)
    }
    config = { kind, ref, text }
  }
  return config
}

/** Milliseconds that an entry of this call lives. A variable that holds nothing right leaves the text, then the cache's time. */
export function compileExpiry(config: ExpiryConfig, defaultMs: number, env: CompileEnv): (x: Exchange) => number {
  if (config === null) return () => defaultMs
  const { ttlMs } = KINDS[config.kind]
  const otherwise = (): number => ttlMs(config.text, env.now()) ?? defaultMs
  if (config.ref === '') return otherwise
  const variable = env.variable(config.ref)
  return (x) => ttlMs(toText(variable.get(x)).trim(), env.now()) ?? otherwise()
}
