import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CatalogError } from '../../catalog/error.ts'
import { Fields } from '../../catalog/fields.ts'
import type { KeptMap } from '../../catalog/key-value-maps.ts'
import { MAP_VALUE_BYTES_MAX, type MapOperation, type MapScope, mapPlace } from '../../core/key-value-maps.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, revisionOf } from './context.ts'

interface Entry {
  readonly name: string
  readonly value: string
}

const params = (request: FastifyRequest): Readonly<Record<string, string>> => request.params as Record<string, string>

/** Whose maps a path is about. */
const PLACES: Readonly<Record<string, (request: FastifyRequest) => MapScope>> = {
  '': () => ({ scope: 'organization' }),
  '/environments/:env': (request) => ({ scope: 'environment', environment: params(request)['env']! }),
  '/e/:env': (request) => ({ scope: 'environment', environment: params(request)['env']! }),
  '/apis/:api': (request) => ({ scope: 'apiproxy', proxy: params(request)['api']! }),
  '/apis/:api/revisions/:revision': (request) => ({
    scope: 'revision',
    proxy: params(request)['api']!,
    revision: revisionOf(request),
  }),
}

/**
 * Key value maps in all scopes: made with entries, read, entries set one by one (as organisations with "CPS" have it) or
 * together, listed by pages, dropped. Values of encrypted maps read as `*****`.
 */
export function keyValueMapRoutes(scope: FastifyInstance, context: EdgeContext): void {
  for (const [place, scopeOf] of Object.entries(PLACES)) placeRoutes(scope, context, `${place}/keyvaluemaps`, scopeOf)
}

function placeRoutes(
  scope: FastifyInstance,
  { maps }: EdgeContext,
  path: string,
  scopeOf: (request: FastifyRequest) => MapScope,
): void {
  const addressOf = (request: FastifyRequest, name = params(request)['map']!): string =>
    mapPlace(scopeOf(request)) + name
  const found = (request: FastifyRequest): KeptMap => {
    const map = maps.find(addressOf(request))
    if (map !== null) return map
    throw missing('keyvaluemap_doesnot_exist', `KeyValueMap ${params(request)['map']} does not exist`)
  }
  const entryOf = (request: FastifyRequest): Entry => {
    const map = found(request)
    const name = params(request)['entry']!
    const values = map.entries.get(name)
    if (values !== undefined) return { name, value: shown(map, values) }
    throw missing('keyvaluemap_entry_doesnot_exist', `KeyValueMap ${params(request)['map']} has no entry ${name}`)
  }
  const write = async (address: string, operations: readonly MapOperation[]): Promise<void> => {
    const answer = await maps.run(address, operations)
    if (!answer.done) throw new AdminError(400, 'keyvaluemap.service.entry_refused', answer.why)
  }

  scope.get(
    path,
    answering((request) => maps.names(mapPlace(scopeOf(request)))),
  )
  scope.post(
    path,
    answering(async (request, reply) => {
      const { name, encrypted, entries } = readMap(request.body)
      const address = addressOf(request, name)
      if (maps.find(address) !== null) {
        const text = `KeyValueMap ${name} already exists`
        throw new CatalogError('conflict', 'keyvaluemap.service.keyvaluemap_already_exists', text)
      }
      const failed = await maps.create(address, encrypted)
      if (failed !== null) throw new AdminError(400, 'keyvaluemap.service.entry_refused', failed)
      await write(address, entries.map(put)).catch(async (error) => {
        await maps.remove(address)
        throw error
      })
      reply.code(201)
      return mapAnswer(name, maps.find(address)!)
    }),
  )
  scope.get(
    `${path}/:map`,
    answering((request) => mapAnswer(params(request)['map']!, found(request))),
  )
  const update = async (request: FastifyRequest): Promise<unknown> => {
    found(request)
    const { entries } = readMap({ name: params(request)['map'], ...(request.body as object | null) })
    await write(addressOf(request), entries.map(put))
    return mapAnswer(params(request)['map']!, found(request))
  }
  scope.post(`${path}/:map`, answering(update))
  scope.put(`${path}/:map`, answering(update))
  scope.delete(
    `${path}/:map`,
    answering(async (request) => {
      const gone = mapAnswer(params(request)['map']!, found(request))
      const failed = await maps.remove(addressOf(request))
      if (failed !== null) throw new AdminError(500, 'keyvaluemap.service.entry_refused', failed)
      return gone
    }),
  )
  scope.get(
    `${path}/:map/keys`,
    answering((request) => {
      const { startkey = '', count } = request.query as { startkey?: string; count?: string }
      const keys = [...found(request).entries.keys()].sort().filter((key) => key >= startkey)
      return keys.slice(0, pageOf(count))
    }),
  )
  scope.post(
    `${path}/:map/entries`,
    answering(async (request, reply) => {
      const entry = readEntry('entry', request.body)
      if (found(request).entries.has(entry.name)) {
        const text = `KeyValueMap ${params(request)['map']} has an entry ${entry.name} already; POST to .../entries/${entry.name} changes it`
        throw new CatalogError('conflict', 'keyvaluemap.service.keyvaluemap_entry_already_exists', text)
      }
      await write(addressOf(request), [put(entry)])
      reply.code(201)
      return { name: entry.name, value: shown(found(request), [entry.value]) }
    }),
  )
  scope.get(`${path}/:map/entries/:entry`, answering(entryOf))
  const change = async (request: FastifyRequest): Promise<unknown> => {
    const { name } = entryOf(request)
    const entry = readEntry('entry', { name, ...(request.body as object | null) })
    if (entry.name !== name) {
      throw new AdminError(
        400,
        'keyvaluemap.service.name_mismatch',
        `the body is of ${entry.name}, the path of ${name}`,
      )
    }
    await write(addressOf(request), [put(entry)])
    return entryOf(request)
  }
  scope.post(`${path}/:map/entries/:entry`, answering(change))
  scope.put(`${path}/:map/entries/:entry`, answering(change))
  scope.delete(
    `${path}/:map/entries/:entry`,
    answering(async (request) => {
      const gone = entryOf(request)
      await write(addressOf(request), [{ do: 'delete', key: gone.name }])
      return gone
    }),
  )
}

const missing = (code: string, text: string): CatalogError =>
  new CatalogError('missing', `keyvaluemap.service.${code}`, text)

const put = ({ name, value }: Entry): MapOperation => ({ do: 'put', key: name, values: [value], override: true })

const KEYS_MAX = 100

function pageOf(count: string | undefined): number {
  if (count === undefined || count === '') return KEYS_MAX
  if (/^[1-9]\d{0,5}$/.test(count)) return Number(count)
  throw new AdminError(400, 'keyvaluemap.service.invalid_count', 'count must be a whole number from 1')
}

const ENTRIES_MAX = 10_000

function readMap(body: unknown): { name: string; encrypted: boolean; entries: Entry[] } {
  const fields = new Fields('KeyValueMap', body)
  const name = fields.name()
  const encrypted = fields.flag('encrypted', false)
  const list = fields.list('entry', ENTRIES_MAX).map((entry, i) => readEntry(`KeyValueMap.entry[${i}]`, entry))
  fields.end()
  return { name, encrypted, entries: list }
}

function readEntry(path: string, body: unknown): Entry {
  const fields = new Fields(path, body)
  const entry = { name: fields.text('name'), value: fields.anyText('value', MAP_VALUE_BYTES_MAX) }
  fields.end()
  return entry
}

const HIDDEN = '*****'

function shown(map: KeptMap, values: readonly string[]): string {
  return map.encrypted ? HIDDEN : values.join(',')
}

function mapAnswer(name: string, map: KeptMap): unknown {
  const entry = [...map.entries].map(([key, values]): Entry => ({ name: key, value: shown(map, values) }))
  return { encrypted: map.encrypted, entry, name }
}
