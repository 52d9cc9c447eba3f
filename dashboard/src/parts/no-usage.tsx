import type { JSX } from 'preact'
import type { Change, View } from '../view.ts'
import { isWidest, Widest } from './widest.tsx'

/** Usage is of services: what to do where there is none. */
export function NoServices(): JSX.Element {
  return (
    <section class="panel empty">
      <h2>There are no services yet</h2>
      <p>
        Usage is counted for services: their metrics, their methods, their applications. There are three ways to one:
      </p>
      <ol>
        <li>
          <strong>Write it in postern.yaml</strong>, under <code>services</code>, and name it at a proxy.
        </li>
        <li>
          <strong>Bring an APIcast configuration</strong>: <code>postern start config.json</code>, or one from a portal.
        </li>
        <li>
          <strong>Create it</strong> through the Account Management API: <code>POST /admin/api/services.json</code>.
        </li>
      </ol>
      <p class="actions">
        <a class="plain-button" href="/analytics/response-codes">
          Response codes count every call, with a service or without
        </a>
      </p>
    </section>
  )
}

interface NoUsageProps {
  readonly view: View
  readonly change: Change
  readonly service: string
}

/** A service that counted nothing in the range. */
export function NoUsage({ view, change, service }: NoUsageProps): JSX.Element {
  return (
    <section class="panel empty">
      <h2>No usage in this range</h2>
      <p>There can be three reasons:</p>
      <ol>
        <li>
          <strong>There was no traffic</strong> with valid credentials
          {view.application !== null && ' of this application'}. Refused calls count as response codes, not as usage.
        </li>
        <li>
          <strong>The usage was not reported here.</strong> A call counts for {service} when its proxy is bound to it,
          or when a gateway elsewhere reports it with the service's token.
        </li>
        <li>
          <strong>The range is the wrong one.</strong> Choose another one above
          {isWidest(view) ? '.' : ', or start wide.'}
        </li>
      </ol>
      <p class="actions">
        <Widest view={view} change={change} />
        <a
          class="plain-button"
          href={`/analytics/response-codes${view.service === null ? '' : `?service=${view.service}`}`}
        >
          Response codes of all calls
        </a>
      </p>
    </section>
  )
}
