import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MASK_NAME, maskConfigs } from '../../catalog/mask-kind.ts'
import type { MaskConfig } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext } from './context.ts'

/** `/maskconfigs` of the organisation and of a proxy: one each, called `default`. edge-js makes one with POST, changes it with PUT. */
export function maskConfigRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  for (const place of ['', '/apis/:api']) {
    const path = `${place}/maskconfigs`
    const keyOf = (request: FastifyRequest): string => (request.params as { api?: string }).api ?? ''
    const known = (request: FastifyRequest): void => {
      const { name } = request.params as { name: string }
      if (name === MASK_NAME) return
      const text = `there is no mask configuration ${name.slice(0, 100)}; its name is ${MASK_NAME}`
      throw new AdminError(404, maskConfigs.missing, text)
    }
    const read = (request: FastifyRequest): object => {
      const proxy = keyOf(request)
      return { ...(request.body as object | null), ...(proxy !== '' && { proxy }) }
    }
    const has = (request: FastifyRequest): boolean =>
      catalog.entities('maskconfigs').some((one) => maskConfigs.key(one as MaskConfig) === keyOf(request))
    const shown = (request: FastifyRequest): unknown =>
      maskConfigs.show(catalog.entity('maskconfigs', keyOf(request)) as MaskConfig)

    scope.get(
      path,
      answering((request) => (has(request) ? [MASK_NAME] : [])),
    )
    const set = async (request: FastifyRequest): Promise<unknown> => {
      const body = read(request)
      if (has(request)) await catalog.changeEntity('maskconfigs', keyOf(request), () => maskConfigs.read(body))
      else await catalog.createEntity('maskconfigs', body)
      return shown(request)
    }
    // 200, not 201: apigee-edge-js takes nothing else for a success.
    scope.post(path, answering(set))
    scope.get(
      `${path}/:name`,
      answering((request) => {
        known(request)
        return shown(request)
      }),
    )
    const setNamed = (request: FastifyRequest): Promise<unknown> => {
      known(request)
      return set(request)
    }
    scope.put(`${path}/:name`, answering(setNamed))
    scope.post(`${path}/:name`, answering(setNamed))
    scope.delete(
      `${path}/:name`,
      answering(async (request, reply) => {
        known(request)
        await catalog.removeEntity('maskconfigs', keyOf(request))
        return reply.code(204).send()
      }),
    )
  }
}
