import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fields } from '../../catalog/fields.ts'
import type { FlowHooks } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, envOf } from './context.ts'

/** `/e/{env}/flowhooks`: which shared flow runs at each of the four points. edge-js sets one with PUT, apigeetool with POST. */
export function flowHookRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const hookOf = (request: FastifyRequest): keyof FlowHooks => {
    const { hook } = request.params as { hook: string }
    const hooks = catalog.flows.hooks(envOf(request))
    if (Object.hasOwn(hooks, hook)) return hook as keyof FlowHooks
    const text = `there is no flow hook ${hook.slice(0, 100)}; there are ${Object.keys(hooks).join(', ')}`
    throw new AdminError(404, 'messaging.config.beans.FlowHookDoesNotExist', text)
  }
  const answer = (request: FastifyRequest): unknown => {
    const hook = hookOf(request)
    const attached = catalog.flows.hooks(envOf(request))[hook]
    return {
      continueOnError: attached?.continueOnError ?? false,
      flowHookPoint: hook,
      sharedFlow: attached?.sharedFlow ?? '',
      state: attached === null ? 'undeployed' : 'deployed',
    }
  }
  const set = async (request: FastifyRequest): Promise<unknown> => {
    const hook = hookOf(request)
    const fields = new Fields('FlowHook', request.body)
    const sharedFlow = fields.text('sharedFlow')
    const continueOnError = fields.flag('continueOnError', false)
    fields.ignore('name', 'flowHookPoint', 'state', 'description')
    fields.end()
    await catalog.flows.setHook(hook, { sharedFlow, continueOnError }, envOf(request))
    return answer(request)
  }
  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/flowhooks`
    scope.get(
      path,
      answering((request) => Object.keys(catalog.flows.hooks(envOf(request)))),
    )
    scope.get(`${path}/:hook`, answering(answer))
    scope.put(`${path}/:hook`, answering(set))
    scope.post(`${path}/:hook`, answering(set))
    scope.delete(
      `${path}/:hook`,
      answering(async (request) => {
        const gone = answer(request)
        await catalog.flows.setHook(hookOf(request), null, envOf(request))
        return gone
      }),
    )
  }
}
