import type { Downstream, Origin, UpstreamCall, UpstreamClient, UpstreamError, UpstreamHandler } from './types.ts'

interface PipeOptions {
  readonly headers?: readonly string[]
  readonly ioTimeoutMs?: number
}

/** The smallest proxy: both halves joined, nothing between them. */
export class Pipe implements UpstreamHandler {
  readonly down: Downstream
  readonly call: UpstreamCall
  error: UpstreamError | null = null
  /** How the exchange ended; empty as long as it runs. */
  outcome: '' | 'sent' | 'gone' = ''
  #answered = false

  constructor(client: UpstreamClient, origin: Origin, down: Downstream, { headers, ioTimeoutMs }: PipeOptions = {}) {
    this.down = down
    down.finishListener = {
      onFinish: (how) => {
        this.outcome = how
        if (how === 'gone') this.call.abort()
      },
    }
    down.drainListener = { onDrain: () => this.call.resume() }
    const { method, target, body } = down
    const request = { origin, method, target, headers: headers ?? ['Host', 'u'], body }
    this.call = client.dispatch({ ...request, connectTimeoutMs: 5000, ioTimeoutMs: ioTimeoutMs ?? 5000 }, this)
  }

  onHead(status: number, reason: string, headers: string[], bodyBytes: number): void {
    this.#answered = true
    this.down.head(status, reason, headers, bodyBytes)
  }

  onData(chunk: Buffer): boolean {
    return this.down.write(chunk)
  }

  onEnd(trailers: readonly string[] | null): void {
    this.down.end(trailers)
  }

  onError(error: UpstreamError): void {
    this.error = error
    if (!this.#answered) this.down.send(502, 'Bad Gateway', [], error.kind)
    else this.down.abort()
  }
}

/** The headers of a request that go on with it. */
export function headersOf(down: Downstream): string[] {
  const headers: string[] = []
  for (let i = 0; i < down.rawHeaders.length; i += 2) {
    const name = down.rawHeaders[i]!
    if (!/^(connection|upgrade)$/i.test(name)) headers.push(name, down.rawHeaders[i + 1]!)
  }
  return headers
}
