import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { HostMap } from '../model/deployment.ts'
import type { WhenFull } from '../stores/memory/counter-table.ts'

/** What `postern start` was told, by option, environment or default (in this order). */
export interface StartOptions {
  readonly host: string
  readonly port: number
  /** The TLS door: its port, and as many certificates as keys; or none of these. */
  readonly tlsPort?: number
  readonly tlsCert?: readonly string[]
  readonly tlsKey?: readonly string[]
  readonly tlsClientCa?: string
  readonly backendHost: string
  readonly backendPort: number
  readonly backendTlsPort?: number
  readonly adminHost: string
  readonly adminPort: number
  readonly data: string
  readonly workers: number
  readonly config?: string
  readonly hostMap: HostMap
  /** Slots of the table that all threads count in. */
  readonly counterSlots: number
  readonly countersFull: WhenFull
  /** The collector that spans go to, an http or https URL; empty: there is none. */
  readonly otlpEndpoint: string
  /** Of the calls that bring no trace: those that begin one. */
  readonly otlpShare: number
  readonly logLevel: string
  /** Takes changes of the files over while it runs. */
  readonly watch: boolean
}

const WORKERS_MAX = 64
const COUNTER_SLOTS_LOG2 = 20
const COUNTER_SLOTS_LOG2_MIN = 10
const COUNTER_SLOTS_LOG2_MAX = 26
const WHEN_FULL: readonly WhenFull[] = ['admit', 'refuse']
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent']

/** Every option of `start`, with its environment variable; the reference is made from it. */
export function startCommand(): Command {
  return new Command('start')
    .description('Serves bundles and configuration files until it is interrupted.')
    .argument(
      '[path...]',
      'Apigee bundles (folder or zip), OpenAPI files, APIcast configurations or postern.yaml files',
    )
    .addOption(new Option('--host <address>', 'address of the gateway door').env('POSTERN_HOST').default('0.0.0.0'))
    .addOption(option('--port <port>', 'port of the gateway door; 0 takes a free one', 'POSTERN_PORT', port, 8080))
    .addOption(
      new Option('--tls-port <port>', 'port of the gateway door for HTTPS; 0 takes a free one')
        .env('POSTERN_TLS_PORT')
        .argParser(port),
    )
    .addOption(
      new Option(
        '--tls-cert <file>',
        'its certificate in PEM, with those between it and the root (may be repeated: clients get the one that bears the name they ask for, else the first)',
      )
        .env('POSTERN_TLS_CERT')
        .argParser(files),
    )
    .addOption(
      new Option('--tls-key <file>', 'the private key in PEM of each certificate, in the same order')
        .env('POSTERN_TLS_KEY')
        .argParser(files),
    )
    .addOption(
      new Option('--tls-client-ca <file>', 'in PEM; clients must show a certificate that one of these has signed').env(
        'POSTERN_TLS_CLIENT_CA',
      ),
    )
    .addOption(
      new Option('--backend-host <address>', "address of the door of 3scale's Service Management API")
        .env('POSTERN_BACKEND_HOST')
        .default('127.0.0.1'),
    )
    .addOption(option('--backend-port <port>', 'its port; 0 takes a free one', 'POSTERN_BACKEND_PORT', port, 9001))
    .addOption(
      new Option('--backend-tls-port <port>', 'its port for HTTPS, with --tls-cert and --tls-key; 0 takes a free one')
        .env('POSTERN_BACKEND_TLS_PORT')
        .argParser(port),
    )
    .addOption(
      new Option('--admin-host <address>', 'address of the admin door').env('POSTERN_ADMIN_HOST').default('127.0.0.1'),
    )
    .addOption(
      option('--admin-port <port>', 'port of the admin door; 0 takes a free one', 'POSTERN_ADMIN_PORT', port, 9000),
    )
    .addOption(new Option('--data <folder>', 'where everything is kept').env('POSTERN_DATA').default('postern-data'))
    .addOption(option('--workers <count>', 'gateway threads', 'POSTERN_WORKERS', workers, defaultWorkers()))
    .addOption(new Option('--config <file>', 'a postern.yaml').env('POSTERN_CONFIG'))
    .addOption(
      new Option(
        '--host-map <from=to>',
        'send outbound calls elsewhere: http://real.host=http://127.0.0.1:8091 (may be repeated)',
      )
        .env('POSTERN_HOST_MAP')
        .argParser(hostMap)
        .default({}, 'none'),
    )
    .addOption(
      option(
        '--counter-slots <count>',
        'counters of throttles and quotas that there may be at once, a power of two; 24 bytes each',
        'POSTERN_COUNTER_SLOTS',
        counterSlots,
        1 << COUNTER_SLOTS_LOG2,
      ),
    )
    .addOption(
      new Option('--counters-full <choice>', 'what becomes of a call whose counter finds no room')
        .env('POSTERN_COUNTERS_FULL')
        .choices(WHEN_FULL)
        .default('admit'),
    )
    .addOption(
      new Option(
        '--otlp-endpoint <url>',
        "an OpenTelemetry collector (OTLP over HTTP, JSON; usually port 4318): each call becomes a span there, and each call that it makes. Without it a call's traceparent goes on as it came",
      )
        .env('OTEL_EXPORTER_OTLP_ENDPOINT')
        .argParser(collector)
        .default('', 'none'),
    )
    .addOption(
      option(
        '--otlp-share <share>',
        'of the calls that bring no trace, those that begin one, 0 to 1',
        'OTEL_TRACES_SAMPLER_ARG',
        share,
        1,
      ),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged on standard error')
        .env('POSTERN_LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addOption(
      new Option('--watch', 'serves what PATHs and the configuration file say anew whenever they change')
        .env('POSTERN_WATCH')
        .default(false, 'no'),
    )
    .allowExcessArguments(false)
}

function option(flags: string, text: string, env: string, parse: (value: string) => number, otherwise: number): Option {
  return new Option(flags, text).env(env).argParser(parse).default(otherwise)
}

/** Only Linux lets several threads share a port. */
function defaultWorkers(): number {
  return process.platform === 'linux' ? Math.min(availableParallelism(), WORKERS_MAX) : 1
}

function port(value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535)
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535.')
  return Number(value)
}

/** Several may come in one variable, separated by commas. */
function files(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(',').filter((file) => file !== '')]
}

function workers(value: string): number {
  const count = Number(value)
  if (!/^\d{1,3}$/.test(value) || count < 1 || count > WORKERS_MAX) {
    throw new InvalidArgumentError(`gateway threads are a whole number from 1 to ${WORKERS_MAX}.`)
  }
  if (count > 1 && process.platform !== 'linux')
    throw new InvalidArgumentError('only Linux lets several threads share a port: use 1.')
  return count
}

function counterSlots(value: string): number {
  const log2 = Math.log2(Number(value))
  if (
    !/^\d{1,9}$/.test(value) ||
    !(log2 >= COUNTER_SLOTS_LOG2_MIN && log2 <= COUNTER_SLOTS_LOG2_MAX) ||
    log2 % 1 !== 0
  ) {
    const range = `${2 ** COUNTER_SLOTS_LOG2_MIN} to ${2 ** COUNTER_SLOTS_LOG2_MAX}`
    throw new InvalidArgumentError(`the counters are a power of two from ${range}.`)
  }
  return Number(value)
}

/** OpenTelemetry: a variable that is empty is not set. */
function collector(value: string): string {
  if (value === '') return ''
  if (!/^https?:\/\/[^\s?#@]+$/i.test(value)) {
    throw new InvalidArgumentError('a collector is an http or https URL without query, as in http://127.0.0.1:4318.')
  }
  return value
}

function share(value: string): number {
  const number = Number(value)
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(value) || number > 1)
    throw new InvalidArgumentError('a share is a number from 0 to 1.')
  return number
}

const ORIGIN = /^https?:\/\/[^\s/?#@]+$/i

/** Several may come in one variable, separated by commas or blanks. */
function hostMap(value: string, before: HostMap): HostMap {
  const map: Record<string, string> = { ...before }
  for (const pair of value.split(/[\s,]+/).filter((text) => text !== '')) {
    const [from, to, ...rest] = pair.split('=')
    if (from === undefined || to === undefined || rest.length > 0 || !ORIGIN.test(from) || !ORIGIN.test(to)) {
      throw new InvalidArgumentError(
        `"${pair}" is not FROM=TO with two origins, as in http://real.host=http://127.0.0.1:8091.`,
      )
    }
    map[from.toLowerCase()] = to.toLowerCase()
  }
  return map
}
