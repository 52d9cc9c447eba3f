import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Analytics, AnalyticsHealth, RunningTotals } from '../analytics/ports.ts'
import type { MaybePromise } from '../core/async.ts'
import { codeClass } from '../core/code-class.ts'
import type { TallyRow } from '../core/tally.ts'

/** What main knows of its gateway threads and of the counters that they share. Totals count from the start and never fall. */
export interface GatewayTotals {
  readonly workers: number
  /** Threads that died and were replaced. */
  readonly workerRestarts: number
  /** Slots of the shared counter table: those in use, and all. */
  readonly counterSlotsUsed: number
  readonly counterSlots: number
  /** Checks that found the table full. */
  readonly countersNoRoom: number
  /** Open connections at the doors of the gateway threads. */
  readonly connections: number
  /** Answers of the backend door, by kind of request and status, for each thread. */
  readonly doorAnswers: readonly TallyRow[]
  /** Calls to back ends elsewhere, by endpoint and class of the status, for each thread. */
  readonly backendCalls: readonly TallyRow[]
  /** Reports to back ends elsewhere: those that wait in memory, and those that were given up. */
  readonly reportsWaiting: number
  readonly reportsLost: number
}

/** What `/metrics` shows beside the calls, which it reads from the analytics. */
export interface MetricsSource {
  totals(): MaybePromise<GatewayTotals>
}

/** More proxies than this are one label value, `other`: a scrape must stay small whatever is deployed. */
export const proxyLabelsMax = 200

/** One line of a histogram: cumulative counts by upper bound. */
interface CountedDuration {
  readonly proxy: string
  calls: number
  seconds: number
  readonly buckets: { upToMs: number; calls: number }[]
}

/** A histogram whose buckets were counted elsewhere. */
class CountedHistogram extends Histogram<'proxy'> {
  #values: { value: number; labels: Record<string, string>; metricName: string }[] = []

  fill(durations: Iterable<CountedDuration>): void {
    this.#values = []
    const add = (suffix: string, labels: Record<string, string>, value: number): void => {
      this.#values.push({ value, labels, metricName: durationName + suffix })
    }
    for (const { proxy, calls, seconds, buckets } of durations) {
      for (const bucket of buckets) add('_bucket', { le: String(bucket.upToMs / 1000), proxy }, bucket.calls)
      add('_bucket', { le: '+Inf', proxy }, calls)
      add('_sum', { proxy }, seconds)
      add('_count', { proxy }, calls)
    }
  }

  /** The registry asks for this, and not for `get`, when it writes text. */
  getForPromString(): Promise<object> {
    return Promise.resolve({ name: durationName, help: durationHelp, type: 'histogram', values: this.#values })
  }
}

const durationName = 'postern_call_duration_seconds'
const durationHelp = 'Time from the arrival of a call to the end of its answer, by proxy.'

/** Plain numbers: name, kind, help, and where they are read. */
const figures: readonly (readonly [
  name: string,
  kind: 'counter' | 'gauge',
  help: string,
  read: (gateway: GatewayTotals, health: AnalyticsHealth) => number,
])[] = [
  ['postern_calls_lost_total', 'counter', 'Calls counted nowhere: dropped or not written.', (_g, h) => h.lostCalls],
  ['postern_calls_pending', 'gauge', 'Calls received and not yet on disk.', (_g, h) => h.pendingCalls],
  [
    'postern_analytics_writable',
    'gauge',
    '1: counts can be written; 0: they cannot.',
    (_g, h) => (h.problem === null ? 1 : 0),
  ],
  ['postern_workers', 'gauge', 'Gateway threads that run.', (g) => g.workers],
  ['postern_worker_restarts_total', 'counter', 'Gateway threads that died and were replaced.', (g) => g.workerRestarts],
  ['postern_connections', 'gauge', 'Open connections of the gateway and backend doors.', (g) => g.connections],
  ['postern_reports_waiting', 'gauge', 'Reports that a back end elsewhere has not taken yet.', (g) => g.reportsWaiting],
  [
    'postern_reports_lost_total',
    'counter',
    'Reports to a back end elsewhere that were given up.',
    (g) => g.reportsLost,
  ],
  ['postern_counter_slots', 'gauge', 'Slots of the shared counter table.', (g) => g.counterSlots],
  ['postern_counter_slots_used', 'gauge', 'Slots of the shared counter table in use.', (g) => g.counterSlotsUsed],
  ['postern_counters_no_room_total', 'counter', 'Checks that found the counter table full.', (g) => g.countersNoRoom],
]

/** The page `/metrics`: a registry of its own, filled from one reading of the sources at each scrape. */
export class MetricsPage {
  readonly #analytics: Pick<Analytics, 'running' | 'health'>
  readonly #source: MetricsSource
  readonly #registry = new Registry()
  readonly #calls: Counter<'proxy' | 'class' | 'answered_by'>
  readonly #doorAnswers: Counter<'request_type' | 'resp_code'>
  readonly #backendCalls: Counter<'endpoint' | 'status'>
  readonly #durations: CountedHistogram
  readonly #figures: readonly (Counter | Gauge)[]

  constructor(analytics: Pick<Analytics, 'running' | 'health'>, source: MetricsSource) {
    this.#analytics = analytics
    this.#source = source
    const registers = [this.#registry]
    this.#calls = new Counter({
      name: 'postern_calls_total',
      help: 'Calls answered, by proxy, class of the status that the client got, and who answered.',
      labelNames: ['proxy', 'class', 'answered_by'],
      registers,
    })
    // The names of 3scale's own back end and of APIcast: what is drawn of them can be drawn of us.
    this.#doorAnswers = new Counter({
      name: 'apisonator_listener_response_codes',
      help: 'Answers of the backend door.',
      labelNames: ['request_type', 'resp_code'],
      registers,
    })
    this.#backendCalls = new Counter({
      name: 'threescale_backend_calls',
      help: 'Calls to back ends elsewhere.',
      labelNames: ['endpoint', 'status'],
      registers,
    })
    this.#durations = new CountedHistogram({ name: durationName, help: durationHelp, labelNames: ['proxy'], registers })
    this.#figures = figures.map(([name, kind, help]) =>
      kind === 'counter' ? new Counter({ name, help, registers }) : new Gauge({ name, help, registers }),
    )
    // Every 10 ms, its default, would keep an idle machine awake.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    const [running, health, gateway] = await Promise.all([
      this.#analytics.running(),
      this.#analytics.health(),
      this.#source.totals(),
    ])
    const labelOf = proxyLabels(running)
    this.#calls.reset()
    for (const { proxy, status, answeredBy, calls } of running.calls) {
      this.#calls.inc({ proxy: labelOf(proxy), class: codeClass(status).toLowerCase(), answered_by: answeredBy }, calls)
    }
    this.#doorAnswers.reset()
    for (const [type, code, count] of gateway.doorAnswers) {
      this.#doorAnswers.inc({ request_type: type, resp_code: code }, count)
    }
    this.#backendCalls.reset()
    for (const [endpoint, status, count] of gateway.backendCalls) this.#backendCalls.inc({ endpoint, status }, count)
    this.#durations.fill(merged(running, labelOf))
    this.#figures.forEach((metric, index) => {
      metric.reset()
      metric.inc(figures[index]![3](gateway, health))
    })
    return this.#registry.metrics()
  }
}

/** One histogram for each label: proxies that share `other` are added up. */
function merged(running: RunningTotals, labelOf: (proxy: string) => string): Iterable<CountedDuration> {
  const byLabel = new Map<string, CountedDuration>()
  for (const { proxy: name, calls, seconds, buckets } of running.durations) {
    const proxy = labelOf(name)
    const known = byLabel.get(proxy)
    if (known === undefined) {
      byLabel.set(proxy, { proxy, calls, seconds, buckets: buckets.map((bucket) => ({ ...bucket })) })
      continue
    }
    known.calls += calls
    known.seconds += seconds
    buckets.forEach((bucket, index) => {
      known.buckets[index]!.calls += bucket.calls
    })
  }
  return byLabel.values()
}

/** The first proxies by name keep their label, so that a label does not come and go between two scrapes. */
function proxyLabels(running: RunningTotals): (proxy: string) => string {
  const names = new Set([...running.calls, ...running.durations].map(({ proxy }) => proxy))
  const kept = new Set([...names].sort().slice(0, proxyLabelsMax))
  return (proxy) => (kept.has(proxy) ? proxy : 'other')
}
