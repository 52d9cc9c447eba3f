import type { ApigResource } from '../../model/deployment.ts'
import { didYouMean } from '../../model/nearest.ts'
import { RELEASE_ENV } from './docs.ts'
import { Draft, emptyState, fileId } from './draft.ts'
import { ApigError } from './error.ts'
import { Fields } from './fields.ts'
import { createApi, publish } from './publishing.ts'
import { readAppAcl } from './read-others.ts'
import {
  addCode,
  addDomain,
  attachPlugin,
  authorize,
  bindAcl,
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

/** The same over what is there already: what an import brings. Gives the ids of its APIs by their place in the section. */
export function importSection(
  draft: Draft,
  raw: unknown,
  groupId: string | null,
  report: ReportAt,
): ReadonlyMap<string, string> {
  const reading = new SectionReading(draft, report, groupId)
  reading.attempt('', () => reading.run(Fields.strict(raw, '')))
  return reading.apis
}

class SectionReading {
  /** Ids by path. */
  readonly apis = new Map<string, string>()
  readonly #report: ReportAt
  readonly #draft: Draft
  readonly #groupId: string | null
  readonly #ids = new Map<string, string>()
  /** Entries that were refused: what they hold beyond that was not read. */
  readonly #broken: string[] = []
  #failed = false

  constructor(draft: Draft, report: ReportAt, groupId: string | null = null) {
    this.#draft = draft
    this.#report = report
    this.#groupId = groupId
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
      const { id, plugin_name } = createPlugin(draft, one)
      this.#ids.set(`plugin ${plugin_name}`, id)
    })
    this.#each(section, 'acls', (one) => {
      const { id, acl_name } = createAcl(draft, one)
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

  #named(kind: string, doc: { readonly id: string; readonly name: string }): void {
    this.#ids.set(`${kind} ${doc.name}`, doc.id)
  }

  /** The id of what is referred to by name. */
  #ref(kind: string, fields: Fields, field: string, name: string): string {
    const id = this.#ids.get(`${kind} ${name}`)
    if (id !== undefined) return id
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

  #throttle(fields: Fields): void {
    const throttle = createThrottle(this.#draft, fields)
    this.#named('throttle', throttle)
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
    const group = this.#groupId === null ? createGroup(draft, fields) : draft.get('group', this.#groupId)
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
    const api = createApi(
      draft,
      fields.with({
        group_id: groupId,
        ...(authorizer !== null && { authorizer_id: this.#ref('authorizer', fields, 'authorizer', authorizer) }),
        ...(response !== null && { response_id: this.#response(groupId, fields, response) }),
      }),
    )
    this.apis.set(fields.pathOf('').slice(0, -1), api.id)
    const stages = fields.has('publish') ? fields.texts('publish', { countMax: 10 }) : ['RELEASE']
    const throttle = fields.textOr('throttle', null)
    for (const stage of stages) {
      const envId = this.#ref('environment', fields, 'publish', stage)
      const { publish_id } = publish(draft, api.id, envId, '')
      if (throttle !== null) bindThrottle(draft, this.#ref('throttle', fields, 'throttle', throttle), publish_id)
      for (const name of fields.texts('plugins'))
        attachPlugin(draft, this.#ref('plugin', fields, 'plugins', name), api.id, envId)
      for (const name of fields.texts('acls')) bindAcl(draft, this.#ref('acl', fields, 'acls', name), publish_id)
      for (const name of fields.texts('apps')) authorize(draft, this.#ref('app', fields, 'apps', name), api.id, envId)
    }
  }

  #response(groupId: string, fields: Fields, name: string): string {
    const id = this.#ids.get(`response ${groupId}/${name}`)
    if (id !== undefined) return id
    throw fields.wrong('response', `the name of a gateway response of this group; ${name.slice(0, 64)} is none`)
  }
}
