import { CACHING_MODES } from '../../model/auth-rep.ts'
import { SECTION_KEYS } from '../apig/section.ts'
import { accountKeys, serviceKeys } from './account-keys.ts'
import { developerKeys, productKeys } from './consumer-keys.ts'
import { maskKeys } from './masks.ts'
import type { ConfigKey, Shape } from './shape.ts'
import { keyStoreKeys, referenceKeys, targetServerKeys } from './store-keys.ts'

/** One takes 1 to 8 KB without bodies. */
const RECENT_CALLS_MAX = 100_000

/** In milliseconds or counts alike: what fits 32 bits everywhere. */
const COUNT_MAX = 2_147_483_647

const text: Shape = { type: 'text' }
const name: Shape = { type: 'text', charactersMax: 255 }
const flag: Shape = { type: 'flag' }
const limit: Shape = { type: 'whole', min: 0, max: COUNT_MAX }
const keys = (...list: ConfigKey[]): Shape => ({ type: 'keys', keys: list })
const listOf = (of: Shape): Shape => ({ type: 'list', of })
const later = (key: string, doc: string): ConfigKey => ({ name: key, shape: { type: 'later' }, doc })

const throttleKeys: readonly ConfigKey[] = [
  {
    name: 'name',
    shape: name,
    required: true,
    doc: 'Name that apis refer to: 3 to 64 letters, digits and underscores.',
  },
  {
    name: 'per',
    shape: keys(
      { name: 'interval', shape: limit, otherwise: '1', doc: 'Length of the window in units.' },
      { name: 'unit', shape: name, required: true, doc: 'second, minute, hour or day.' },
    ),
    required: true,
    doc: 'The window that serves all limits of the throttle.',
  },
  { name: 'api', shape: limit, otherwise: '0', doc: 'Calls to the API in a window; 0: no limit.' },
  { name: 'user', shape: limit, otherwise: '0', doc: 'Calls of one user in a window, at most api.' },
  { name: 'app', shape: limit, otherwise: '0', doc: 'Calls of one application in a window, at most user.' },
  { name: 'ip', shape: limit, otherwise: '0', doc: 'Calls of one client address in a window, at most api.' },
  { name: 'shared', shape: flag, otherwise: 'false', doc: 'One count over all APIs bound to it.' },
  {
    name: 'services',
    shape: listOf(name),
    doc: 'Ids of services of an APIcast configuration that are loaded beside this file: bound to this throttle.',
  },
  {
    name: 'special',
    shape: listOf(
      keys(
        {
          name: 'type',
          shape: { type: 'choice', of: ['app', 'user'] },
          required: true,
          doc: 'Whose limit is replaced.',
        },
        { name: 'id', shape: name, required: true, doc: 'Id of the application or user.' },
        { name: 'limit', shape: limit, required: true, doc: 'Its own limit in a window.' },
      ),
    ),
    doc: 'Limits for single applications and users.',
  },
]

const apiKeys: readonly ConfigKey[] = [
  { name: 'bundle', shape: text, doc: 'An Apigee proxy, folder or zip, relative to the file.' },
  { name: 'name', shape: name, doc: 'Short form: name of the proxy. With bundle: replaces the name in it.' },
  { name: 'basePath', shape: text, doc: 'Short form: where the proxy answers.' },
  { name: 'target', shape: text, doc: 'Short form: the http or https URL that is called.' },
  { name: 'service', shape: name, doc: 'Id or systemName of the service whose statistics it uses.' },
  { name: 'throttle', shape: name, doc: 'Name of a throttle.' },
]

/** Every key of `postern.yaml`, in the order of the reference. */
export const configKeys: readonly ConfigKey[] = [
  { name: 'version', shape: { type: 'whole', min: 1, max: 1 }, required: true, doc: 'Version of this format.' },
  { name: 'organization', shape: name, otherwise: 'postern', doc: "Apigee's organisation, as variables show it." },
  { name: 'environment', shape: name, otherwise: 'test', doc: "Apigee's environment, as variables show it." },
  {
    name: 'dialect',
    shape: { type: 'choice', of: ['apigee', 'apicast', 'apig'] },
    otherwise: 'apicast where nothing but APIcast services are served, else apigee',
    doc: 'Whose words the gateway uses before any proxy is known, and those of the short form.',
  },
  { name: 'responseCodes', shape: flag, otherwise: 'false', doc: "Count response codes for 3scale's statistics." },
  {
    name: 'debug',
    shape: keys({
      name: 'allow',
      shape: { type: 'choice', of: ['everyone', 'loopback', 'token', 'nobody'] },
      otherwise: 'everyone',
      doc: 'Who gets debug headers for X-Apig-Mode: debug. token: who sends one of POST /api/debug-tokens as X-Postern-Debug.',
    }),
    doc: "APIG's debug headers.",
  },
  { name: 'apis', shape: listOf(keys(...apiKeys)), doc: 'What is served: bundles, or the short form.' },
  { name: 'throttles', shape: listOf(keys(...throttleKeys)), doc: "APIG's request throttling policies." },
  {
    name: 'gatewayLimitPerSecond',
    shape: limit,
    otherwise: '200 for APIs of the apig dialect, 0 for others',
    doc: 'Limit of each API over all environments; 0: none.',
  },
  {
    name: 'rateLimitFields',
    shape: flag,
    otherwise: 'true',
    doc: 'Retry-After and the RateLimit fields of the IETF (draft 11) in answers of what is throttled.',
  },
  {
    name: 'apig',
    shape: { type: 'open', what: `a set of keys (${SECTION_KEYS.map((key) => key.name).join(', ')})` },
    doc: `APIs of the apig dialect, as bodies of its management API: ${SECTION_KEYS.map((key) => `${key.name}: ${key.doc}`).join(' ')}`,
  },
  { name: 'services', shape: listOf(keys(...serviceKeys)), doc: "3scale's services." },
  {
    name: 'virtualHosts',
    shape: listOf(
      keys(
        { name: 'name', shape: name, required: true, doc: 'As proxy endpoints name it.' },
        { name: 'hostAliases', shape: listOf(text), required: true, doc: 'Host names, without port.' },
      ),
    ),
    doc: 'Host names of the environment. Calls for a host that is bound to none are routed by path among all proxies.',
  },
  {
    name: 'tls',
    shape: keys({
      name: 'edgeCompatible',
      shape: flag,
      otherwise: 'false',
      doc: 'true: https without a TrustStore accepts any certificate, as Edge does.',
    }),
    doc: 'Calls to https backends.',
  },
  {
    name: 'hostMap',
    shape: { type: 'pairs' },
    doc: 'Sends outbound calls elsewhere: origin to origin, as --host-map does.',
  },
  {
    name: 'authCachingMode',
    shape: { type: 'choice', of: CACHING_MODES },
    otherwise: 'strict',
    doc: 'What services with a proxy do while a back end elsewhere is away (BACKEND_ENDPOINT_OVERRIDE).',
  },
  { name: 'targetServers', shape: listOf(keys(...targetServerKeys)), doc: 'Servers that LoadBalancer names.' },
  { name: 'accounts', shape: listOf(keys(...accountKeys)), doc: 'Accounts and their applications.' },
  {
    name: 'sharedFlows',
    shape: listOf(text),
    doc: 'Shared flows of Apigee: folders or zips, relative to this file.',
  },
  {
    name: 'flowHooks',
    shape: keys(
      { name: 'PreProxyFlowHook', shape: name, doc: 'Before the request flows of every proxy.' },
      { name: 'PreTargetFlowHook', shape: name, doc: 'Before the request flows of every target.' },
      { name: 'PostTargetFlowHook', shape: name, doc: 'After the response flows of every target.' },
      { name: 'PostProxyFlowHook', shape: name, doc: 'After the response flows of every proxy.' },
    ),
    doc: 'Shared flows, by name, that run around every proxy.',
  },
  {
    name: 'keyStores',
    shape: listOf(keys(...keyStoreKeys)),
    doc: 'Key stores (aliases with a key) and trust stores (certificates only) for SSLInfo.',
  },
  {
    name: 'references',
    shape: listOf(keys(...referenceKeys)),
    doc: 'Names that SSLInfo may use as ref://name for a store.',
  },
  {
    name: 'caches',
    shape: listOf(
      keys(
        {
          name: 'name',
          shape: { type: 'text', charactersMax: 255 },
          required: true,
          doc: 'As CacheResource names it.',
        },
        {
          name: 'expirySeconds',
          shape: { type: 'whole', min: 1, max: 2_147_483_647 },
          otherwise: '300',
          doc: 'Life of an entry that has no time of its own.',
        },
      ),
    ),
    doc: 'Caches of the environment.',
  },
  {
    name: 'keyValueMaps',
    shape: listOf(
      keys(
        { name: 'name', shape: name, required: true, doc: 'As mapIdentifier names it.' },
        {
          name: 'scope',
          shape: { type: 'choice', of: ['organization', 'environment', 'apiproxy'] },
          otherwise: 'environment',
          doc: 'Whose map it is.',
        },
        { name: 'api', shape: name, doc: 'Name of the proxy, for the scope apiproxy.' },
        {
          name: 'encrypted',
          shape: flag,
          otherwise: 'false',
          doc: 'Its values go into variables private.* only, and no answer shows them.',
        },
        { name: 'entries', shape: { type: 'pairs' }, doc: 'Key: value. Written at each start; other entries stay.' },
      ),
    ),
    doc: 'Key value maps, for KeyValueMapOperations.',
  },
  { name: 'products', shape: listOf(keys(...productKeys)), doc: "Apigee's API products." },
  { name: 'developers', shape: listOf(keys(...developerKeys)), doc: "Apigee's developers, their apps and keys." },
  { name: 'masks', shape: listOf(keys(...maskKeys)), doc: 'What traces and recent calls hide.' },
  later('plans', 'Plans with their limits.'),
  {
    name: 'recentCalls',
    shape: keys(
      {
        name: 'max',
        shape: { type: 'whole', min: 0, max: RECENT_CALLS_MAX },
        otherwise: '10000',
        doc: 'Calls that are kept, over all threads; the oldest go first. 0: none.',
      },
      {
        name: 'hours',
        shape: { type: 'whole', min: 1, max: 720 },
        otherwise: '24',
        doc: 'Older ones are forgotten. None outlives the process.',
      },
      {
        name: 'bodies',
        shape: flag,
        otherwise: 'false',
        doc: 'Keep the first 4,096 characters of text bodies too, after masks. With at most 10000 calls.',
      },
    ),
    doc: 'What explain can look back at. Queries are kept without secrets, headers are not kept at all.',
  },
]
