/**
 * The management codes of APIG (its API reference, "Error codes"): status and the words before the parameter.
 * What is wrong and what would be right follows.
 */
export const MANAGEMENT_ERRORS = {
  'APIG.1002': { status: 401, message: 'Incorrect token or token resolution failed' },
  'APIG.2000': { status: 400, message: 'Parameter error' },
  'APIG.2001': { status: 400, message: 'The parameter is missing' },
  'APIG.2002': { status: 400, message: 'The parameter value is too small' },
  'APIG.2003': { status: 400, message: 'The parameter value is too large' },
  'APIG.2004': { status: 400, message: 'The parameter value is out of range' },
  'APIG.2011': { status: 400, message: 'Invalid parameter value' },
  'APIG.2012': { status: 400, message: 'Invalid parameter value' },
  'APIG.2013': { status: 400, message: 'Invalid characters in the parameter value' },
  'APIG.3001': { status: 404, message: 'The API group does not exist' },
  'APIG.3002': { status: 404, message: 'The API does not exist' },
  'APIG.3003': { status: 404, message: 'The environment does not exist' },
  'APIG.3004': { status: 404, message: 'The app does not exist' },
  'APIG.3005': { status: 404, message: 'The request throttling policy does not exist' },
  'APIG.3006': { status: 404, message: 'The access control policy does not exist' },
  'APIG.3011': { status: 404, message: 'The environment variable does not exist' },
  'APIG.3012': { status: 404, message: 'The request throttling policy is not bound to the API' },
  'APIG.3013': { status: 404, message: 'The excluded request throttling configuration does not exist' },
  'APIG.3014': { status: 404, message: 'The record does not exist' },
  'APIG.3015': { status: 404, message: 'The publication record does not exist' },
  'APIG.3201': { status: 400, message: 'The API group name already exists' },
  'APIG.3202': { status: 400, message: 'The API name already exists' },
  'APIG.3203': { status: 400, message: 'The app name already exists' },
  'APIG.3204': { status: 400, message: 'The request throttling policy name already exists' },
  'APIG.3205': { status: 400, message: 'The environment name already exists' },
  'APIG.3206': { status: 400, message: 'The access control policy name already exists' },
  'APIG.3207': { status: 400, message: 'The name already exists' },
  'APIG.3301': { status: 400, message: 'The number of resources exceeds the quota' },
  'APIG.3407': { status: 409, message: 'The resource comes from the configuration file of this gateway' },
  'APIG.3415': { status: 403, message: 'The API group cannot be deleted: it has APIs' },
  'APIG.3416': { status: 403, message: 'The API cannot be deleted: it has been published' },
  'APIG.3418': { status: 403, message: 'The environment cannot be deleted: APIs are published in it' },
  'APIG.3447': { status: 403, message: 'The access control policy cannot be deleted: it is bound to APIs' },
  'APIG.3451': { status: 403, message: 'The request throttling policy cannot be deleted: it is bound to APIs' },
  'APIG.3452': { status: 403, message: 'The resource cannot be deleted: it is in use' },
  'APIG.3491': { status: 403, message: 'The default gateway response cannot be deleted' },
  'APIG.3707': { status: 409, message: 'The API has not been published in the environment' },
} as const

export type ManagementCode = keyof typeof MANAGEMENT_ERRORS

/** Why a change was refused; nothing was changed. */
export class ApigError extends Error {
  readonly code: ManagementCode
  readonly status: number
  /** Where in the body, by keys joined with dots; '' when it is not about one field. */
  readonly path: string
  /** What is wrong and what would be right, for where the place is shown otherwise. */
  readonly detail: string

  private constructor(code: ManagementCode, message: string, path: string, detail: string) {
    super(message)
    this.detail = detail
    this.code = code
    this.status = MANAGEMENT_ERRORS[code].status
    this.path = path
  }

  /** About one field of the body. `rule`: what would be right. */
  static field(code: ManagementCode, path: string, rule: string): ApigError {
    const { message } = MANAGEMENT_ERRORS[code]
    const text = `${message},parameterName:${path}. Please refer to the support documentation: ${rule}`
    return new ApigError(code, text, path, `${message.toLowerCase()}: ${rule}`)
  }

  static of(code: ManagementCode, detail: string, path = ''): ApigError {
    const { message } = MANAGEMENT_ERRORS[code]
    const text = detail === '' ? message : `${message}: ${detail}`
    return new ApigError(code, text, path, text)
  }
}
