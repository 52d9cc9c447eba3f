import type { KeyHolder } from '../../engine/applications.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Value } from '../../engine/language/value.ts'
import type { ApiProduct } from '../../model/consumers.ts'

type Read = (holder: KeyHolder, product: ApiProduct) => Value

/**
 * What the policy tells of the caller. Short names hold for the call, those with a policy's name in front for that policy.
 * Source: Apigee's reference of the VerifyAPIKey policy, "Flow variables".
 */
const OWN: Readonly<Record<string, Read>> = {
  client_id: ({ key }) => key.key,
  client_secret: ({ key }) => key.secret,
  redirection_uris: ({ app }) => app.callbackUrl,
  'developer.app.id': ({ app }) => app.id,
  'developer.app.name': ({ app }) => app.name,
  'developer.id': ({ developer }) => developer.id,
  'app.name': ({ app }) => app.name,
  'app.id': ({ app }) => app.id,
  'app.callbackUrl': ({ app }) => app.callbackUrl,
  'app.status': ({ app }) => app.status,
  'app.appFamily': () => 'default',
  'app.appParentStatus': ({ developer }) => statusOf(developer.active),
  'app.appType': () => 'Developer',
  'app.appParentId': ({ developer }) => developer.id,
  'developer.userName': ({ developer }) => developer.userName,
  'developer.firstName': ({ developer }) => developer.firstName,
  'developer.lastName': ({ developer }) => developer.lastName,
  'developer.email': ({ developer }) => developer.email,
  'developer.status': ({ developer }) => statusOf(developer.active),
  'developer.apps': ({ developer }) => developer.apps.map(({ name }) => name),
  'apiproduct.name': (_, product) => product.name,
  'apiproduct.displayName': (_, product) => product.displayName,
  'apiproduct.apiproxies': (_, product) => product.proxies,
  'apiproduct.environments': (_, product) => product.environments,
  'apiproduct.resources': (_, product) => product.resources,
  'apiproduct.scopes': (_, product) => product.scopes,
  'apiproduct.developer.quota.limit': (_, product) => product.quota && String(product.quota.limit),
  'apiproduct.developer.quota.interval': (_, product) => product.quota && String(product.quota.interval),
  'apiproduct.developer.quota.timeunit': (_, product) => product.quota?.unit ?? null,
}

const FLAT: Readonly<Record<string, Read>> = {
  client_id: OWN['client_id']!,
  'developer.id': OWN['developer.id']!,
  'developer.email': OWN['developer.email']!,
  'developer.app.name': OWN['app.name']!,
  'developer.app.id': OWN['app.id']!,
  'app.name': OWN['app.name']!,
  'app.id': OWN['app.id']!,
  'apiproduct.name': OWN['apiproduct.name']!,
  'apiproduct.developer.quota.limit': OWN['apiproduct.developer.quota.limit']!,
  'apiproduct.developer.quota.interval': OWN['apiproduct.developer.quota.interval']!,
  'apiproduct.developer.quota.timeunit': OWN['apiproduct.developer.quota.timeunit']!,
}

const ownNames = Object.keys(OWN)
const flatNames = Object.keys(FLAT)

export function setVariables(x: Exchange, policy: string, holder: KeyHolder, product: ApiProduct): void {
  const prefix = `verifyapikey.${policy}.`
  for (const name of ownNames) x.set(prefix + name, OWN[name]!(holder, product))
  for (const name of flatNames) x.set(name, FLAT[name]!(holder, product))
  setAttributes(x, `${prefix}app.`, holder.app.attributes)
  setAttributes(x, `${prefix}developer.`, holder.developer.attributes)
  setAttributes(x, `${prefix}apiproduct.`, product.attributes)
}

function setAttributes(x: Exchange, prefix: string, attributes: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(attributes)) x.set(prefix + name, attributes[name]!)
}

const statusOf = (active: boolean): string => (active ? 'active' : 'inactive')
