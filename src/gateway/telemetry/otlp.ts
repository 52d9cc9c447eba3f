import type { Span } from './spans.ts'

/** Who sends: the resource of all spans. */
export interface Resource {
  readonly serviceName: string
  readonly version: string
  /** The gateway. */
  readonly instance: string
}

const KINDS = { server: 2, client: 3 } as const
const STATUS_ERROR = 2

/**
 * The body of `POST /v1/traces` in OTLP's JSON encoding: ids in hex, 64-bit numbers as text. Source: OpenTelemetry, "OTLP
 * Specification", section "JSON Protobuf Encoding".
 */
export function otlpBody(spans: readonly Span[], { serviceName, version, instance }: Resource): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: attributes({
            'service.name': serviceName,
            'service.version': version,
            'service.instance.id': instance,
          }),
        },
        scopeSpans: [{ scope: { name: 'postern', version }, spans: spans.map(otlpSpan) }],
      },
    ],
  })
}

function otlpSpan(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId !== '' && { parentSpanId: span.parentId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(Math.max(span.startMs, span.endMs)),
    attributes: attributes(span.attributes),
    status: span.failed ? { code: STATUS_ERROR } : {},
  }
}

// Nanoseconds since the epoch are more than a number holds: microseconds are not.
const nanos = (ms: number): string => `${Math.round(ms * 1_000)}000`

function attributes(values: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    }))
}
