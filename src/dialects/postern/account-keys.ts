import { PERIODS } from '../../core/calendar.ts'
import { BACKEND_VERSIONS } from '../../model/service.ts'
import type { ConfigKey, Shape } from './shape.ts'

// The keys of 3scale's services, plans, accounts and applications.

const text: Shape = { type: 'text' }
const name: Shape = { type: 'text', charactersMax: 255 }
const keys = (...list: ConfigKey[]): Shape => ({ type: 'keys', keys: list })
const listOf = (of: Shape): Shape => ({ type: 'list', of })

/** The largest number that counts exactly. */
const VALUE_MAX = Number.MAX_SAFE_INTEGER

const methodKeys: readonly ConfigKey[] = [
  { name: 'systemName', shape: name, required: true, doc: 'Name that programs use.' },
  { name: 'friendlyName', shape: name, otherwise: 'the systemName', doc: 'Name that people read.' },
]

const metricKeys: readonly ConfigKey[] = [
  ...methodKeys,
  { name: 'unit', shape: name, otherwise: 'hit', doc: 'What is counted.' },
  { name: 'parent', shape: name, doc: 'Metric that its usage counts for too; for trees deeper than methods.' },
  { name: 'methods', shape: listOf(keys(...methodKeys)), doc: 'Parts of the metric; each counts for it too.' },
]

const planKeys: readonly ConfigKey[] = [
  { name: 'id', shape: name, required: true, doc: 'Id of the plan.' },
  { name: 'name', shape: name, required: true, doc: 'Name, as authorize answers show it.' },
  {
    name: 'limits',
    shape: listOf(
      keys(
        { name: 'metric', shape: name, required: true, doc: 'systemName of a metric or method.' },
        {
          name: 'period',
          shape: { type: 'choice', of: PERIODS },
          required: true,
          doc: 'Calendar period in UTC; weeks begin on Monday.',
        },
        {
          name: 'value',
          shape: { type: 'whole', min: 0, max: VALUE_MAX },
          required: true,
          doc: 'The most that may be used in one period.',
        },
      ),
    ),
    doc: 'What an application of the plan may use.',
  },
]

const proxyKeys: readonly ConfigKey[] = [
  { name: 'hosts', shape: listOf(name), otherwise: 'localhost', doc: 'Host names that it answers for, and no other.' },
  { name: 'apiBackend', shape: text, required: true, doc: 'http or https URL of the API.' },
  {
    name: 'credentialsLocation',
    shape: { type: 'choice', of: ['query', 'headers', 'authorization'] },
    otherwise: 'query',
    doc: 'Where calls bring user_key, or app_id and app_key.',
  },
  { name: 'secretToken', shape: text, doc: 'Sent to the API as X-3scale-proxy-secret-token.' },
  { name: 'hostnameRewrite', shape: name, doc: 'Host header for the API.' },
  {
    name: 'mappingRules',
    shape: listOf(
      keys(
        { name: 'method', shape: name, otherwise: 'ANY', doc: 'HTTP method, or ANY.' },
        { name: 'pattern', shape: text, required: true, doc: 'Beginning of the path; {x} is one segment, $ the end.' },
        { name: 'metric', shape: name, otherwise: 'hits', doc: 'systemName of a metric or method.' },
        {
          name: 'delta',
          shape: { type: 'whole', min: 0, max: VALUE_MAX },
          otherwise: '1',
          doc: 'How much a call uses.',
        },
        { name: 'last', shape: { type: 'flag' }, otherwise: 'false', doc: 'No later rule is asked when it matches.' },
      ),
    ),
    doc: 'Which calls use what; a call that none fits is refused.',
  },
]

/** `services` */
export const serviceKeys: readonly ConfigKey[] = [
  { name: 'id', shape: name, required: true, doc: 'Id of the service, as in the paths of the statistics.' },
  { name: 'systemName', shape: name, required: true, doc: 'Name that programs use.' },
  { name: 'name', shape: name, otherwise: 'the systemName', doc: 'Name that people read.' },
  {
    name: 'backendVersion',
    shape: { type: 'choice', of: BACKEND_VERSIONS },
    otherwise: '"1"',
    doc: 'How applications identify themselves: "1" user_key, "2" app_id and app_key, oauth.',
  },
  {
    name: 'state',
    shape: { type: 'choice', of: ['active', 'suspended'] },
    otherwise: 'active',
    doc: 'A suspended service authorizes nobody.',
  },
  {
    name: 'providerKey',
    shape: text,
    doc: 'Key of the provider: opens its services; the first one with the key is its default.',
  },
  { name: 'serviceToken', shape: text, doc: 'Token of this service alone.' },
  {
    name: 'referrerFiltersRequired',
    shape: { type: 'flag' },
    otherwise: 'false',
    doc: 'Whether the referrer filters of applications are asked.',
  },
  {
    name: 'metrics',
    shape: listOf(keys(...metricKeys)),
    otherwise: 'hits alone',
    doc: 'What is counted; hits is always there.',
  },
  { name: 'plans', shape: listOf(keys(...planKeys)), doc: 'Plans with their limits.' },
  {
    name: 'proxy',
    shape: keys(...proxyKeys),
    doc: 'What the gateway does for the service without a bundle, as APIcast.',
  },
]

const applicationKeys: readonly ConfigKey[] = [
  { name: 'service', shape: name, required: true, doc: 'Id or systemName of its service.' },
  { name: 'plan', shape: name, required: true, doc: 'Id or name of a plan of that service.' },
  {
    name: 'id',
    shape: name,
    otherwise: 'a number made of its credential',
    doc: 'Id, as in the paths of the statistics.',
  },
  { name: 'name', shape: name, otherwise: 'the appId, or the id', doc: 'Name that people read.' },
  {
    name: 'state',
    shape: { type: 'choice', of: ['active', 'suspended'] },
    otherwise: 'active',
    doc: 'A suspended application is not authorized.',
  },
  { name: 'appId', shape: name, doc: 'backendVersion "2": the app_id.' },
  { name: 'clientId', shape: name, doc: 'backendVersion oauth: the client id.' },
  { name: 'userKey', shape: name, doc: 'backendVersion "1": the user_key.' },
  { name: 'appKeys', shape: listOf(name), doc: 'Keys, any of which is good; none: no key is asked for.' },
  { name: 'referrerFilters', shape: listOf(name), doc: 'Referrers that may call; * is any run of characters.' },
  { name: 'redirectUrl', shape: text, doc: 'backendVersion oauth.' },
]

/** `accounts` */
export const accountKeys: readonly ConfigKey[] = [
  { name: 'id', shape: name, required: true, doc: 'Id of the account.' },
  { name: 'name', shape: name, otherwise: 'the id', doc: 'Name that people read.' },
  { name: 'applications', shape: listOf(keys(...applicationKeys)), doc: 'Who calls the services.' },
]
