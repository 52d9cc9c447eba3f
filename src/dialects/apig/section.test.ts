import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openApiSection } from '../openapi/index.ts'
import { type Docs, type Kind, RELEASE_ENV } from './docs.ts'
import { Draft, emptyState, randomId } from './draft.ts'
import { Fields } from './fields.ts'
import { createApi, publish } from './publishing.ts'
import { createGroup, createThrottle, deleteThrottle } from './resources.ts'
import { brokenVersions, runtimeOf, runtimeOfResources } from './runtime.ts'
import { readApigSection } from './section.ts'

const mock = { req_method: 'GET', backend_type: 'MOCK' }

describe('reading', () => {
  test('anything at all is read or refused, never thrown at', () => {
    const key = fc.constantFrom('groups', 'apis', 'name', 'req_uri', 'plugins', 'throttles', 'apps', 'features', 'x')
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, fc.anything(), fc.array(tie('node')), fc.dictionary(key, tie('node'))),
    })).node
    fc.assert(
      fc.property(tree, (value) => {
        let reports = 0
        const resources = readApigSection(value, () => reports++)
        if (reports > 0) expect(resources).toEqual([])
        openApiSection(value, { publish: [] })
        openApiSection({ openapi: '3.0.0', paths: value }, { publish: [] })
      }),
    )
  })

  test('specials of a rate_limit name apps', () => {
    const section = (key: string): unknown => ({
      apps: [{ name: 'client', app_key: 'client-key-1', app_secret: 'client-secret-1' }],
      plugins: [
        {
          plugin_name: 'rate',
          plugin_type: 'rate_limit',
          plugin_content: {
            default_interval: 1,
            default_time_unit: 'minute',
            api_limit: 9,
            specials: [{ type: 'app', policies: [{ key, limit: 2 }] }],
          },
        },
      ],
      groups: [{ name: 'demo', apis: [{ ...mock, name: 'api', req_uri: '/a', plugins: ['rate'] }] }],
    })
    const resources = readApigSection(section('client'), (path, message) => expect.fail(`${path}: ${message}`))
    const { apis, apps } = runtimeOfResources(resources)
    expect(apis[0]!.throttle?.specials).toEqual([{ type: 'app', id: apps[0]!.id, limit: 2 }])
    const told: string[] = []
    readApigSection(section('nobody'), (path, message) => told.push(`${path}: ${message}`))
    expect(told[0]).toBe('plugins.0: The app does not exist: app nobody')
  })

  test('ids are the same at every start', () => {
    const section = { groups: [{ name: 'demo', apis: [{ ...mock, name: 'api', req_uri: '/a' }] }] }
    const ids = (): string[] => readApigSection(section, (_, message) => expect.fail(message)).map(({ id }) => id)
    expect(ids()).toEqual(ids())
    expect(ids().every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true)
  })

  test('every mistake is told, each at its place', () => {
    const paths: string[] = []
    const apis = [{ ...mock, name: 'fine', req_uri: '/a' }, { ...mock, name: 'no', req_uri: 'b' }, { name: 'none' }]
    readApigSection({ colour: 1, groups: [{ name: 'demo', apis }], apps: [{ name: 'client' }] }, (path) =>
      paths.push(path),
    )
    expect(paths.sort()).toEqual([
      'apps.0.app_key',
      'colour',
      'groups.0.apis.1.req_uri',
      'groups.0.apis.2.backend_type',
    ])
  })
})

describe('a draft', () => {
  const draftOf = (owned: (kind: Kind) => boolean = () => false): Draft =>
    new Draft(emptyState(), { makeId: randomId, nowMs: 0, owned })

  test('what was made is there, in order, and nowhere else until it is taken over', () => {
    const draft = draftOf()
    for (const name of ['one', 'two', 'three']) createGroup(draft, new Fields({ name }))
    expect(draft.list('group').map(({ name }) => name)).toEqual(['one', 'two', 'three'])
    expect(draft.changes.map(({ kind }) => kind)).toEqual(['group', 'group', 'group'])
    expect(draftOf().list('group')).toEqual([])
    expect([...draft.state().group.values()].map(({ name }) => name)).toEqual(['one', 'two', 'three'])
  })

  test('what comes from a file is not changed', () => {
    expect(() =>
      createGroup(
        draftOf((kind) => kind === 'group'),
        new Fields({ name: 'one' }),
      ),
    ).toThrow('configuration file')
  })

  test('names are taken once', () => {
    const draft = draftOf()
    const body = { name: 'gold', api_call_limits: 1, time_interval: 1, time_unit: 'SECOND' }
    const { id } = createThrottle(draft, new Fields(body))
    expect(() => createThrottle(draft, new Fields(body))).toThrow('already exists')
    deleteThrottle(draft, id)
    createThrottle(draft, new Fields(body))
  })

  test('ten publications are kept, the record of an API in an environment stays', () => {
    const draft = draftOf()
    const group = createGroup(draft, new Fields({ name: 'group' }))
    const api = createApi(draft, new Fields({ ...mock, name: 'api', req_uri: '/a', group_id: group.id }))
    const records = Array.from({ length: 15 }, () => publish(draft, api.id, RELEASE_ENV.id, '').publish_id)
    expect(new Set(records).size).toBe(1)
    const versions = draft.list('version')
    expect(versions.map(({ status }) => status)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 1])
    expect(runtimeOf(draft.state()).apis).toHaveLength(1)
  })

  test('a version that needs what is gone is found', () => {
    const draft = draftOf()
    const group = createGroup(draft, new Fields({ name: 'group' }))
    const api = createApi(draft, new Fields({ ...mock, name: 'api', req_uri: '/a', group_id: group.id }))
    const { id } = publish(draft, api.id, RELEASE_ENV.id, '')
    const state = { ...draft.state(), group: new Map<string, Docs['group']>() }
    expect(() => runtimeOf(state)).toThrow()
    const broken = brokenVersions(state)
    expect([...broken.keys()]).toEqual([id])
    expect(runtimeOf(state, new Set(broken.keys())).apis).toEqual([])
  })
})
