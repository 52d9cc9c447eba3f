import type { BodySink } from '../../core/body.ts'
import { PassedBody } from '../passed-body.ts'

/** Knows as well how the body stands: `waits` when nobody has read it. */
export class BodyTap extends PassedBody {
  state: 'waits' | 'flows' | 'ended' | 'broken' | 'cancelled' = 'waits'

  override start(sink: BodySink): void {
    this.state = 'flows'
    super.start(sink)
  }

  override cancel(): void {
    this.state = 'cancelled'
    super.cancel()
  }

  override onEnd(trailers: readonly string[] | null): void {
    this.state = 'ended'
    super.onEnd(trailers)
  }

  override onError(error: Error): void {
    this.state = 'broken'
    super.onError(error)
  }
}
