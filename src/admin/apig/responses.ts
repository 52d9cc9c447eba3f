import type { FastifyInstance } from 'fastify'
import type { ResponseDoc } from '../../dialects/apig/docs.ts'
import {
  createResponse,
  deleteResponse,
  mustBeType,
  responseOf,
  setResponseInfo,
  shownInfo,
  shownResponses,
  updateResponse,
} from '../../dialects/apig/responses.ts'
import { type ApigContext, route } from './context.ts'

/** How a group words its errors. */
export function responseRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const path = '/api-groups/:group_id/gateway-responses'
  const shown = ({ id, name, default: usual, create_time, update_time, ...rest }: ResponseDoc): unknown => ({
    id,
    name,
    default: usual,
    create_time,
    update_time,
    responses: shownResponses({ id, name, default: usual, create_time, update_time, ...rest }),
  })
  route(scope, 'get', path, 200, (call) => {
    const { id } = catalog.apig.get('group', call.id('group_id'))
    const found = catalog.apig.where('response', (one) => one.group_id === id)
    return call.page(
      'responses',
      found.map(({ responses, ...rest }) => rest),
    )
  })
  route(scope, 'post', path, 201, (call) =>
    catalog.changeApig((draft) => shown(createResponse(draft, call.id('group_id'), call.body))),
  )
  route(scope, 'get', `${path}/:id`, 200, (call) => shown(responseOf(catalog.apig, call.id('group_id'), call.id())))
  route(scope, 'put', `${path}/:id`, 200, (call) =>
    catalog.changeApig((draft) => shown(updateResponse(draft, call.id('group_id'), call.id(), call.body))),
  )
  route(scope, 'delete', `${path}/:id`, 204, (call) =>
    catalog.changeApig((draft) => deleteResponse(draft, call.id('group_id'), call.id())),
  )
  const one = `${path}/:id/:type`
  route(scope, 'get', one, 200, (call) => {
    const type = call.id('type')
    mustBeType(type)
    return { [type]: shownInfo(responseOf(catalog.apig, call.id('group_id'), call.id()), type) }
  })
  route(scope, 'put', one, 200, (call) =>
    catalog.changeApig((draft) => {
      const type = call.id('type')
      return { [type]: shownInfo(setResponseInfo(draft, call.id('group_id'), call.id(), type, call.body), type) }
    }),
  )
  route(scope, 'delete', one, 204, (call) =>
    catalog.changeApig((draft) => {
      setResponseInfo(draft, call.id('group_id'), call.id(), call.id('type'), null)
    }),
  )
}
