import type { JSX } from 'preact'
import { ApplicationPage } from './pages/application.tsx'
import { ApplicationsPage } from './pages/applications.tsx'
import { CallPage } from './pages/call.tsx'
import { CallsPage } from './pages/calls.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { ProxiesPage } from './pages/proxies.tsx'
import { ProxyPage } from './pages/proxy.tsx'
import { ResponseCodesPage } from './pages/response-codes.tsx'
import { ThrottlesPage } from './pages/throttles.tsx'
import { TopApplicationsPage } from './pages/top-applications.tsx'
import { TracePage } from './pages/trace.tsx'
import { TraceSessionPage } from './pages/trace-session.tsx'
import { UsagePage } from './pages/usage.tsx'

export interface MenuPage {
  readonly path: string
  readonly label: string
  readonly draw: () => JSX.Element
  /** The page of one thing of this one's list, at `path/name`. */
  readonly drawOne?: (props: { readonly name: string }) => JSX.Element
}

export interface MenuGroup {
  /** Empty: the group needs no name. */
  readonly title: string
  /** Its pages share the time bar: range and service go along from one to the next. */
  readonly timed: boolean
  readonly pages: readonly MenuPage[]
}

/** The menu: only what there is. The admin door has the same addresses in its list of pages. */
export const menu: readonly MenuGroup[] = [
  { title: '', timed: false, pages: [{ path: '/overview', label: 'Overview', draw: OverviewPage }] },
  {
    title: 'Analytics',
    timed: true,
    pages: [
      { path: '/analytics/usage', label: 'Usage', draw: UsagePage },
      { path: '/analytics/response-codes', label: 'Response codes', draw: ResponseCodesPage },
      { path: '/analytics/top-applications', label: 'Top applications', draw: TopApplicationsPage },
    ],
  },
  {
    title: 'Access',
    timed: false,
    pages: [
      { path: '/applications', label: 'Applications', draw: ApplicationsPage, drawOne: ApplicationPage },
      { path: '/throttles', label: 'Throttles', draw: ThrottlesPage },
    ],
  },
  {
    title: 'Gateway',
    timed: false,
    pages: [
      { path: '/proxies', label: 'Proxies', draw: ProxiesPage, drawOne: ProxyPage },
      { path: '/explain', label: 'Explain', draw: CallsPage, drawOne: CallPage },
      { path: '/trace', label: 'Trace', draw: TracePage, drawOne: TraceSessionPage },
    ],
  },
]

interface Found {
  readonly page: MenuPage
  /** Of the one thing that is shown; null: the page itself. */
  readonly name: string | null
}

/** The page of an address; undefined: there is none. */
export function pageAt(path: string): Found | undefined {
  for (const page of menu.flatMap(({ pages }) => pages)) {
    if (path === page.path) return { page, name: null }
    const name = path.startsWith(`${page.path}/`) ? decoded(path.slice(page.path.length + 1)) : null
    if (page.drawOne !== undefined && name !== null && name !== '') return { page, name }
  }
  return undefined
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
