/** Source: Apigee's reference of the BasicAuthentication policy. */
export const faults = {
  InvalidBasicAuthenticationSource: {
    status: 500,
    message: 'Source variable : {1} for basic authentication decode policy : {policy} is invalid',
    cause: 'The source is no Basic header that holds a user and a password.',
  },
  UnresolvedVariable: {
    status: 500,
    message: 'Unresolved variable : {1}',
    cause: 'A variable that is read is not set, and IgnoreUnresolvedVariables is false.',
  },
}
