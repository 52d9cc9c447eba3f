/** Source: Apigee's reference of the ResetQuota policy. */
export const faults = {
  InvalidRLPolicy: {
    code: 'policies.resetquota.InvalidRLPolicy',
    status: 500,
    message: 'ResetQuota {policy}: "{1}" is no number of calls',
    cause: 'The variable of Allow holds no whole number.',
  },
}
