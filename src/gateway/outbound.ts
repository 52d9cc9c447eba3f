import { copyOf } from '../core/body.ts'
import type { OutgoingSpan } from '../engine/call-trace.ts'
import { codingOf, decoded } from '../engine/encoding.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Headers } from '../engine/headers.ts'
import {
  type Outbound,
  type OutboundAnswer,
  OutboundError,
  type OutboundFailure,
  type OutboundRequest,
} from '../engine/policy.ts'
import type { UpstreamCall, UpstreamClient, UpstreamError, UpstreamFailure, UpstreamHandler } from '../wire/types.ts'
import { connectionTokens, DROP, headerRule, REQUEST_ONLY } from './header-rules.ts'
import { localOrigin } from './local-client.ts'
import { tlsReason } from './target-request.ts'
import { type Destination, type Destinations, joinTarget } from './url.ts'

const FAILURES: Readonly<Record<UpstreamFailure, OutboundFailure>> = {
  dns: 'unreachable',
  refused: 'unreachable',
  'connect-timeout': 'unreachable',
  tls: 'tls',
  'io-timeout': 'timeout',
  reset: 'broken',
  'bad-response': 'broken',
  'bad-request': 'url',
  body: 'broken',
  aborted: 'broken',
}

/** Callouts over the same connections as everything else; each carries the call's own X-Apig-count and request id. */
export class WireOutbound implements Outbound {
  readonly #client: UpstreamClient
  #destinations: Destinations

  constructor(client: UpstreamClient, destinations: Destinations) {
    this.#client = client
    this.#destinations = destinations
  }

  use(destinations: Destinations): void {
    this.#destinations = destinations
  }

  call(x: Exchange, request: OutboundRequest): Promise<OutboundAnswer | OutboundError> | OutboundError {
    const to = request.local == null ? this.#destinations.parse(request.url) : localDestination(x, request)
    if (to === null) return new OutboundError('url', `not an http or https URL: ${request.url.slice(0, 200)}`)
    x.forwarded = true
    const { trace } = x
    const span = trace === null ? null : trace.begin(request.method, to.authority)
    const headers = calloutHeaders(x, request.headers, to.authority)
    return new Promise((resolve) => {
      const collector = new Collector(request, span, resolve)
      collector.begin(
        this.#client.dispatch(
          {
            origin: this.#destinations.secured(to.origin, request.tls ?? null),
            method: request.method,
            target: joinTarget(to.path, '', to.query, ''),
            headers: span === null ? headers : trace!.headersFor(span, headers),
            body: request.body,
            connectTimeoutMs: request.connectTimeoutMs,
            ioTimeoutMs: request.ioTimeoutMs,
          },
          collector,
        ),
      )
    })
  }
}

/** The call keeps the host that the client asked for: a path is looked up among what is bound to it. */
function localDestination(x: Exchange, { url, local }: OutboundRequest): Destination {
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  const query = question < 0 ? '' : url.slice(question + 1)
  return { origin: localOrigin(local!), authority: x.client.host, path, query }
}

function calloutHeaders(x: Exchange, raw: readonly string[], authority: string): string[] {
  const headers = ['Host', authority]
  const tokens = connectionTokens(raw)
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const rule = headerRule(name)
    if (rule === DROP || rule === REQUEST_ONLY || tokens?.has(name.toLowerCase())) continue
    headers.push(name, raw[i + 1]!)
  }
  headers.push('X-Apig-count', String(x.forwardCount))
  return headers
}

/** Gathers one answer whole, within the time and size that its caller allows. */
class Collector implements UpstreamHandler {
  readonly #request: OutboundRequest
  readonly #span: OutgoingSpan | null
  readonly #resolve: (answer: OutboundAnswer | OutboundError) => void
  readonly #chunks: Buffer[] = []
  readonly #timer: NodeJS.Timeout
  #call: UpstreamCall | null = null
  #bytes = 0
  #status = 0
  #reason = ''
  #headers: string[] = []
  #done = false

  constructor(
    request: OutboundRequest,
    span: OutgoingSpan | null,
    resolve: (answer: OutboundAnswer | OutboundError) => void,
  ) {
    this.#request = request
    this.#span = span
    this.#resolve = resolve
    this.#timer = setTimeout(
      () => this.#giveUp('timeout', `no answer within ${request.timeoutMs} ms`),
      request.timeoutMs,
    )
  }

  begin(call: UpstreamCall): void {
    this.#call = call
    if (this.#done) call.abort()
  }

  onHead(status: number, reason: string, headers: string[]): void {
    this.#status = status
    this.#reason = reason
    this.#headers = headers
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes > this.#request.answerBytesMax) {
      this.#giveUp('too-big', `the answer is larger than ${this.#request.answerBytesMax} bytes`)
      return false
    }
    this.#chunks.push(copyOf(chunk))
    return true
  }

  onEnd(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const answer = { status: this.#status, reason: this.#reason, headers: this.#headers, body }
    const coding = codingOf(new Headers(this.#headers).get('content-encoding'))
    if (coding === null || body.length === 0) this.#finish(answer)
    else void this.#finishDecoded(coding, answer)
  }

  onError(error: UpstreamError): void {
    this.#finish(new OutboundError(FAILURES[error.kind], error.kind === 'tls' ? tlsReason(error) : error.message))
  }

  /** Policies read the content, so its coding is undone and the header that named it removed. */
  async #finishDecoded(coding: string, answer: OutboundAnswer): Promise<void> {
    const body = await decoded(coding, answer.body, this.#request.answerBytesMax)
    if (body === 'too-big') this.#giveUp('too-big', `the answer is larger than ${this.#request.answerBytesMax} bytes`)
    else if (body === 'undecodable') this.#giveUp('broken', `the answer is not ${coding}, as it claims`)
    else {
      const headers = new Headers(answer.headers)
      headers.remove('content-encoding')
      this.#finish({ ...answer, headers: headers.raw.slice(), body })
    }
  }

  #giveUp(kind: OutboundFailure, message: string): void {
    if (this.#done) return
    this.#finish(new OutboundError(kind, message))
    this.#call?.abort()
  }

  #finish(answer: OutboundAnswer | OutboundError): void {
    if (this.#done) return
    this.#done = true
    clearTimeout(this.#timer)
    if (answer instanceof OutboundError) this.#span?.end(0, answer.kind)
    else this.#span?.end(answer.status)
    this.#resolve(answer)
  }
}
