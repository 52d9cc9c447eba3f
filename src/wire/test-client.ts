import { createUpstreamClient } from './client.ts'
import type { ClientSettings } from './client-pool.ts'
import { Answer, later } from './test-support.ts'
import type { Origin, UpstreamClient, UpstreamRequest } from './types.ts'

/** What the tests of the client share. */

export function makeClient(options: Partial<ClientSettings> = {}): UpstreamClient {
  const client = createUpstreamClient(options)
  later(() => client.close())
  return client
}

export function request(origin: Origin, rest: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'GET',
    target: '/',
    headers: ['Host', 'h'],
    body: null,
    connectTimeoutMs: 5000,
    ioTimeoutMs: 5000,
    ...rest,
  }
}

export function send(client: UpstreamClient, origin: Origin, rest: Partial<UpstreamRequest> = {}): Promise<Answer> {
  const answer = new Answer()
  client.dispatch(request(origin, rest), answer)
  return answer.done
}
