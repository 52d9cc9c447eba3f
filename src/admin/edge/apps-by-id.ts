import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CatalogError } from '../../catalog/error.ts'
import type { Developer, DeveloperApp } from '../../model/consumers.ts'
import { AdminError } from '../errors.ts'
import { appAnswer } from './apps.ts'
import { answering, type EdgeContext } from './context.ts'

const ROWS_MAX = 10_000

/** `/apps`: the apps of all developers by their id. apigee-edge-js finds the owner of a key with `?expand=true`. */
export function appByIdRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const all = (): { developer: Developer; app: DeveloperApp }[] =>
    (catalog.entities('developers') as readonly Developer[])
      .flatMap((developer) => developer.apps.map((app) => ({ developer, app })))
      .sort((a, b) => (a.app.id < b.app.id ? -1 : 1))
  const found = (request: FastifyRequest): { developer: Developer; app: DeveloperApp } => {
    const { app: id } = request.params as { app: string }
    const one = all().find(({ app }) => app.id === id)
    if (one !== undefined) return one
    const text = `App with id ${id.slice(0, 100)} does not exist in this organization`
    throw new CatalogError('missing', 'developer.service.AppDoesNotExist', text)
  }

  scope.get(
    '/apps',
    answering((request) => {
      const { expand, rows, startKey = '', status } = request.query as Readonly<Record<string, string | undefined>>
      const apps = all()
        .filter(({ app }) => app.id >= startKey && (status === undefined || app.status === status))
        .slice(0, rowsOf(rows))
      if (expand === 'true') return { app: apps.map(({ developer, app }) => appAnswer(developer, app)) }
      return apps.map(({ app }) => app.id)
    }),
  )
  scope.get(
    '/apps/:app',
    answering((request) => {
      const { developer, app } = found(request)
      return appAnswer(developer, app)
    }),
  )
  scope.delete(
    '/apps/:app',
    answering(async (request) => {
      const { developer, app } = found(request)
      const gone = appAnswer(developer, app)
      await catalog.changeEntity('developers', developer.email, (entity) => {
        const before = entity as Developer
        return { ...before, apps: before.apps.filter((one) => one.id !== app.id) }
      })
      return gone
    }),
  )
}

function rowsOf(text: string | undefined): number {
  if (text === undefined) return ROWS_MAX
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new AdminError(400, 'messaging.config.beans.InvalidValue', `rows must be a whole number from 1 to ${ROWS_MAX}`)
}
