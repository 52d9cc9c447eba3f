import { type JSX, render } from 'preact'
import type { OverviewAnswer } from '../../src/admin/native/answers.ts'
import { useLive } from './call.ts'
import { count } from './format.ts'
import { ResponseCodesPage } from './response-codes.tsx'
import { applyTheme, ThemePicker } from './theme.tsx'

interface Page {
  readonly path: string
  readonly label: string
  readonly draw: () => JSX.Element
}

/** The menu: only what there is. The admin door has the same addresses in its list of pages. */
const menu: readonly { readonly title: string; readonly pages: readonly Page[] }[] = [
  {
    title: 'Analytics',
    pages: [{ path: '/analytics/response-codes', label: 'Response codes', draw: ResponseCodesPage }],
  },
]

function App(): JSX.Element {
  const pages = menu.flatMap((group) => group.pages)
  const page = pages.find(({ path }) => path === location.pathname) ?? pages[0]!
  document.title = `${page.label} · Postern`
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <aside class="side">
        <a class="brand" href="/">
          <img src="/assets/icon.svg" alt="" width="28" height="28" />
          Postern
        </a>
        <nav aria-label="Main">
          {menu.map(({ title, pages }) => (
            <section key={title}>
              <h2>{title}</h2>
              <ul>
                {pages.map(({ path, label }) => (
                  <li key={path}>
                    <a href={path} {...(path === page.path ? { 'aria-current': 'page' as const } : {})}>
                      {label}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </nav>
        <ThemePicker />
      </aside>
      <main id="main" tabIndex={-1}>
        <Health />
        <page.draw />
      </main>
    </div>
  )
}

/** What the operator must know on every page: calls that could not be counted. */
function Health(): JSX.Element | null {
  const health = useLive<OverviewAnswer>('/api/overview', 10_000).answer?.analytics
  if (health === undefined || (health.problem === null && health.lostCalls === 0)) return null
  return (
    <div class="problem" role="status">
      {health.problem !== null && <p>The counters cannot be written: {health.problem}</p>}
      {health.lostCalls > 0 && (
        <p>{count(health.lostCalls)} calls since the start could not be counted: they are missing here.</p>
      )}
    </div>
  )
}

applyTheme()
render(<App />, document.getElementById('app')!)
