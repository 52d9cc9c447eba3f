import type { MaybePromise } from '../core/async.ts'
import type { BodyFailure } from './body.ts'
import type { Exchange } from './exchange.ts'
import { Fault } from './fault.ts'
import type { Message } from './message.ts'
import { platformFault } from './platform-faults.ts'
import { FLOW_MESSAGES, type FlowMessage, isFlowMessage } from './variables.ts'

/** Largest body that is read into memory for a step: Edge's 10 MB. */
export const BODY_BYTES_MAX: number = 10 * 1024 * 1024

/** The bit of the request's body. */
export const CONTENT_OF_REQUEST = 1

/** Which bodies a step reads, one bit for each message of the flow. Collected while the step is compiled. */
export class ContentNeeds {
  bits = 0

  readonly need = (message: FlowMessage): void => {
    this.bits |= 1 << FLOW_MESSAGES.indexOf(message)
  }

  needNamed(name: string): void {
    if (isFlowMessage(name)) this.need(name)
  }
}

/** Loads the bodies named by `bits`. Synchronous, and nothing made, when all are there. */
export function loadContent(x: Exchange, bits: number): MaybePromise<Fault | undefined> {
  if (bits & 1 && isOpen(x.request)) return loadThen(x, x.request, bits)
  if (bits & 2 && x.response !== null && isOpen(x.response)) return loadThen(x, x.response, bits)
  if (bits & 4 && isOpen(x.message)) return loadThen(x, x.message, bits)
  if (bits & 8 && x.error !== null && isOpen(x.error)) return loadThen(x, x.error, bits)
  return undefined
}

const isOpen = (message: Message): boolean => message.isLoading || message.body.source !== null

async function loadThen(x: Exchange, message: Message, bits: number): Promise<Fault | undefined> {
  const failure = await message.load(BODY_BYTES_MAX)
  return failure === undefined ? loadContent(x, bits) : bodyFault(message, failure)
}

/** Why a body could not be read, as the client and the fault rules see it. */
function bodyFault(message: Message, failure: BodyFailure): Fault {
  const request = message.kind === 'request'
  if (failure === 'too-big') {
    const fault = platformFault('protocol.http.TooBigBody', String(BODY_BYTES_MAX))
    // Nothing that the client could mend.
    return request ? fault : new Fault(fault.code, 502, fault.text, 'target')
  }
  if (failure === 'undecodable') {
    return platformFault(
      request
        ? 'messaging.adaptors.http.flow.DecompressionFailureAtRequest'
        : 'messaging.adaptors.http.flow.DecompressionFailureAtResponse',
    )
  }
  return platformFault(
    request
      ? 'messaging.adaptors.http.flow.UnexpectedEOFAtClient'
      : 'messaging.adaptors.http.flow.UnexpectedEOFAtTarget',
  )
}
