/** What a SYSTEM parameter may be (APIG, "System parameters"). */
export const CONTEXT_NAME: RegExp =
  /^\$context\.(?:(?:sourceIp|stage|apiId|apiName|appId|appName|requestId|serverAddr|serverName|handleTime|providerAppId)|authorizer\.(?:frontend|backend)\.[A-Za-z0-9_-]{1,64})$/
