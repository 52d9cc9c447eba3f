import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import type { CompileEnv } from '../../engine/policy.ts'
import type { QuotaUnit } from '../../model/consumers.ts'
import type { faults } from './faults.ts'
import { COUNT_MAX, type Config, type Given, INTERVAL_MAX, unitOf, wholeOf } from './parse.ts'

type Env = CompileEnv<keyof typeof faults>

/** What holds for one call. */
export interface Limits {
  readonly count: number
  readonly interval: number
  readonly unit: QuotaUnit
  readonly weight: number
  /** Empty: none. */
  readonly className: string
}

type Read<T> = (x: Exchange) => T | Fault

/** Reads the limits of a call: written ones, variables, the class, the product that a VerifyAPIKey step found. */
export function limitsReader(config: Config, env: Env): Read<Limits> {
  const { productStep } = config
  const ofProduct = (name: string, given: Given<never> | Given<number> | Given<QuotaUnit>): string =>
    productStep === '' ? given.ref : `verifyapikey.${productStep}.apiproduct.developer.quota.${name}`
  const whole = (min: number, max: number) => (text: string) => wholeOf(text, min, max)
  const refs = {
    count: ofProduct('limit', config.allow),
    interval: ofProduct('interval', config.interval),
    unit: ofProduct('timeunit', config.unit),
  }
  const count = reader(env, { ...config.allow, ref: refs.count }, whole(0, COUNT_MAX), () =>
    env.fault('FailedToResolveQuotaCountReference', refs.count),
  )
  const interval = reader(env, { ...config.interval, ref: refs.interval }, whole(1, INTERVAL_MAX), () =>
    env.fault('FailedToResolveQuotaIntervalReference', refs.interval),
  )
  const unit = reader(env, { ...config.unit, ref: refs.unit }, unitOf, () =>
    env.fault('FailedToResolveQuotaIntervalTimeUnitReference', refs.unit),
  )
  const weight = reader(
    env,
    config.weight,
    whole(0, COUNT_MAX),
    (text) => env.fault('InvalidMessageWeight', text.slice(0, 100)),
    true,
  )
  const classes = config.classes
  const classVariable = classes === null ? null : env.variable(classes.ref)
  return (x) => {
    const className = classVariable === null ? '' : toText(classVariable.get(x))
    const ofClass = className === '' ? undefined : classes!.counts[className]
    const found = ofClass ?? count(x)
    if (typeof found === 'object') return found
    const foundInterval = interval(x)
    if (typeof foundInterval === 'object') return foundInterval
    const foundUnit = unit(x)
    if (typeof foundUnit === 'object') return foundUnit
    const foundWeight = weight(x)
    if (typeof foundWeight === 'object') return foundWeight
    return {
      count: found,
      interval: foundInterval,
      unit: foundUnit,
      weight: foundWeight,
      className: ofClass === undefined ? '' : className,
    }
  }
}

/** The variable where it holds something good, else what is written, else the fault. `strict`: a bad variable is a fault. */
function reader<T extends number | string>(
  env: Env,
  { ref, value }: Given<T>,
  parse: (text: string) => T | null,
  fault: (text: string) => Fault,
  strict = false,
): Read<T> {
  if (ref === '') return () => value ?? fault('')
  const variable = env.variable(ref)
  return (x) => {
    const text = toText(variable.get(x)).trim()
    const found = text === '' ? null : parse(text)
    if (found !== null) return found
    return strict && text !== '' ? fault(text) : (value ?? fault(text))
  }
}
