import type { BodySink } from '../core/body.ts'
import { type DrainListener, UpstreamError } from '../wire/types.ts'
import { answerHeaders, reasonOf } from './answer.ts'
import type { Call } from './call.ts'

/** The target has answered 101: from here on bytes pass as they are, each way at the pace of who reads. */
export function openTunnel(call: Call): void {
  const { down } = call
  const target = call.target!
  const message = call.x!.response!
  call.status = 101
  const fromClient = down.switchProtocols(reasonOf(message), answerHeaders(call, message))
  call.tunnel = fromClient
  target.tunnel(fromClient)
  const stream = new TunnelStream(call)
  down.drainListener = stream
  target.start(stream)
}

/** What the target sends, on to the client. */
class TunnelStream implements BodySink, DrainListener {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  onDrain(): void {
    this.#call.target?.resume()
  }

  onData(chunk: Buffer): boolean {
    return this.#call.down.write(chunk)
  }

  onEnd(): void {
    this.#call.down.end()
  }

  onError(error: Error): void {
    const { down } = this.#call
    // Silence for too long is how a tunnel may end; a break must look like one.
    if (error instanceof UpstreamError && error.kind === 'io-timeout') return down.end()
    this.#call.brokeOff = true
    down.abort()
  }
}
