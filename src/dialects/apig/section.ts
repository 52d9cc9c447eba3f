import type { ApigResource } from '../../model/deployment.ts'
import { didYouMean } from '../../model/nearest.ts'
import { type Docs, type Kind, RELEASE_ENV } from './docs.ts'
import { Draft, emptyState, fileId } from './draft.ts'
import { ApigError } from './error.ts'
import { Fields } from './fields.ts'
import { type BindingKind, createApi, type Place, publish, sameApi, updateApi } from './publishing.ts'
import { readApi } from './read-api.ts'
import { readAppAcl } from './read-others.ts'
import {
  addCode,
  addDomain,
  authorize,
  bindAcl,
  bindPlugin,
  bindThrottle,
  createAcl,
  createApp,
  createAuthorizer,
  createEnv,
  createGroup,
  createPlugin,
  createQuota,
  createSpecial,
  createThrottle,
  createVariable,
  setFeature,
  updateAcl,
  updateThrottle,
} from './resources.ts'
import { createResponse } from './responses.ts'
import { runtimeOf } from './runtime.ts'

/** Tells what is wrong at a path below the section. */
export type ReportAt = (path: string, message: string) => void

/** The account that owns a credential of a file unless it says otherwise. */
const FILE_PROJECT = 'file'

/** The keys of the section, for the reference. Their entries are bodies of the management API, bound by name. */
export const SECTION_KEYS: readonly { readonly name: string; readonly doc: string }[] = [
  {
    name: 'features',
    doc: 'Switches by name: {ratelimit: {api_limits: 200}, real_ip_from_xff: {enable: on, xff_index: 0}}.',
  },
  { name: 'environments', doc: 'Environments besides RELEASE: name, remark.' },
  {
    name: 'throttles',
    doc: 'Throttling policies as the management API has them, with specials by app name or project.',
  },
  { name: 'plugins', doc: 'Plug-ins: plugin_name, plugin_type, plugin_content (keys, or JSON as text).' },
  { name: 'acls', doc: 'Access control lists: acl_name, acl_type, entity_type, acl_value.' },
  { name: 'authorizers', doc: 'Custom authorizers: name, authorizer_uri (http or https), ttl, identities.' },
  { name: 'quotas', doc: 'Credential quotas: name, call_limits, time_interval, time_unit, reset_time.' },
  { name: 'apps', doc: 'Credentials: name, app_key, app_secret, app_codes, project_id, acl, quota (by name).' },
  {
    name: 'groups',
    doc: 'API groups: name, domains, variables, gateway_responses and apis. An API is its body and, by name, authorizer, response, publish (environments; RELEASE unless it says otherwise), throttle, plugins, acls, apps.',
  },
]

/** Reads the `apig` section of a file by running what it says as changes, with ids made from names. */
export function readApigSection(raw: unknown, report: ReportAt): ApigResource[] {
  const reading = new SectionReading(new Draft(emptyState(), { makeId: fileId, nowMs: 0, owned: () => false }), report)
  reading.attempt('', () => reading.run(Fields.strict(raw, '')))
  return reading.resources()
}

/** How what an import brings meets what is there already. */
export interface ImportOptions {
  /** The group of its APIs; null: it makes one. */
  readonly groupId: string | null
  /** An API of the group with the same method, path and match mode: it stays as it is, or becomes the new one. */
  readonly apis: 'merge' | 'override'
  /** The same of throttles and lists by name, and of what is bound to an API. */
  readonly extensions: 'merge' | 'override'
}

export interface ImportedApi {
  readonly id: string
  readonly action: 'create' | 'update' | 'ignore'
}

/** The same over what is there already. What is bound to its APIs is in force as soon as they are published in RELEASE. */
export function importSection(
  draft: Draft,
  raw: unknown,
  options: ImportOptions,
  report: ReportAt,
): readonly ImportedApi[] {
  const reading = new SectionReading(draft, report, options)
  reading.attempt('', () => reading.run(Fields.strict(raw, '')))
  return reading.imported
}

/** Kinds of what a section refers to by name. */
const KIND_OF = {
  environment: 'env',
  quota: 'quota',
  app: 'app',
  throttle: 'throttle',
  plugin: 'plugin',
  acl: 'acl',
  authorizer: 'authorizer',
} as const satisfies Readonly<Record<string, Kind>>

type Referred = keyof typeof KIND_OF

const nameOf = (doc: object): unknown => {
  const { name, acl_name, plugin_name } = doc as Readonly<Record<string, unknown>>
  return name ?? acl_name ?? plugin_name
}

/** An object, or the text of one in JSON; null: neither. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value === 'string') {
    try {
      return objectOf(JSON.parse(value))
    } catch {
      return null
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null
}

class SectionReading {
  readonly imported: ImportedApi[] = []
  readonly #report: ReportAt
  readonly #draft: Draft
  /** Null: a file, which begins with nothing. */
  readonly #import: ImportOptions | null
  readonly #ids = new Map<string, string>()
  /** Entries that were refused: what they hold beyond that was not read. */
  readonly #broken: string[] = []
  #failed = false

  constructor(draft: Draft, report: ReportAt, options: ImportOptions | null = null) {
    this.#draft = draft
    this.#report = report
    this.#import = options
  }

  resources(): ApigResource[] {
    if (this.#failed) return []
    // What only shows when all is together: variables without a value.
    this.attempt('', () => runtimeOf(this.#draft.state()))
    return this.#failed ? [] : this.#draft.changes.map(({ kind, id, doc }) => ({ kind, id, doc }))
  }

  /** Runs a change; what it refuses is told at its place. */
  attempt<T>(path: string, work: () => T): T | null {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ApigError)) throw error
      const inner = error.path.startsWith(path) ? error.path : [path, error.path].filter((one) => one !== '').join('.')
      this.#broken.push(path)
      this.#fail(inner, error.detail)
      return null
    }
  }

  run(section: Fields): void {
    const draft = this.#draft
    this.#ids.set('environment RELEASE', RELEASE_ENV.id)
    this.#features(section)
    this.#each(section, 'environments', (one) => this.#named('environment', createEnv(draft, one)))
    this.#each(section, 'quotas', (one) => this.#named('quota', createQuota(draft, one)))
    this.#each(section, 'apps', (one) => this.#app(one))
    this.#each(section, 'throttles', (one) => this.#throttle(one))
    this.#each(section, 'plugins', (one) => {
      const { id, plugin_name } = createPlugin(draft, this.#byName(one))
      this.#ids.set(`plugin ${plugin_name}`, id)
    })
    this.#each(section, 'acls', (one) => {
      const { id, acl_name } = this.#there('acl', one, 'acl_name', updateAcl) ?? createAcl(draft, one)
      this.#ids.set(`acl ${acl_name}`, id)
    })
    this.#each(section, 'authorizers', (one) => this.#named('authorizer', createAuthorizer(draft, one)))
    this.#each(section, 'groups', (one) => this.#group(one))
    for (const path of section.unread()) this.#unknown(path)
  }

  #fail(path: string, message: string): void {
    this.#failed = true
    this.#report(path, message)
  }

  #unknown(path: string): void {
    if (this.#broken.some((broken) => path.startsWith(`${broken}.`))) return
    const name = path.slice(path.lastIndexOf('.') + 1)
    const known = path.includes('.') ? [] : SECTION_KEYS.map((key) => key.name)
    this.#fail(path, `${name.slice(0, 100)} is not known here${didYouMean(name, known)}`)
  }

  /** Entries of a list, each by itself: one that is wrong does not hide the others. */
  #each(fields: Fields, name: string, read: (one: Fields) => void): void {
    fields.list(name, 10_000, (one) => {
      this.attempt(one.pathOf('').replace(/\.$/, ''), () => read(one))
      return null
    })
  }

  #named(kind: Referred, doc: { readonly id: string; readonly name: string }): void {
    this.#ids.set(`${kind} ${doc.name}`, doc.id)
  }

  /** What an import finds under a name: kept as it is, or changed. Null: nothing is there. */
  #there<K extends 'throttle' | 'acl'>(
    kind: K,
    fields: Fields,
    field: string,
    update: (draft: Draft, id: string, fields: Fields) => Docs[K],
  ): Docs[K] | null {
    if (this.#import === null) return null
    const name = fields.raw(field)
    const doc = this.#draft.list(kind).find((one) => nameOf(one) === name)
    if (doc === undefined) return null
    if (this.#import.extensions === 'override') return update(this.#draft, doc.id, fields)
    for (const one of fields.names()) fields.raw(one)
    return doc
  }

  /** The id of what is referred to by name; an import may name what is there already. */
  #ref(kind: Referred, fields: Fields, field: string, name: string): string {
    const id = this.#ids.get(`${kind} ${name}`)
    if (id !== undefined) return id
    if (this.#import !== null) {
      const found = this.#draft.list(KIND_OF[kind]).find((doc) => nameOf(doc) === name || doc.id === name)
      if (found !== undefined) return found.id
    }
    const names = [...this.#ids.keys()]
      .filter((key) => key.startsWith(`${kind} `))
      .map((key) => key.slice(kind.length + 1))
    throw fields.wrong(
      field,
      `the name of one of the ${kind}s above; ${name.slice(0, 64)} is none${didYouMean(name, names)}`,
    )
  }

  #features(section: Fields): void {
    const features = section.inner('features')
    for (const name of features?.names() ?? []) {
      const config = features!.raw(name)
      this.attempt(features!.pathOf(name), () => {
        setFeature(this.#draft, new Fields({ name, enable: true, config: JSON.stringify(config ?? {}) }))
      })
    }
  }

  #app(fields: Fields): void {
    const draft = this.#draft
    const app = createApp(draft, this.#withKeys(fields), fields.textOr('project_id', FILE_PROJECT))
    this.#named('app', app)
    for (const app_code of fields.texts('app_codes', { countMax: 5 })) addCode(draft, app.id, new Fields({ app_code }))
    const acl = fields.inner('acl')
    if (acl !== null) draft.put('appAcl', { ...readAppAcl(acl), id: app.id })
    const quota = fields.textOr('quota', null)
    if (quota !== null) {
      draft.put('quotaBinding', {
        id: app.id,
        quota_id: this.#ref('quota', fields, 'quota', quota),
        bound_time: draft.now,
      })
    }
  }

  /** A key made anew at each start would be known to nobody. */
  #withKeys(fields: Fields): Fields {
    for (const name of ['app_key', 'app_secret']) {
      if (!fields.has(name))
        throw ApigError.field(
          'APIG.2001',
          fields.pathOf(name),
          'a file has to name it; secrets can come from the environment',
        )
    }
    return fields
  }

  /** Specials of a rate_limit name apps as everything in a file does. */
  #byName(plugin: Fields): Fields {
    const content = objectOf(plugin.raw('plugin_content'))
    if (!Array.isArray(content?.['specials'])) return plugin
    const specials = content['specials'].map((special: unknown) => {
      const one = objectOf(special)
      if (one?.['type'] !== 'app' || !Array.isArray(one['policies'])) return special
      const policies = one['policies'].map((policy: unknown) => {
        const key = objectOf(policy)?.['key']
        const id = typeof key === 'string' ? this.#ids.get(`app ${key}`) : undefined
        return id === undefined ? policy : { ...objectOf(policy), key: id }
      })
      return { ...one, policies }
    })
    return plugin.with({ plugin_content: { ...content, specials } })
  }

  #throttle(fields: Fields): void {
    const there = this.#there('throttle', fields, 'name', updateThrottle)
    const throttle = there ?? createThrottle(this.#draft, fields)
    this.#named('throttle', throttle)
    if (there !== null && this.#import?.extensions === 'merge') return
    for (const one of this.#draft.where('special', ({ throttle_id }) => throttle_id === throttle.id))
      this.#draft.remove('special', one.id)
    this.#each(fields, 'specials', (one) => {
      const type = one.choice('object_type', ['APP', 'USER'])
      const object = one.text('object_id', { max: 128 })
      const object_id = type === 'APP' ? this.#ref('app', one, 'object_id', object) : object
      const body = new Fields(
        { object_type: type, object_id, call_limits: one.raw('call_limits') },
        one.pathOf('').slice(0, -1),
      )
      createSpecial(this.#draft, throttle.id, body)
    })
  }

  #group(fields: Fields): void {
    const draft = this.#draft
    // The name of the document is not that of a group which is there already.
    fields.raw('name')
    const groupId = this.#import?.groupId ?? null
    const group = groupId === null ? createGroup(draft, fields) : draft.get('group', groupId)
    fields.texts('domains', { countMax: 5 }).forEach((url_domain, i) => {
      this.attempt(fields.pathOf(`domains.${i}`), () => addDomain(draft, group.id, new Fields({ url_domain })))
    })
    this.#each(fields, 'variables', (one) => {
      const env_id = this.#ref('environment', one, 'env', one.textOr('env', 'RELEASE'))
      const { variable_name, variable_value } = { variable_name: one.raw('name'), variable_value: one.raw('value') }
      createVariable(draft, new Fields({ group_id: group.id, env_id, variable_name, variable_value }))
    })
    this.#each(fields, 'gateway_responses', (one) => {
      const response = createResponse(draft, group.id, one)
      this.#ids.set(`response ${group.id}/${response.name}`, response.id)
    })
    this.#each(fields, 'apis', (one) => this.#api(group.id, one))
  }

  #api(groupId: string, fields: Fields): void {
    const draft = this.#draft
    const authorizer = fields.textOr('authorizer', null)
    const response = fields.textOr('response', null)
    const body = fields.with({
      group_id: groupId,
      ...(authorizer !== null && { authorizer_id: this.#ref('authorizer', fields, 'authorizer', authorizer) }),
      ...(response !== null && { response_id: this.#response(groupId, fields, response) }),
    })
    const { id, action } = this.#import === null ? { id: createApi(draft, body).id } : this.#imports(groupId, body)
    const stages = fields.has('publish') ? fields.texts('publish', { countMax: 10 }) : ['RELEASE']
    for (const stage of stages) {
      const envId = this.#ref('environment', fields, 'publish', stage)
      publish(draft, id, envId, '')
      this.#bind(fields, { api_id: id, env_id: envId })
    }
    if (stages.length === 0 && action !== 'ignore') this.#bind(fields, { api_id: id, env_id: RELEASE_ENV.id })
  }

  #imports(groupId: string, body: Fields): ImportedApi {
    const draft = this.#draft
    const read = readApi(body)
    const there = sameApi(draft, groupId, read)
    const one: ImportedApi =
      there === null
        ? { id: createApi(draft, body).id, action: 'create' }
        : this.#import?.apis === 'override'
          ? { id: updateApi(draft, there.id, body).id, action: 'update' }
          : { id: there.id, action: 'ignore' }
    this.imported.push(one)
    if (one.action === 'ignore') for (const name of ['throttle', 'plugins', 'acls', 'apps']) body.raw(name)
    return one
  }

  #bind(fields: Fields, place: Place): void {
    const draft = this.#draft
    const throttle = fields.textOr('throttle', null)
    const plugins = fields.texts('plugins').map((name) => this.#ref('plugin', fields, 'plugins', name))
    const acls = fields.texts('acls').map((name) => this.#ref('acl', fields, 'acls', name))
    const free = (kind: BindingKind): boolean =>
      this.#import?.extensions !== 'merge' ||
      !draft.list(kind).some((one) => one.api_id === place.api_id && one.env_id === place.env_id)
    if (throttle !== null) {
      const id = this.#ref('throttle', fields, 'throttle', throttle)
      if (free('throttleBinding')) bindThrottle(draft, id, place)
    }
    if (free('pluginBinding')) for (const id of plugins) bindPlugin(draft, id, place)
    if (free('aclBinding')) for (const id of acls) bindAcl(draft, id, place)
    for (const name of fields.texts('apps'))
      authorize(draft, this.#ref('app', fields, 'apps', name), place.api_id, place.env_id)
  }

  #response(groupId: string, fields: Fields, name: string): string {
    const there = (): string | undefined =>
      this.#draft.list('response').find((one) => one.group_id === groupId && one.name === name)?.id
    const id = this.#ids.get(`response ${groupId}/${name}`) ?? (this.#import === null ? undefined : there())
    if (id !== undefined) return id
    throw fields.wrong('response', `the name of a gateway response of this group; ${name.slice(0, 64)} is none`)
  }
}
