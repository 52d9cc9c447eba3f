import { expect, test } from 'vitest'
import type { LoadBalancer } from '../model/load-balancer.ts'
import { MemoryServerStates } from '../stores/memory/server-states.ts'
import { Balancer, type Server } from './balancer.ts'
import type { Exchange } from './exchange.ts'

const config = { algorithm: 'LeastConnections', servers: [], maxFailures: 0, retryEnabled: true, unhealthyStatuses: [] }

function world() {
  const states = new MemoryServerStates(MemoryServerStates.allocate(64))
  const servers = ['a', 'b'].map(
    (name): Server => ({
      name,
      base: '',
      tls: null,
      weight: 1,
      fallback: false,
      state: states.server(name),
      active: 0,
    }),
  )
  const balancer = new Balancer('t', config as unknown as LoadBalancer, servers, () => 0, Date.now)
  const variables = new Map<string, unknown>()
  return { servers, balancer, variables, x: { set: variables.set.bind(variables) } as unknown as Exchange }
}

test('calls that run are counted where they are, and nowhere when they are over', () => {
  const { servers, balancer, x } = world()
  const active = () => servers.map((server) => server.active)
  const turns = [balancer.turn(), balancer.turn()]
  for (const turn of turns) turn.next(x)
  expect(active()).toEqual([1, 1])
  turns[0]!.failed(x)
  expect(active()).toEqual([0, 2])
  for (const turn of turns) turn.done()
  turns[0]!.done()
  expect(active()).toEqual([0, 0])
})

test('a call that cannot be sent again does not move on: variables name the server that was called', () => {
  const { balancer, variables, x } = world()
  const turn = balancer.turn()
  turn.next(x)
  expect(turn.failed(x, false)).toBeNull()
  expect(variables.get('loadbalancing.targetserver')).toBe('a')
  expect(variables.get('loadbalancing.failedservers')).toEqual(['a'])
})
