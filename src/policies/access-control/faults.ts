/** Source: Apigee's reference of the AccessControl policy. */
export const faults = {
  IPDeniedAccess: {
    code: 'accesscontrol.IPDeniedAccess',
    status: 403,
    message: 'Access Denied for client ip : {1}',
    cause: 'The first rule that matches the address denies it, or none matches and noRuleMatchAction is DENY.',
  },
}
