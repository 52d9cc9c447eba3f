import { type ApigFeatures, defaultFeatures } from '../../model/apig.ts'
import type { FeatureDoc } from './docs.ts'
import { ApigError } from './error.ts'
import { Fields } from './fields.ts'

type Effect = (before: ApigFeatures, config: Fields, enable: boolean) => ApigFeatures

const isOn = (config: Fields, enable: boolean): boolean =>
  enable && config.choice('enable', ['on', 'off'], 'on') === 'on'

const MIB = 1024 * 1024

/** The switches that this gateway has, and what each does. */
const FEATURES: Readonly<Record<string, Effect>> = {
  ratelimit: (before, config, enable) => ({
    ...before,
    apiLimitPerSecond: enable ? config.wholeOr('api_limits', null, 1, 1_000_000) : null,
  }),
  request_body_size: (before, config, enable) => ({
    ...before,
    bodyBytesMax: enable ? config.wholeOr('request_body_size', 12, 1, 9_536) * MIB : defaultFeatures.bodyBytesMax,
  }),
  real_ip_from_xff: (before, config, enable) => ({
    ...before,
    realIp: isOn(config, enable)
      ? { header: 'x-forwarded-for', index: config.wholeOr('xff_index', -1, -1_000, 1_000) }
      : null,
  }),
  real_ip_header_getter: (before, config, enable) => {
    if (!isOn(config, enable)) return before
    const getter = config.text('header_getter', { pattern: /^header:[A-Za-z0-9-]+$/, rule: 'header:NAME' })
    return { ...before, realIp: { header: getter.slice('header:'.length).toLowerCase(), index: 0 } }
  },
  app_basic: (before, config, enable) => ({ ...before, basic: isOn(config, enable) }),
  app_secret: (before, config, enable) => ({ ...before, appSecret: isOn(config, enable) }),
  custom_auth_header: (before, config, enable) => {
    const header = isOn(config, enable)
      ? config.textOr('app_auth_header', 'authorization', { pattern: /^[A-Za-z0-9-]+$/, rule: 'a header name' })
      : 'authorization'
    return { ...before, authHeader: header.toLowerCase() }
  },
}

export const FEATURE_NAMES: readonly string[] = Object.keys(FEATURES)

/** `config` is a JSON object as text. Throws ApigError for what it cannot mean. */
export function applyFeature(before: ApigFeatures, { id, enable, config }: FeatureDoc): ApigFeatures {
  const effect = Object.hasOwn(FEATURES, id) ? FEATURES[id] : undefined
  if (effect === undefined) {
    throw ApigError.field(
      'APIG.2012',
      'name',
      `one of ${FEATURE_NAMES.join(', ')}: ${id.slice(0, 64)} is not supported`,
    )
  }
  let value: unknown = {}
  try {
    if (config !== '') value = JSON.parse(config)
  } catch {
    throw ApigError.field('APIG.2012', 'config', 'a JSON object as text')
  }
  if (value === 'on' || value === 'off') value = { enable: value }
  return effect(before, new Fields(value, 'config'), enable)
}

export const featuresOf = (docs: readonly FeatureDoc[]): ApigFeatures => docs.reduce(applyFeature, defaultFeatures)
