/** Source: Apigee's reference of the SpikeArrest policy. Edge's older 500 is 429 here, as its newer organisations have it. */
export const faults = {
  SpikeArrestViolation: {
    code: 'policies.ratelimit.SpikeArrestViolation',
    status: 429,
    message: 'Spike arrest violation. Allowed rate : {1}',
    cause: 'The call came too soon after another one.',
  },
  InvalidMessageWeight: {
    code: 'policies.ratelimit.InvalidMessageWeight',
    status: 500,
    message: 'Invalid message weight value {1}',
    cause: 'The variable of MessageWeight holds no whole number from 1.',
  },
  FailedToResolveSpikeArrestRate: {
    code: 'policies.ratelimit.FailedToResolveSpikeArrestRate',
    status: 500,
    message: 'Failed to resolve Spike Arrest Rate reference {1} in SpikeArrest policy {policy}',
    cause: 'The variable of Rate is not set or holds no rate, and Rate has no text.',
  },
}
