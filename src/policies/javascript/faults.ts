/** What a Javascript policy can fail with (Apigee's reference of the policy, "Error reference"). */
export const faults = {
  ScriptExecutionFailed: {
    status: 500,
    message: 'Execution of {policy} failed with error: {1}',
    cause: 'The script or one of its callbacks threw, ran longer than timeLimit, or took more memory than it may.',
  },
} as const
