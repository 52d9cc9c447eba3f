/** Source: Apigee's reference of the Quota policy. Edge's older 500 is 429 here, as its newer organisations have it. */
export const faults = {
  QuotaViolation: {
    code: 'policies.ratelimit.QuotaViolation',
    status: 429,
    message: 'Rate limit quota violation. Quota limit  exceeded. Identifier : {1}',
    cause: 'The calls of this window are used up.',
  },
  InvalidMessageWeight: {
    code: 'policies.ratelimit.InvalidMessageWeight',
    status: 500,
    message: 'Invalid message weight value {1}',
    cause: 'The variable of MessageWeight holds no whole number from 0.',
  },
  FailedToResolveQuotaIntervalReference: {
    code: 'policies.ratelimit.FailedToResolveQuotaIntervalReference',
    status: 500,
    message: 'Failed to resolve quota interval reference {1} in quota policy {policy}',
    cause: 'The variable of Interval holds no whole number from 1, and Interval has no text.',
  },
  FailedToResolveQuotaIntervalTimeUnitReference: {
    code: 'policies.ratelimit.FailedToResolveQuotaIntervalTimeUnitReference',
    status: 500,
    message: 'Failed to resolve quota time unit reference {1} in quota policy {policy}',
    cause: 'The variable of TimeUnit holds no unit, and TimeUnit has no text.',
  },
  FailedToResolveQuotaCountReference: {
    code: 'policies.ratelimit.FailedToResolveQuotaCountReference',
    status: 500,
    message: 'Failed to resolve quota count reference {1} in quota policy {policy}',
    cause: 'The variable of Allow holds no whole number, and Allow has no count.',
  },
}
