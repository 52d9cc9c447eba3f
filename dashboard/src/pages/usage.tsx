import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { UsageAnswer, UsageMetric } from '../../../src/admin/native/answers.ts'
import { useLive } from '../call.ts'
import { Chart } from '../chart/chart.tsx'
import { Legend } from '../chart/legend.tsx'
import { wordsOf } from '../chart/series.ts'
import { usageSeries } from '../chart/usage-series.ts'
import { count, share, timesIn } from '../format.ts'
import { Chip } from '../parts/bits.tsx'
import { SeriesDownload } from '../parts/download.tsx'
import { NoServices, NoUsage } from '../parts/no-usage.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { MetricPicker, ServicePicker, useApplicationName, useServices } from '../parts/scope.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { ValuesTable } from '../parts/tables.tsx'
import { TimeBar } from '../parts/time-bar.tsx'
import { type Change, hourly, rangeOf, refreshMs, useView, type View } from '../view.ts'

/** Analytics > Usage: what the metrics of a service, or of one application, counted. */
export function UsagePage(): JSX.Element {
  const [asked, change] = useView()
  const view = useMemo(() => hourly(asked), [asked])
  const services = useServices()
  const service = view.service ?? services?.[0]?.id ?? null
  const live = useLive<UsageAnswer>(pathOf(view, service), refreshMs(view))
  const application = useApplicationName(view.application)
  return (
    <>
      <PageHead title="Usage" crumb="Analytics">
        {view.application !== null && (
          <Chip
            words={application}
            clear={() => change({ application: null, service: live.answer?.service.id ?? null })}
          />
        )}
        {services !== undefined && services.length > 0 && (
          <ServicePicker
            value={view.application === null ? service : (live.answer?.service.id ?? null)}
            services={services}
            pick={(id) => change({ service: id, application: null, metric: null, hidden: [] })}
          />
        )}
        <LiveMark late={live.error !== undefined} nowMs={live.answer?.nowMs} zone={live.answer?.timezone ?? 'UTC'} />
      </PageHead>
      {services?.length === 0 ? (
        <NoServices />
      ) : (
        <>
          <TimeBar hours view={view} change={change} answer={live.answer} />
          <Answered live={live} draw={(answer) => <Answer view={view} change={change} answer={answer} />} />
        </>
      )}
    </>
  )
}

function pathOf(view: View, service: string | null): string | null {
  const query = rangeOf(view)
  if (view.application !== null) query.set('application', view.application)
  else if (service !== null) query.set('service', service)
  else return null
  return `/api/usage?${query}`
}

interface AnswerProps {
  readonly view: View
  readonly change: Change
  readonly answer: UsageAnswer
}

function Answer({ view, change, answer }: AnswerProps): JSX.Element {
  const { metrics, startsMs, untilMs, granularity, nowMs, sinceMs } = answer
  const metric = metrics.find(({ name }) => name === view.metric) ?? metrics[0]
  const all = useMemo(() => usageSeries(answer, metric?.name ?? ''), [answer, metric])
  const shown = useMemo(() => all.filter(({ key }) => !view.hidden.includes(key)), [all, view.hidden])
  const edgesMs = useMemo(() => [...startsMs, untilMs], [answer])
  const times = timesIn(answer.timezone)
  if (metric === undefined || metrics.every(({ total }) => total === 0))
    return <NoUsage view={view} change={change} service={answer.service.name} />
  return (
    <>
      <section class="panel" aria-label="Chart">
        <div class="panel-head">
          <MetricPicker metrics={metrics} value={metric.name} pick={(name) => change({ metric: name, hidden: [] })} />
          <Legend series={all} hidden={view.hidden} hide={(hidden) => change({ hidden })} />
        </div>
        <Chart
          series={shown}
          title={`${metric.friendlyName} over time`}
          words={wordsOf(all)}
          sum={shown.length < all.length ? 'Shown' : metric.friendlyName}
          {...{ edgesMs, granularity, times, nowMs }}
        />
      </section>
      <ListPanel
        title="Totals"
        caption="Metrics and their methods"
        empty="This service has no metrics."
        columns={columnsOf(metrics)}
        rows={metrics}
        keyOf={({ name }) => name}
      >
        <span class="quiet">
          {times.moment(sinceMs)} until {times.moment(Math.min(nowMs, untilMs))}
        </span>
        <SeriesDownload
          name={`usage-${answer.service.systemName}`}
          series={metrics.map((each) => ({
            ...each,
            key: each.name,
            label: each.friendlyName,
            meaning: '',
            colour: '',
          }))}
          startsMs={startsMs}
          times={times}
        />
      </ListPanel>
      <details class="panel">
        <summary>The chart in numbers, per {granularity}</summary>
        <ValuesTable series={all} edgesMs={edgesMs} granularity={granularity} times={times} sum={metric.friendlyName} />
      </details>
    </>
  )
}

function columnsOf(metrics: readonly UsageMetric[]): readonly Column<UsageMetric>[] {
  const totals = new Map(metrics.map(({ name, total }) => [name, total]))
  return [
    {
      title: 'Metric or method',
      draw: ({ friendlyName, isMethod }) => <span class={isMethod ? 'method' : ''}>{friendlyName}</span>,
    },
    { title: 'System name', minor: true, draw: ({ name }) => <span class="code quiet">{name}</span> },
    { title: 'Total', kind: 'number', draw: ({ total }) => count(total) },
    { title: 'Unit', draw: ({ unit }) => <span class="quiet">{unit}</span> },
    {
      title: 'Share',
      kind: 'number',
      draw: ({ parent, total }) => (parent === null ? '' : share(total, totals.get(parent) ?? 0)),
    },
  ]
}
