import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { CallsAnswer, ProxiesAnswer } from '../../../src/admin/native/answers.ts'
import { go, pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { answererNames, answererWords, classNames } from '../chart/series.ts'
import { Chip } from '../parts/bits.tsx'
import { CallTable } from '../parts/call-table.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { useApplicationName } from '../parts/scope.tsx'
import { type Change, useView, type View } from '../view.ts'

const filters = ['class', 'status', 'answeredBy', 'proxy', 'service', 'application'] as const

/** Explain: paste a request id, or choose one of the latest calls. */
export function CallsPage(): JSX.Element {
  const [view, change] = useView()
  const query = new URLSearchParams({ limit: '100' })
  for (const name of filters) if (view[name] !== null) query.set(name, view[name])
  const live = useLive<CallsAnswer>(`/api/calls?${query}`, 3_000)
  return (
    <>
      <PageHead title="Explain" crumb="Gateway" />
      <IdForm />
      <section class="panel">
        <div class="panel-title">
          <h2>Latest calls</h2>
          <Filters view={view} change={change} />
        </div>
        <Answered
          live={live}
          waiting="Asking the gateway's threads …"
          draw={(answer) => <CallTable answer={answer} nowMs={Date.now()} />}
          help={
            <button type="button" onClick={() => change(none)}>
              Show all calls
            </button>
          }
        />
      </section>
    </>
  )
}

const none: Partial<View> = Object.fromEntries(filters.map((name) => [name, null]))

/** Every answer names its call in a header; its value leads to the explanation. */
export function IdForm({ id = '' }: { readonly id?: string }): JSX.Element {
  const [typed, setTyped] = useState(id)
  const submit = (event: Event): void => {
    event.preventDefault()
    const wanted = typed.trim()
    if (wanted !== '') go(pathOf('/explain', wanted))
  }
  return (
    <form class="panel id-form" onSubmit={submit}>
      <label for="request-id">Request id</label>
      <input
        id="request-id"
        class="code"
        value={typed}
        autocomplete="off"
        spellcheck={false}
        maxLength={128}
        placeholder="32 characters, from X-Request-Id of an answer"
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <button type="submit" class="main-button">
        Explain
      </button>
    </form>
  )
}

/** Which of the calls. */
function Filters({ view, change }: { readonly view: View; readonly change: Change }): JSX.Element {
  const proxies = useLive<ProxiesAnswer>('/api/proxies', 60_000).answer?.proxies ?? []
  const application = useApplicationName(view.application)
  const names = new Set([...proxies.map(({ name }) => name), ...(view.proxy === null ? [] : [view.proxy])])
  return (
    <div class="filters">
      <fieldset class="segments" aria-label="Class of the status">
        {[null, ...classNames].map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={view.class === name}
            onClick={() => change({ class: name, status: null })}
          >
            {name ?? 'All'}
          </button>
        ))}
      </fieldset>
      <label class="field">
        <span class="unseen">Answered by</span>
        <select
          value={view.answeredBy ?? ''}
          onChange={(event) => change({ answeredBy: event.currentTarget.value || null })}
        >
          <option value="">Answered by anyone</option>
          {answererNames.map((name) => (
            <option key={name} value={name}>
              Answered by {answererWords(name).label.toLowerCase()}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="unseen">Proxy</span>
        <select value={view.proxy ?? ''} onChange={(event) => change({ proxy: event.currentTarget.value || null })}>
          <option value="">All proxies</option>
          {[...names].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {view.status !== null && <Chip words={`status ${view.status}`} clear={() => change({ status: null })} />}
      {view.service !== null && <Chip words={`service ${view.service}`} clear={() => change({ service: null })} />}
      {view.application !== null && <Chip words={application} clear={() => change({ application: null })} />}
    </div>
  )
}
