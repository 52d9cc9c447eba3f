import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fields } from '../../catalog/fields.ts'
import type { FlowHooks } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext } from './context.ts'

/** `/e/{env}/flowhooks`: which shared flow runs at each of the four points. edge-js sets one with PUT, apigeetool with POST. */
export function flowHookRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const hookOf = (request: FastifyRequest): keyof FlowHooks => {
    const { hook } = request.params as { hook: string }
    if (Object.hasOwn(catalog.flows.hooks, hook)) return hook as keyof FlowHooks
    const text = `there is no flow hook ${hook.slice(0, 100)}; there are ${Object.keys(catalog.flows.hooks).join(', ')}`
    throw new AdminError(404, 'messaging.config.beans.FlowHookDoesNotExist', text)
  }
  const answer = (hook: keyof FlowHooks): unknown => ({
    continueOnError: catalog.flows.hooks[hook]?.continueOnError ?? false,
    flowHookPoint: hook,
    sharedFlow: catalog.flows.hooks[hook]?.sharedFlow ?? '',
    state: catalog.flows.hooks[hook] === null ? 'undeployed' : 'deployed',
  })
  const set = async (request: FastifyRequest): Promise<unknown> => {
    const hook = hookOf(request)
    const fields = new Fields('FlowHook', request.body)
    const sharedFlow = fields.text('sharedFlow')
    const continueOnError = fields.flag('continueOnError', false)
    fields.ignore('name', 'flowHookPoint', 'state', 'description')
    fields.end()
    await catalog.flows.setHook(hook, { sharedFlow, continueOnError })
    return answer(hook)
  }
  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/flowhooks`
    scope.get(
      path,
      answering(() => Object.keys(catalog.flows.hooks)),
    )
    scope.get(
      `${path}/:hook`,
      answering((request) => answer(hookOf(request))),
    )
    scope.put(`${path}/:hook`, answering(set))
    scope.post(`${path}/:hook`, answering(set))
    scope.delete(
      `${path}/:hook`,
      answering(async (request) => {
        const hook = hookOf(request)
        const gone = answer(hook)
        await catalog.flows.setHook(hook, null)
        return gone
      }),
    )
  }
}
