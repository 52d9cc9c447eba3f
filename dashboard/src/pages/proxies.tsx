import type { JSX } from 'preact'
import type { ProxyListAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { ownZone, span, timesIn } from '../format.ts'
import { breakable, Tag } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'

/** What is deployed. */
export function ProxiesPage(): JSX.Element {
  const live = useLive<{ readonly proxies: readonly ProxyListAnswer[] }>('/api/proxies', 5_000)
  return (
    <>
      <PageHead title="Proxies" crumb="Gateway" />
      <Answered
        live={live}
        waiting="Reading …"
        draw={({ proxies }) =>
          proxies.length === 0 ? (
            <NoProxies />
          ) : (
            <ListPanel
              title={`${proxies.length} deployed`}
              caption="Deployed proxies"
              empty=""
              columns={columns}
              rows={proxies}
              keyOf={({ name }) => name}
            />
          )
        }
      />
    </>
  )
}

const columns: readonly Column<ProxyListAnswer>[] = [
  { title: 'Proxy', draw: ({ name }) => <a href={pathOf('/proxies', name)}>{name}</a> },
  {
    title: 'Base path',
    kind: 'wraps',
    draw: ({ basePaths }) =>
      basePaths.map((path) => (
        <div key={path} class="code">
          {breakable(path)}
        </div>
      )),
  },
  { title: 'Revision', kind: 'number', draw: ({ revision }) => revision },
  { title: 'Policies', kind: 'number', minor: true, draw: ({ policies }) => policies },
  { title: 'Dialect', draw: ({ dialect }) => <Tag>{dialect}</Tag> },
  {
    title: 'Service',
    minor: true,
    draw: ({ service }) => service?.name ?? <span class="quiet">none</span>,
  },
  { title: 'Deployed', minor: true, draw: ({ deployedAtMs }) => <Deployed atMs={deployedAtMs} /> },
]

function Deployed({ atMs }: { readonly atMs: number | null }): JSX.Element {
  if (atMs === null) return <span class="quiet">at start</span>
  return (
    <span title={timesIn(ownZone).moment(atMs)}>
      {span(Date.now() - atMs)
        .split(' ')
        .slice(0, 2)
        .join(' ')}{' '}
      ago
    </span>
  )
}

function NoProxies(): JSX.Element {
  return (
    <section class="panel empty">
      <h2>Nothing is deployed</h2>
      <p>There are three ways to a proxy:</p>
      <ol>
        <li>
          <strong>Give a bundle at start</strong>: <code>postern start path/to/bundle</code>, a folder or a zip.
        </li>
        <li>
          <strong>Deploy it to the running gateway</strong>: <code>postern deploy path/to/bundle</code>, or with
          apigeetool.
        </li>
        <li>
          <strong>Write it in postern.yaml</strong>: a name, a base path and a target are enough.
        </li>
      </ol>
    </section>
  )
}
