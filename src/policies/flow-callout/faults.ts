/** Source: Apigee's reference of the FlowCallout policy; depth and number are ours. */
export const faults = {
  SharedFlowNotFound: {
    code: 'flow.SharedFlowNotFound',
    status: 500,
    message: 'Shared Flow {1} Not Found',
    cause: 'No shared flow of that name is deployed in the environment.',
  },
  SharedFlowsTooDeep: {
    code: 'flow.SharedFlowsTooDeep',
    status: 500,
    message: 'FlowCallout[{policy}]: shared flows call each other more than {1} deep',
    cause: 'A shared flow calls itself, directly or through others.',
  },
  TooManySharedFlows: {
    code: 'flow.TooManySharedFlows',
    status: 500,
    message: 'FlowCallout[{policy}]: more than {1} shared flows in one call',
    cause: 'Shared flows call each other, or themselves, too often.',
  },
}
