import type { FastifyInstance, FastifyRequest } from 'fastify'
import { pairs } from '../../catalog/consumer-kinds.ts'
import type { EntityWord } from '../../catalog/entity-kinds.ts'
import { CatalogError } from '../../catalog/error.ts'
import { Fields } from '../../catalog/fields.ts'
import type { ApiProduct, Developer } from '../../model/consumers.ts'
import { appOf } from './apps.ts'
import { answering, type EdgeContext } from './context.ts'

type Attributes = Readonly<Record<string, string>>
type Params = Readonly<Record<'name' | 'app' | 'attribute', string>>

/** One thing that has attributes: what its path is below, and how they are read and replaced in the entity that is kept. */
interface Owner {
  readonly word: EntityWord
  readonly path: string
  of(entity: object, params: Params): Attributes
  with(entity: object, params: Params, attributes: Attributes): object
}

const whole = (word: EntityWord): Owner => ({
  word,
  path: `/${word}/:name`,
  of: (entity) => (entity as Developer | ApiProduct).attributes,
  with: (entity, _, attributes) => ({ ...entity, attributes }),
})

const OWNERS: readonly Owner[] = [
  whole('developers'),
  whole('apiproducts'),
  {
    word: 'developers',
    path: '/developers/:name/apps/:app',
    of: (entity, { app }) => appOf(entity as Developer, app).attributes,
    with(entity, { app }, attributes) {
      const developer = entity as Developer
      appOf(developer, app)
      return { ...developer, apps: developer.apps.map((one) => (one.name === app ? { ...one, attributes } : one)) }
    },
  },
]

/** `.../attributes` of developers, products and apps: all at once, or one by one. */
export function attributeRoutes(scope: FastifyInstance, context: EdgeContext): void {
  for (const owner of OWNERS) ownerRoutes(scope, context, owner)
}

function ownerRoutes(scope: FastifyInstance, { catalog }: EdgeContext, owner: Owner): void {
  const path = `${owner.path}/attributes`
  const paramsOf = (request: FastifyRequest): Params => request.params as Params
  const attributesOf = (request: FastifyRequest): Attributes =>
    owner.of(catalog.entity(owner.word, paramsOf(request).name), paramsOf(request))
  const one = (request: FastifyRequest): { name: string; value: string } => {
    const name = paramsOf(request).attribute
    const attributes = attributesOf(request)
    if (Object.hasOwn(attributes, name)) return { name, value: attributes[name]! }
    const text = `attribute ${name.slice(0, 100)} does not exist`
    throw new CatalogError('missing', 'organizations.AttributeDoesNotExist', text)
  }
  const replace = async (request: FastifyRequest, change: (before: Attributes) => Attributes): Promise<void> => {
    const params = paramsOf(request)
    await catalog.changeEntity(owner.word, params.name, (entity) =>
      owner.with(entity, params, change(owner.of(entity, params))),
    )
  }

  scope.get(
    path,
    answering((request) => ({ attribute: pairs(attributesOf(request)) })),
  )
  scope.post(
    path,
    answering(async (request) => {
      const fields = new Fields('Attributes', request.body)
      const attributes = fields.attributes('attribute')
      fields.end()
      await replace(request, () => attributes)
      return { attribute: pairs(attributesOf(request)) }
    }),
  )
  scope.get(`${path}/:attribute`, answering(one))
  scope.post(
    `${path}/:attribute`,
    answering(async (request) => {
      const fields = new Fields('Attribute', request.body)
      const value = fields.textOrNull('value') ?? ''
      fields.ignore('name')
      fields.end()
      await replace(request, (before) => ({ ...before, [paramsOf(request).attribute]: value }))
      return one(request)
    }),
  )
  scope.delete(
    `${path}/:attribute`,
    answering(async (request) => {
      const gone = one(request)
      await replace(request, (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => key !== gone.name)),
      )
      return gone
    }),
  )
}
