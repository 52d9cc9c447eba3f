import type { TelemetrySetup } from '../gateway/telemetry/exporter.ts'
import type { StartOptions } from './options.ts'

const PROTOCOLS: readonly string[] = ['', 'http/json']

/**
 * Where spans go, by the options and OpenTelemetry's own variables: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS (`name=value,...`,
 * percent-encoded: what a collector asks for is a secret, and no option). Null: nowhere.
 * @throws Error with one line that names the variable
 */
export function telemetryOf(
  { otlpEndpoint, otlpShare }: Pick<StartOptions, 'otlpEndpoint' | 'otlpShare'>,
  env: NodeJS.ProcessEnv,
): TelemetrySetup | null {
  if (otlpEndpoint === '') return null
  const protocol = env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? ''
  if (!PROTOCOLS.includes(protocol)) {
    throw new Error(
      `OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}: spans are sent as http/json alone (a collector's port 4318)`,
    )
  }
  return {
    endpoint: otlpEndpoint,
    headers: headersOf(env['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''),
    serviceName: env['OTEL_SERVICE_NAME'] || 'postern',
    share: otlpShare,
  }
}

// The values are never told: they are secrets.
function headersOf(text: string): string[] {
  const bad = (what: string): Error =>
    new Error(`OTEL_EXPORTER_OTLP_HEADERS: ${what}; it is name=value, several separated by commas, percent-encoded`)
  return text
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .flatMap((pair, index) => {
      const at = pair.indexOf('=')
      const name = pair.slice(0, Math.max(0, at)).trim()
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw bad(`pair ${index + 1} has no name`)
      try {
        const value = decodeURIComponent(pair.slice(at + 1).trim())
        if (/[^\t\x20-\x7e]/.test(value)) throw bad(`the value of ${name} cannot be sent in a header`)
        return [name, value]
      } catch (error) {
        throw error instanceof URIError ? bad(`the value of ${name} is not percent-encoded`) : error
      }
    })
}
