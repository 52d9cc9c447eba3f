import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HistoryEntry } from '../../catalog/history.ts'
import { answering, type EdgeContext, envOf, nameOf } from './context.ts'

/** What was served when, the latest first: ours, Edge keeps no such list. What `postern rollback` and `postern history` read. */
export function historyRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const answer = (request: FastifyRequest, history: readonly HistoryEntry[]): unknown => ({
    environment: envOf(request),
    history: history.map(({ revision, basePath, state, atMs }) => ({
      at: new Date(atMs).toISOString(),
      basePath: basePath || '/',
      revision: String(revision),
      state,
    })),
    name: nameOf(request),
  })
  for (const word of ['environments', 'e']) {
    scope.get(
      `/${word}/:env/apis/:name/history`,
      answering((request) => answer(request, catalog.history(nameOf(request), envOf(request)))),
    )
    scope.get(
      `/${word}/:env/sharedflows/:name/history`,
      answering((request) => answer(request, catalog.flows.history(nameOf(request), envOf(request)))),
    )
  }
}
