import type { FaultRow } from '../../engine/fault.ts'

export type AuthRepFault = 'AuthMissing' | 'AuthFailed' | 'NoMatch' | 'LimitsExceeded'

export const faults: Readonly<Record<AuthRepFault, FaultRow>> = {
  AuthMissing: {
    status: 401,
    message: 'Authentication parameters missing',
    cause: 'The call brings no credentials, or not all that the service wants.',
  },
  AuthFailed: {
    status: 403,
    message: 'Authentication failed',
    cause: 'The accounts of the service refuse the call, or cannot be asked and do not know it.',
  },
  NoMatch: { status: 404, message: 'No Mapping Rule matched', cause: 'No mapping rule fits the call.' },
  LimitsExceeded: { status: 429, message: 'Limits exceeded', cause: 'A limit of the plan is reached.' },
}
