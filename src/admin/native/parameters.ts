// Schemas of what a call of the native API may ask for. Only plain data: building them with the library would load 700 files at
// start, a fifth of the time that a start may take.

/** Every call takes the parameters that may carry the token. */
export const tokenParameters = { access_token: { type: 'string' }, provider_key: { type: 'string' } } as const

export const noParameters = {
  type: 'object',
  properties: { access_token: { type: 'string' }, provider_key: { type: 'string' } },
  additionalProperties: false,
} as const

export const name = { type: 'string', minLength: 1, maxLength: 255 } as const

/** The names of `ranges.ts`. */
export const rangeParameters = {
  last: { type: 'string', enum: ['1h', '24h', '7d', '30d', '12m'] },
  since: { type: 'string', maxLength: 40 },
  until: { type: 'string', maxLength: 40 },
  granularity: { type: 'string', enum: ['minute', 'quarter', 'hour', 'day', 'month'] },
  timezone: { type: 'string', maxLength: 64 },
} as const

/** What calls can be told apart by, as filters. '' asks for those that have none. */
export const callFilters = {
  status: { type: 'integer', minimum: 0, maximum: 999 },
  class: { type: 'string', enum: ['1XX', '2XX', '3XX', '4XX', '499', '5XX', 'other'] },
  answeredBy: { type: 'string', enum: ['gateway', 'policy', 'callout', 'target', 'client'] },
  proxy: { type: 'string', maxLength: 255 },
  application: { type: 'string', maxLength: 255 },
  service: { type: 'string', maxLength: 255 },
  method: { type: 'string', maxLength: 32 },
  errorCode: { type: 'string', maxLength: 255 },
} as const
