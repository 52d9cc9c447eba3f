import { afterAll, describe, expect, test } from 'vitest'
import { callsOf, demoNowMs, demoOptions, demoToken } from '../../test/browser/demo-gateway.ts'
import { MemoryAnalytics } from '../stores/memory/analytics.ts'
import { type GatewayTotals, MetricsPage, proxyLabelsMax } from './metrics.ts'
import { buildAdmin } from './server.ts'

const minuteMs = Math.floor(demoNowMs / 60_000) * 60_000
const totals: GatewayTotals = {
  workers: 2,
  workerRestarts: 1,
  counterSlotsUsed: 12,
  counterSlots: 64,
  countersNoRoom: 3,
  connections: 5,
  // Of two threads.
  doorAnswers: [
    ['authrep', '2xx', 3],
    ['authrep', '2xx', 4],
    ['report', '403', 1],
  ],
  backendCalls: [['auth', 'invalid_status', 2]],
  reportsWaiting: 6,
  reportsLost: 0,
}

const { clock, metrics, analytics: _none, ...options } = demoOptions()
const analytics = new MemoryAnalytics(clock)
const app = buildAdmin({ ...options, clock, metrics, analytics })
afterAll(() => app.close())

/** Samples by name and labels, as they stand in the text. */
async function scrape(page: MetricsPage): Promise<Map<string, number>> {
  const lines = (await page.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('/metrics', () => {
  test('counts calls by proxy, class and who answered', async () => {
    analytics.write({
      rows: [
        callsOf({ minuteMs, calls: 7 }),
        callsOf({ minuteMs, calls: 2, status: 204 }),
        callsOf({ minuteMs, calls: 3, status: 429, answeredBy: 'policy', authorized: false }),
        callsOf({ minuteMs, calls: 4, status: 404, answeredBy: 'gateway', proxy: '', serviceId: '' }),
        callsOf({ minuteMs, calls: 1, status: 499, answeredBy: 'client' }),
        callsOf({ minuteMs, calls: 1, status: 911 }),
      ],
      droppedCalls: 5,
    })
    const page = new MetricsPage(analytics, { totals: () => totals })
    for (let scrapes = 0; scrapes < 2; scrapes++) {
      const samples = await scrape(page)
      expect(Object.fromEntries([...samples].filter(([name]) => name.startsWith('postern_calls_total')))).toEqual({
        'postern_calls_total{proxy="weather",class="2xx",answered_by="target"}': 9,
        'postern_calls_total{proxy="weather",class="4xx",answered_by="policy"}': 3,
        'postern_calls_total{proxy="",class="4xx",answered_by="gateway"}': 4,
        'postern_calls_total{proxy="weather",class="499",answered_by="client"}': 1,
        'postern_calls_total{proxy="weather",class="other",answered_by="target"}': 1,
      })
      expect(samples.get('postern_calls_lost_total')).toBe(5)
      expect(samples.get('postern_analytics_writable')).toBe(1)
      expect(samples.get('postern_workers')).toBe(2)
      expect(samples.get('postern_worker_restarts_total')).toBe(1)
      expect(samples.get('apisonator_listener_response_codes{request_type="authrep",resp_code="2xx"}')).toBe(7)
      expect(samples.get('apisonator_listener_response_codes{request_type="report",resp_code="403"}')).toBe(1)
      expect(samples.get('threescale_backend_calls{endpoint="auth",status="invalid_status"}')).toBe(2)
      expect(samples.get('postern_reports_waiting')).toBe(6)
      expect(samples.get('postern_counter_slots_used')).toBe(12)
      expect(samples.get('postern_counter_slots')).toBe(64)
      expect(samples.get('postern_counters_no_room_total')).toBe(3)
      expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
    }
  })

  test('has times as a histogram that adds up', async () => {
    const page = new MetricsPage(analytics, { totals: async () => totals })
    expect(await page.text()).toContain('# TYPE postern_call_duration_seconds histogram')
    const samples = await scrape(page)
    const buckets = [...samples].filter(
      ([name]) => name.startsWith('postern_call_duration_seconds_bucket') && name.includes('weather'),
    )
    const counts = buckets.map(([, count]) => count)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(samples.get('postern_call_duration_seconds_bucket{le="0.016",proxy="weather"}')).toBe(0)
    expect(samples.get('postern_call_duration_seconds_bucket{le="0.032",proxy="weather"}')).toBe(14)
    expect(samples.get('postern_call_duration_seconds_bucket{le="+Inf",proxy="weather"}')).toBe(14)
    expect(samples.get('postern_call_duration_seconds_count{proxy="weather"}')).toBe(14)
    expect(samples.get('postern_call_duration_seconds_sum{proxy="weather"}')).toBeCloseTo(0.28)
  })

  test('has a bounded number of labels, and text in them cannot break out', async () => {
    const many = new MemoryAnalytics(clock)
    const rows = Array.from({ length: proxyLabelsMax + 50 }, (_each, index) =>
      callsOf({ minuteMs, calls: 2, proxy: `proxy-${String(index).padStart(4, '0')}` }),
    )
    many.write({ rows: [...rows, callsOf({ minuteMs, calls: 1, proxy: 'a"} 1\nevil_total 9\n' })], droppedCalls: 0 })
    const samples = await scrape(new MetricsPage(many, { totals: () => totals }))
    const names = [...samples.keys()].filter((name) => name.startsWith('postern_calls_total'))
    expect(names).toHaveLength(proxyLabelsMax + 1)
    expect(samples.get('postern_calls_total{proxy="other",class="2xx",answered_by="target"}')).toBe(102)
    expect(samples.get('postern_call_duration_seconds_count{proxy="other"}')).toBe(102)
    expect(samples.has('evil_total')).toBe(false)
  })

  test('is served in the format that Prometheus reads', async () => {
    const answer = await app.inject({ url: '/metrics', headers: { authorization: `Bearer ${demoToken}` } })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answer.body).toContain('postern_calls_total{proxy="weather"')
  })
})
