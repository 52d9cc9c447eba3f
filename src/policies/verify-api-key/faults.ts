/** Source: Apigee's reference of the VerifyAPIKey policy. */
export const faults = {
  FailedToResolveAPIKey: {
    code: 'steps.oauth.v2.FailedToResolveAPIKey',
    status: 401,
    message: 'Failed to resolve API Key variable {1}',
    cause: 'The variable that APIKey names is not set: the call has no key.',
  },
  InvalidApiKey: {
    code: 'oauth.v2.InvalidApiKey',
    status: 401,
    message: 'Invalid ApiKey',
    cause: 'No app has this key, or the key has expired.',
  },
  ApiKeyNotApproved: {
    code: 'oauth.v2.ApiKeyNotApproved',
    status: 401,
    message: 'ApiKey is not approved',
    cause: 'The key is revoked or waits for approval, or every product of it that fits does.',
  },
  AppNotApproved: {
    code: 'keymanagement.service.invalid_client-app_not_approved',
    status: 401,
    message: 'Invalid client identifier {1}',
    cause: 'The app is revoked or waits for approval.',
  },
  DeveloperStatusNotActive: {
    code: 'keymanagement.service.DeveloperStatusNotActive',
    status: 401,
    message: 'Developer Status is not Active',
    cause: 'The developer of the app is inactive.',
  },
  NoProduct: {
    code: 'keymanagement.service.consumer_key_missing_api_product_association',
    status: 400,
    message: 'Consumer key is missing an API product association',
    cause: 'The key has no product.',
  },
  InvalidApiKeyForGivenResource: {
    code: 'oauth.v2.InvalidApiKeyForGivenResource',
    status: 401,
    message: 'Invalid ApiKey for given resource',
    cause: 'No product of the key opens this proxy, environment and path.',
  },
}
