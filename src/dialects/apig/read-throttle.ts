import { parseThrottle } from '../../model/throttle.ts'
import type { ThrottleDoc, TimeUnitDoc } from './docs.ts'
import { ApigError, type ManagementCode } from './error.ts'
import { type Fields, NAME, REMARK } from './fields.ts'

export const UNIT_DOCS: readonly TimeUnitDoc[] = ['SECOND', 'MINUTE', 'HOUR', 'DAY']

export type ThrottleBody = Omit<ThrottleDoc, 'id' | 'create_time'>

/** The vendor's field for each of the model's. */
const FIELD_OF: Readonly<Record<string, string>> = {
  name: 'name',
  intervalCount: 'time_interval',
  unit: 'time_unit',
  'limits.api': 'api_call_limits',
  'limits.user': 'user_call_limits',
  'limits.app': 'app_call_limits',
  'limits.ip': 'ip_call_limits',
  limits: 'api_call_limits',
}

/** A throttling policy; the relations of its limits are the model's own rules. Throws ApigError. */
export function readThrottle(fields: Fields): ThrottleBody {
  const limit = (name: string): number => fields.wholeOr(name, 0, 0, 2_147_483_647)
  const body: ThrottleBody = {
    name: fields.text('name', NAME),
    type: fields.wholeOr('type', 1, 1, 2),
    time_interval: fields.whole('time_interval', 1, 2_147_483_647),
    time_unit: fields.choice('time_unit', UNIT_DOCS, 'MINUTE'),
    api_call_limits: fields.whole('api_call_limits', 0, 2_147_483_647),
    user_call_limits: limit('user_call_limits'),
    app_call_limits: limit('app_call_limits'),
    ip_call_limits: limit('ip_call_limits'),
    remark: fields.textOr('remark', '', REMARK),
    enable_adaptive_control: fields.choice('enable_adaptive_control', ['TRUE', 'FALSE'], 'FALSE'),
  }
  const { problems } = parseThrottle(throttleFields(body))
  const first = problems[0]
  if (first !== undefined) {
    const code: ManagementCode = first.path.startsWith('limits.') ? 'APIG.2003' : 'APIG.2012'
    throw ApigError.field(code, FIELD_OF[first.path] ?? first.path, `it ${first.message}`)
  }
  return body
}

/** As the model reads it, without special ones. */
export function throttleFields(body: ThrottleBody): Record<string, unknown> {
  return {
    name: body.name,
    intervalCount: body.time_interval,
    unit: body.time_unit.toLowerCase(),
    shared: body.type === 2,
    limits: {
      api: body.api_call_limits,
      user: body.user_call_limits,
      app: body.app_call_limits,
      ip: body.ip_call_limits,
    },
  }
}
