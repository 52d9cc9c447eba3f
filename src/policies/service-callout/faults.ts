/** What a ServiceCallout can fail with (Apigee's reference of the policy, "Errors"). */
export const faults = {
  ExecutionFailed: {
    status: 500,
    message: 'Execution of ServiceCallout {policy} failed. Reason: {1}',
    cause:
      'The answer is outside success.codes, there is none (unreachable, Timeout, cut off), or the request is malformed.',
    by: 'callout',
  },
  RequestVariableNotMessageType: {
    status: 500,
    message: 'ServiceCallout[{policy}]: request variable {1} value is not of type Message',
    cause: 'The variable that Request names does not exist, or holds something else than a message.',
  },
  RequestVariableNotRequestMessageType: {
    status: 500,
    message: 'ServiceCallout[{policy}]: request variable {1} value is not of type Request Message',
    cause: 'The variable that Request names holds a response.',
  },
} as const

export type CalloutFault = keyof typeof faults
