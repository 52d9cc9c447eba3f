import type { ConfigKey, Shape } from './shape.ts'

const text: Shape = { type: 'text' }
const name: Shape = { type: 'text', charactersMax: 255 }
const names: Shape = { type: 'list', of: text }
const pairs: Shape = { type: 'pairs' }
const approval: Shape = { type: 'choice', of: ['approved', 'pending', 'revoked'] }
const keys = (...list: ConfigKey[]): Shape => ({ type: 'keys', keys: list })
const attributes: ConfigKey = { name: 'attributes', shape: pairs, doc: 'Read by policies as variables.' }

/** Keys of `products` in `postern.yaml`. */
export const productKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: 'As keys refer to it.' },
  { name: 'displayName', shape: name, otherwise: 'the name', doc: 'Name that people read.' },
  { name: 'apis', shape: names, otherwise: 'all', doc: 'Proxies that it opens.' },
  { name: 'environments', shape: names, otherwise: 'all', doc: 'Where it opens them.' },
  {
    name: 'resources',
    shape: names,
    otherwise: 'all',
    doc: 'Paths behind the base path: /a, /a/* (one segment), /a/** (one or more); / and /** are all.',
  },
  { name: 'scopes', shape: names, doc: 'OAuth scopes.' },
  {
    name: 'quota',
    shape: keys(
      {
        name: 'limit',
        shape: { type: 'whole', min: 0, max: 2_147_483_647 },
        required: true,
        doc: 'Calls in a window.',
      },
      { name: 'interval', shape: { type: 'whole', min: 1, max: 1_000_000 }, otherwise: '1', doc: 'How many units.' },
      {
        name: 'unit',
        shape: { type: 'choice', of: ['minute', 'hour', 'day', 'week', 'month'] },
        required: true,
        doc: 'Length of a unit.',
      },
    ),
    doc: 'What Quota policies read; nothing limits calls by itself.',
  },
  attributes,
]

const keyKeys: readonly ConfigKey[] = [
  { name: 'key', shape: text, required: true, doc: 'The consumer key (client id).' },
  { name: 'secret', shape: text, doc: 'The consumer secret.' },
  { name: 'status', shape: approval, otherwise: 'approved', doc: 'Only an approved key opens anything.' },
  { name: 'expiresAt', shape: text, otherwise: 'never', doc: 'A time, as in 2027-01-31T00:00:00Z.' },
  { name: 'products', shape: names, otherwise: 'those of the app', doc: 'What it opens.' },
]

const appKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: "One of the developer's own." },
  { name: 'id', shape: name, otherwise: 'made of email and name', doc: 'Shown in variables.' },
  { name: 'callbackUrl', shape: text, doc: 'Where OAuth sends a user back to.' },
  { name: 'status', shape: approval, otherwise: 'approved', doc: 'Only an approved app may call.' },
  { name: 'products', shape: names, doc: 'What its keys open.' },
  { name: 'keys', shape: { type: 'list', of: keys(...keyKeys) }, doc: 'Its credentials.' },
  attributes,
]

/** Keys of `developers` in `postern.yaml`. */
export const developerKeys: readonly ConfigKey[] = [
  { name: 'email', shape: name, required: true, doc: 'Names the developer.' },
  { name: 'id', shape: name, otherwise: 'the email', doc: 'Shown in variables.' },
  { name: 'firstName', shape: name, doc: 'Shown in variables.' },
  { name: 'lastName', shape: name, doc: 'Shown in variables.' },
  { name: 'userName', shape: name, otherwise: 'the email', doc: 'Shown in variables.' },
  {
    name: 'status',
    shape: { type: 'choice', of: ['active', 'inactive'] },
    otherwise: 'active',
    doc: 'The apps of an inactive developer may not call.',
  },
  { name: 'apps', shape: { type: 'list', of: keys(...appKeys) }, doc: 'What calls.' },
  attributes,
]
