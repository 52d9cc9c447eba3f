import type { JSX } from 'preact'
import type {
  ProxyPageAnswer,
  ProxyPolicy,
  ProxyTarget,
  ResponseCodesAnswer,
} from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { breakable, Facts, Tag } from '../parts/bits.tsx'
import { Codes } from '../parts/codes.tsx'
import { FlowPicture } from '../parts/flow-picture.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { callOf, searchOf, useView } from '../view.ts'

/** One proxy: what it is, the picture of its flows, its policies, and how its calls went. */
export function ProxyPage({ name }: { readonly name: string }): JSX.Element {
  const live = useLive<ProxyPageAnswer>(pathOf('/api/proxies', name), 10_000)
  const { answer } = live
  return (
    <>
      <PageHead title={answer?.displayName || name} crumb="Proxies" crumbHref="/proxies">
        <a class="plain-button" href={`/analytics/response-codes${searchOf({ proxy: name })}`}>
          Response codes
        </a>
        <a class="plain-button" href={`/explain${searchOf({ proxy: name })}`}>
          Latest calls
        </a>
        <a class="plain-button" href={`/trace${searchOf({ proxy: name })}`}>
          Trace
        </a>
      </PageHead>
      <Answered
        live={live}
        waiting="Reading …"
        draw={(proxy) => (
          <>
            <section class="panel" aria-label="What it is">
              <Facts facts={factsOf(proxy)} />
            </section>
            <section class="panel">
              <div class="panel-title">
                <h2>Flows</h2>
                <p class="quiet">The request goes down on the left, the response comes up on the right.</p>
              </div>
              <FlowPicture proxy={proxy} />
            </section>
            <LastDay proxy={proxy.name} />
            <ListPanel
              title="Policies"
              caption="Policies of this proxy"
              empty="This proxy has no policies: calls go to the target as they come."
              columns={policyColumns}
              rows={proxy.policies}
              keyOf={({ name }) => name}
            />
          </>
        )}
      />
    </>
  )
}

function factsOf(proxy: ProxyPageAnswer): Parameters<typeof Facts>[0]['facts'] {
  const { name, displayName, description, basePaths, revision, revisions, dialect, service, throttle, targets } = proxy
  const others = revisions.filter((each) => each !== revision)
  return [
    ['Name', displayName === '' || displayName === name ? '' : name],
    ['Base path', basePaths.map((path) => <code key={path}>{breakable(path)} </code>)],
    ['Revision', others.length === 0 ? revision : `${revision} (kept besides: ${others.join(', ')})`],
    ['Dialect', <Tag key="">{dialect}</Tag>],
    [
      'Service',
      service === null ? '' : <a href={`/analytics/usage?service=${encodeURIComponent(service.id)}`}>{service.name}</a>,
    ],
    ['Throttle', throttle === null ? '' : <a href="/throttles">{throttle}</a>],
    ['Targets', targets.map((target) => <TargetLine key={target.name} target={target} />)],
    ['Description', description],
  ]
}

function TargetLine({ target: { name, url, loadBalancer } }: { readonly target: ProxyTarget }): JSX.Element {
  return (
    <div>
      {name}: {url !== null && <code>{breakable(url)}</code>}
      {loadBalancer !== null && `${loadBalancer.algorithm} over ${loadBalancer.servers.join(', ')}`}
    </div>
  )
}

const policyColumns: readonly Column<ProxyPolicy>[] = [
  {
    title: 'Policy',
    draw: ({ name, displayName, enabled }) => <span class={enabled ? '' : 'off'}>{displayName || name}</span>,
  },
  { title: 'Kind', draw: ({ type }) => type },
  { title: 'Name', kind: 'code', minor: true, draw: ({ name }) => <span class="quiet">{name}</span> },
  {
    title: 'Notes',
    draw: ({ enabled, continueOnError }) => (
      <>
        {!enabled && <Tag kind="bad">switched off</Tag>}
        {continueOnError && <Tag>goes on after an error</Tag>}
      </>
    ),
  },
]

function LastDay({ proxy }: { readonly proxy: string }): JSX.Element | null {
  const [view, change] = useView()
  const query = callOf({
    ...view,
    service: null,
    application: null,
    proxy,
    last: '24h',
    from: null,
    until: null,
    per: null,
  })
  const { answer } = useLive<ResponseCodesAnswer>(`/api/response-codes?${query}`, 10_000)
  if (answer === undefined || answer.calls === 0) return null
  return (
    <section class="panel">
      <Codes answer={answer} by={view.by} hidden={view.hidden} hide={(hidden) => change({ hidden })}>
        <h2>Last 24 hours</h2>
      </Codes>
    </section>
  )
}
