import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { TopApplicationsAnswer, UsageAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { count, share, timesIn } from '../format.ts'
import { Download } from '../parts/download.tsx'
import { NoServices, NoUsage } from '../parts/no-usage.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { MetricPicker, ServicePicker, useServices } from '../parts/scope.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { TimeBar } from '../parts/time-bar.tsx'
import { type Change, hourly, rangeOf, refreshMs, searchOf, sharedOf, useView, type View } from '../view.ts'

/** Analytics > Top applications: who uses a service most. */
export function TopApplicationsPage(): JSX.Element {
  const [asked, change] = useView()
  const view = useMemo(() => hourly(asked), [asked])
  const services = useServices()
  const service = view.service ?? services?.[0]?.id ?? null
  const query = rangeOf({ ...view, per: null })
  if (service !== null) query.set('service', service)
  const usage = useLive<UsageAnswer>(service === null ? null : `/api/usage?${query}`, 60_000)
  const metrics = usage.answer?.metrics ?? []
  const metric = view.metric ?? metrics[0]?.name ?? null
  if (metric !== null) query.set('metric', metric)
  const live = useLive<TopApplicationsAnswer>(
    service === null || metric === null ? null : `/api/top-applications?${query}`,
    refreshMs(view),
  )
  return (
    <>
      <PageHead title="Top applications" crumb="Analytics">
        {services !== undefined && services.length > 0 && (
          <ServicePicker
            value={service}
            services={services}
            pick={(id) => change({ service: id, application: null, metric: null })}
          />
        )}
        <LiveMark late={live.error !== undefined} nowMs={live.answer?.nowMs} zone={live.answer?.timezone ?? 'UTC'} />
      </PageHead>
      {services?.length === 0 ? (
        <NoServices />
      ) : (
        <>
          <TimeBar hours steps={false} view={view} change={change} answer={live.answer ?? usage.answer} />
          {usage.error === undefined ? (
            <Answered
              live={live}
              draw={(answer) => (
                <Ranking view={view} change={change} answer={answer}>
                  {metric !== null && (
                    <MetricPicker metrics={metrics} value={metric} pick={(name) => change({ metric: name })} />
                  )}
                </Ranking>
              )}
            />
          ) : (
            <Answered live={usage} draw={() => null} />
          )}
        </>
      )}
    </>
  )
}

type Row = TopApplicationsAnswer['rows'][number] & { readonly rank: number }

interface RankingProps {
  readonly view: View
  readonly change: Change
  readonly answer: TopApplicationsAnswer
  readonly children: JSX.Element | false
}

function Ranking({ view, change, answer, children }: RankingProps): JSX.Element {
  const rows = answer.rows.map((row, at) => ({ ...row, rank: at + 1 }))
  if (rows.length === 0)
    return (
      <>
        <div class="panel-head bare">{children}</div>
        <NoUsage view={view} change={change} service={answer.service.name} />
      </>
    )
  const all = rows.reduce((sum, { value }) => sum + value, 0)
  const times = timesIn(answer.timezone)
  return (
    <ListPanel
      title={`Most ${answer.metric} of ${answer.service.name}`}
      caption="Applications that used most"
      empty=""
      columns={columnsOf(rows[0]!.value, all, view)}
      rows={rows}
      keyOf={({ application }) => application}
    >
      <span class="quiet">
        {times.moment(answer.sinceMs)} until {times.moment(Math.min(answer.nowMs, answer.untilMs))}
      </span>
      {children}
      <Download
        name={`top-applications-${answer.service.systemName}`}
        columns={['Application Name', 'Application ID', 'Plan Name', 'Account Name', 'Total']}
        rows={() =>
          rows.map(({ name, application, plan, account, value }) => [name, application, plan, account, value])
        }
      />
    </ListPanel>
  )
}

const barColour = '#4a90e2'

function columnsOf(most: number, all: number, view: View): readonly Column<Row>[] {
  const range = searchOf({ ...sharedOf(view), service: null })
  return [
    {
      title: 'Application',
      kind: 'wraps',
      draw: ({ rank, application, name }) => (
        <>
          <span class="rank quiet">{rank}</span>
          <a href={pathOf('/applications', application) + range}>{name}</a>
        </>
      ),
    },
    { title: 'Account', kind: 'wraps', draw: ({ account }) => account },
    { title: 'Plan', minor: true, draw: ({ plan }) => plan },
    {
      title: 'Compared',
      kind: 'bar-cell',
      minor: true,
      draw: ({ value }) => (
        <span class="bar wide" style={{ '--swatch': barColour, '--share': value / most }} aria-hidden="true" />
      ),
    },
    { title: 'Total', kind: 'number', draw: ({ value }) => count(value) },
    { title: 'Share of these', kind: 'number', minor: true, draw: ({ value }) => share(value, all) },
  ]
}
