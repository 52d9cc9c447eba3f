import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ApplicationAnswer, ApplicationsAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { count } from '../format.ts'
import { Tag } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { ServicePicker, useServices } from '../parts/scope.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { type Change, useView, type View } from '../view.ts'

/** Who may call: applications with their accounts and plans. */
export function ApplicationsPage(): JSX.Element {
  const [view, change] = useView()
  const services = useServices() ?? []
  const query = new URLSearchParams()
  for (const name of ['service', 'q', 'page'] as const) if (view[name] !== null) query.set(name, view[name])
  const live = useLive<ApplicationsAnswer>(`/api/applications?${query}`, 15_000)
  return (
    <>
      <PageHead title="Applications" crumb="Access">
        <SearchField value={view.q} search={(q, replace) => change({ q, page: null }, replace)} />
        {services.length > 0 && (
          <ServicePicker
            value={view.service}
            services={services}
            all="All services"
            pick={(service) => change({ service, page: null })}
          />
        )}
      </PageHead>
      <Answered
        live={live}
        waiting="Reading …"
        draw={(answer) => <List view={view} change={change} answer={answer} />}
      />
    </>
  )
}

interface SearchFieldProps {
  readonly value: string | null
  readonly search: (q: string | null, replace: boolean) => void
}

const typingMs = 250

/** Searches while one types; the first letter is a step that Back undoes, the others are not. */
function SearchField({ value, search }: SearchFieldProps): JSX.Element {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const typed = (text: string): void => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => search(text.trim() === '' ? null : text.trim(), value !== null), typingMs)
  }
  return (
    <label class="field search">
      <span class="unseen">Search applications</span>
      <input
        type="search"
        placeholder="Name, id or account"
        value={value ?? ''}
        onInput={(event) => typed(event.currentTarget.value)}
      />
    </label>
  )
}

interface ListProps {
  readonly view: View
  readonly change: Change
  readonly answer: ApplicationsAnswer
}

function List({ view, change, answer }: ListProps): JSX.Element {
  const { applications, total, page, pages } = answer
  if (total === 0) return view.q === null && view.service === null ? <NoApplications /> : <NoneFound change={change} />
  return (
    <section class="panel">
      <div class="panel-title">
        <h2>
          {count(total)} {total === 1 ? 'application' : 'applications'}
        </h2>
        {pages > 1 && (
          <nav class="paging" aria-label="Pages of the list">
            <button
              type="button"
              class="plain-button"
              disabled={page <= 1}
              onClick={() => change({ page: String(page - 1) })}
            >
              Previous
            </button>
            <span class="quiet">
              {count(page)} of {count(pages)}
            </span>
            <button
              type="button"
              class="plain-button"
              disabled={page >= pages}
              onClick={() => change({ page: String(page + 1) })}
            >
              Next
            </button>
          </nav>
        )}
      </div>
      <Table caption="Applications" columns={columns} rows={applications} keyOf={({ id }) => id} />
    </section>
  )
}

const columns: readonly Column<ApplicationAnswer>[] = [
  { title: 'Application', kind: 'wraps', draw: ({ id, name }) => <a href={pathOf('/applications', id)}>{name}</a> },
  { title: 'Account', kind: 'wraps', draw: ({ account }) => account.name },
  { title: 'Plan', draw: ({ plan }) => plan.name },
  {
    title: 'Service',
    minor: true,
    draw: ({ service }) => service?.name ?? <span class="quiet">none</span>,
  },
  { title: 'State', draw: ({ state }) => <StateTag state={state} /> },
  { title: 'Id', kind: 'code', minor: true, draw: ({ id }) => <span class="quiet">{id}</span> },
]

/** Live or approved is as it should be; anything else stands out. */
export function StateTag({ state }: { readonly state: string }): JSX.Element {
  return <Tag kind={state === 'live' || state === 'approved' ? 'good' : 'bad'}>{state}</Tag>
}

function NoApplications(): JSX.Element {
  return (
    <section class="panel empty">
      <h2>There are no applications yet</h2>
      <p>An application is who calls: it has keys, and a plan with limits. There are three ways to one:</p>
      <ol>
        <li>
          <strong>Write it in postern.yaml</strong>: an account with applications, and the plan of a service.
        </li>
        <li>
          <strong>As 3scale does</strong>: <code>POST /admin/api/signup.json</code>, then{' '}
          <code>/admin/api/accounts/ID/applications.json</code>.
        </li>
        <li>
          <strong>As Edge does</strong>: developers, products and apps under <code>/v1/organizations</code>.
        </li>
      </ol>
    </section>
  )
}

function NoneFound({ change }: { readonly change: Change }): JSX.Element {
  return (
    <section class="panel empty">
      <h2>No application is like that</h2>
      <p>Names, ids and accounts are searched; parts of them are enough.</p>
      <p class="actions">
        <button type="button" onClick={() => change({ q: null, service: null, page: null })}>
          Show all applications
        </button>
      </p>
    </section>
  )
}
