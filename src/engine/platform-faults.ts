import { Fault, type FaultRow } from './fault.ts'

/** Faults of the runtime itself (Edge's `messaging.*`, `protocol.*`, `entities.*`), by their errorcode. */
export const PLATFORM_FAULTS = {
  'messaging.adaptors.http.flow.ApplicationNotFound': {
    status: 404,
    message: 'Unable to identify proxy for host: {1} and url: {2}',
    cause: 'No deployed proxy has a base path that fits the request.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.ServiceUnavailable': {
    status: 503,
    message: 'The Service is temporarily unavailable',
    cause: 'The target refused the connection, could not be resolved, or did not accept it in time.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.NoActiveTargets': {
    status: 503,
    message: 'The Service is temporarily unavailable',
    cause: 'No server of the LoadBalancer is in the rotation.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.GatewayTimeout': {
    status: 504,
    message: 'Gateway Timeout',
    cause: 'The target sent no byte for io.timeout.millis.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.BadGateway': {
    status: 502,
    message: 'Bad Gateway',
    cause: 'The target answered something that is not HTTP, or is ambiguous.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.UnexpectedEOFAtTarget': {
    status: 502,
    message: 'Unexpected EOF at target',
    cause: 'The target closed the connection before its answer was whole.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.UnexpectedEOFAtClient': {
    status: 499,
    message: 'Unexpected EOF at client',
    cause: 'The client went away before its request was whole.',
    by: 'client',
  },
  'messaging.adaptors.http.flow.DecompressionFailureAtRequest': {
    status: 400,
    message: 'Decompression failure at request',
    cause: 'A step needs the content of a request that is not in the Content-Encoding that it claims.',
    by: 'client',
  },
  'messaging.adaptors.http.flow.DecompressionFailureAtResponse': {
    status: 502,
    message: 'Decompression failure at response',
    cause: "A step needs the content of the target's answer, which is not in the Content-Encoding that it claims.",
    by: 'target',
  },
  'messaging.adaptors.http.flow.SslHandshakeFailed': {
    status: 503,
    message: 'SSL Handshake failed {1}',
    cause: 'The TLS handshake with the target failed, or its certificate was not accepted.',
    by: 'gateway',
  },
  'messaging.adaptors.http.flow.ErrorResponseCode': {
    status: 500,
    message: 'The target answered {1}',
    cause:
      "The target's status is outside success.codes; its answer goes to the client unless a fault rule changes it.",
    by: 'target',
  },
  'messaging.runtime.RouteFailed': {
    status: 500,
    message: 'Unable to route the message to a TargetEndpoint',
    cause: 'No RouteRule of the ProxyEndpoint applies.',
    by: 'gateway',
  },
  'messaging.runtime.ExecutionFailed': {
    status: 500,
    message: 'Internal error, see the log of the gateway for request {1}',
    cause: 'A fault of the gateway itself; the log has it under the request id.',
    by: 'gateway',
  },
  'protocol.http.TooBigBody': {
    status: 413,
    message: 'Body buffer overflow: more than {1} bytes',
    cause: 'A step needs the content of a message that is larger than the limit for buffered bodies.',
    by: 'gateway',
  },
  'protocol.http.TooBigLine': {
    status: 414,
    message: 'request line size exceeding {1}',
    cause: 'The request line is longer than Edge allows.',
    by: 'gateway',
  },
  'protocol.http.TooBigHeaders': {
    status: 431,
    message: 'request headers size exceeding {1}',
    cause: 'The headers of the request together are larger than Edge allows.',
    by: 'gateway',
  },
  'protocol.http.BadPath': {
    status: 500,
    message: 'The target URL is not valid: {1}',
    cause: 'The URL of the target is not an http or https URL after its variables were filled in.',
    by: 'gateway',
  },
  'entities.UnresolvedVariable': {
    status: 500,
    message: 'Unresolved variable : {1}',
    cause: 'A message template names a variable that is not set, and IgnoreUnresolvedVariables is false.',
    by: 'policy',
  },
} as const

export type PlatformFault = keyof typeof PLATFORM_FAULTS

/** The fault of the runtime with that errorcode. */
export function platformFault(code: PlatformFault, ...details: string[]): Fault {
  const row: FaultRow = PLATFORM_FAULTS[code]
  const text = row.message.replace(/\{(\d)\}/g, (_, n: string) => details[Number(n) - 1] ?? '').trimEnd()
  return new Fault(code, row.status, text, row.by ?? 'gateway')
}
