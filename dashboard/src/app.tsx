import { type JSX, render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { OverviewAnswer } from '../../src/admin/native/answers.ts'
import { followLinks, useAddress } from './address.ts'
import { useLive } from './call.ts'
import { count } from './format.ts'
import { type MenuPage, menu, pageAt } from './menu.tsx'
import { applyTheme, ThemePicker } from './parts/theme.tsx'
import { searchOf, sharedOf, viewOf } from './view.ts'

function App(): JSX.Element {
  const { path, search } = useAddress()
  const { page, name } = pageAt(path) ?? { page: menu[0]!.pages[0]!, name: null }
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Side current={page} path={path} search={search} />
      <main id="main" tabIndex={-1}>
        <Health />
        {name !== null && page.drawOne !== undefined ? (
          <page.drawOne key={path} name={name} />
        ) : (
          <page.draw key={path} />
        )}
      </main>
    </div>
  )
}

interface SideProps {
  readonly current: MenuPage
  readonly path: string
  readonly search: string
}

function Side({ current, path, search }: SideProps): JSX.Element {
  const [open, setOpen] = useState(false)
  useEffect(() => setOpen(false), [path])
  const shared = searchOf(sharedOf(viewOf(search)))
  return (
    <aside class={`side${open ? ' open' : ''}`}>
      <a class="brand" href={menu[0]!.pages[0]!.path}>
        <img src="/assets/icon.svg" alt="" width="28" height="28" />
        Postern
      </a>
      <button
        type="button"
        class="menu-button"
        aria-expanded={open}
        aria-controls="menu"
        onClick={() => setOpen(!open)}
      >
        Menu
      </button>
      <nav id="menu" aria-label="Main">
        {menu.map(({ title, timed, pages }) => (
          <section key={title}>
            {title !== '' && <h2>{title}</h2>}
            <ul>
              {pages.map((page) => (
                <li key={page.path}>
                  <a
                    href={page.path + (timed ? shared : '')}
                    {...(page === current ? { 'aria-current': page.path === path ? ('page' as const) : true } : {})}
                  >
                    {page.label}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <ThemePicker />
      </nav>
    </aside>
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
followLinks((path) => pageAt(path) !== undefined)
render(<App />, document.getElementById('app')!)
