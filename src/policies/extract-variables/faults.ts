/** What ExtractVariables can fail with. Codes and texts: Apigee's playbook "Extract Variables runtime errors". */
export const faults = {
  ExecutionFailed: {
    status: 500,
    message: 'Failed to execute the ExtractVariables: {policy}',
    cause:
      'The payload is empty, malformed, has a DTD, or is too large or too costly for the expression (the README has the limits).',
  },
  ImmutableVariable: {
    status: 500,
    message: 'Variable {1} is immutable: it cannot be set from ExtractVariables: {policy}',
    cause: 'A variable that the policy should set is read-only.',
  },
  InvalidJSONPath: {
    status: 500,
    message: 'Invalid JSON path {1} in policy {policy}.',
    cause: 'There is nothing at that path, and IgnoreUnresolvedVariables is false; or the filled-in path is none.',
  },
  JsonPathParsingFailure: {
    status: 500,
    // Twice "for": so it is in the playbook.
    message: 'ExtractVariables {policy}: Json path parsing failed for for flow variables {1}',
    cause: 'Source is a variable, not a message, and holds nothing or no JSON.',
  },
  SetVariableFailed: {
    status: 500,
    message: 'Failed to set variable {1} value {2} from ExtractVariables: {policy}',
    cause: 'a.b.c cannot be set while a.b holds a value.',
  },
  SourceMessageNotAvailable: {
    status: 500,
    message: '{1} message is not available for ExtractVariable: {policy}',
    cause: 'The message or variable in Source does not exist (yet), for example the response in a request flow.',
  },
  UnableToCast: {
    status: 500,
    message: 'Unable to cast value {1} as {2}.',
    cause: 'The value that was found is not of the type that Variable names.',
  },
} as const

export type ExtractFault = keyof typeof faults
