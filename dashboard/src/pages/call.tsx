import type { JSX } from 'preact'
import type { ExplainAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { bytes, duration, ownZone, timesIn } from '../format.ts'
import { breakable, Facts, Meter, Status } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { Path } from '../parts/path.tsx'
import { useApplicationName } from '../parts/scope.tsx'
import { Table } from '../parts/table.tsx'
import { Timeline } from '../parts/timeline.tsx'
import { IdForm } from './calls.tsx'

/** A call that ended does not change; only its record may go. */
const readAgainMs = 60_000

/** One call: what came, how far it went, who answered and why. */
export function CallPage({ name: requestId }: { readonly name: string }): JSX.Element {
  const live = useLive<ExplainAnswer>(pathOf('/api/calls', requestId), readAgainMs)
  return (
    <>
      <PageHead title="Explain a call" crumb="Explain" crumbHref="/explain" />
      <IdForm id={requestId} />
      <Answered
        live={live}
        waiting="Asking the gateway's threads …"
        draw={(answer) => <Explained answer={answer} />}
        help={
          <a class="plain-button" href="/explain">
            Show the latest calls
          </a>
        }
      />
    </>
  )
}

function Explained({ answer }: { readonly answer: ExplainAnswer }): JSX.Element {
  const { call, stages, refusedBy, steps } = answer
  return (
    <>
      <section class="panel verdict">
        <p class="verdict-request">
          <b>{call.method}</b> <span class="code">{breakable(call.path)}</span>
          {call.query !== '' && <span class="code quiet">?{call.query}</span>}
        </p>
        <h2 class="verdict-words">
          <Status status={call.status} reason /> {wordsOf(answer)}
        </h2>
        <Path answer={answer} />
      </section>
      {refusedBy !== null && <Refusal answer={answer} refusedBy={refusedBy} />}
      <section class="panel">
        <div class="panel-title">
          <h2>Where the time went</h2>
          <p class="quiet">
            {duration(call.totalMs)} in all, {duration(call.policyMs)} in policies
            {call.targetMs > 0 && `, ${duration(call.targetMs)} waiting for the target`}
          </p>
        </div>
        <Timeline stages={stages} totalMs={call.totalMs} />
        {steps === null ? (
          <p class="quiet note">
            Single steps have no times here: they are measured only in calls that are <a href="/trace">traced</a>.
          </p>
        ) : (
          <TracedSteps requestId={call.requestId} steps={steps} />
        )}
      </section>
      <Details answer={answer} />
      <Bodies answer={answer} />
    </>
  )
}

interface TracedStepsProps {
  readonly requestId: string
  readonly steps: NonNullable<ExplainAnswer['steps']>
}

/** Of a call that a trace session recorded. */
function TracedSteps({ requestId, steps }: TracedStepsProps): JSX.Element {
  return (
    <>
      <Table
        caption="Times of single steps"
        columns={[
          { title: 'Step', draw: ({ name }) => name },
          { title: 'Took', kind: 'number', draw: ({ ms }) => duration(ms) },
        ]}
        rows={steps.map((step, at) => ({ ...step, at }))}
        keyOf={({ at }) => at}
      />
      <p class="note">
        <a href={pathOf('/trace/calls', requestId)}>Show the trace of this call</a>
      </p>
    </>
  )
}

/** Who answered, in a sentence. */
function wordsOf({ call, refusedBy }: ExplainAnswer): string {
  const step = refusedBy?.step ?? ''
  const words: Readonly<Record<typeof call.answeredBy, string>> = {
    target: 'was the answer of the target.',
    policy: step === '' ? 'was the answer of a policy.' : `was the answer of ${named(step, refusedBy!.policyType)}.`,
    callout: step === '' ? 'came after a failed callout.' : `came after the callout ${step} had failed.`,
    gateway: call.proxy === '' ? 'came from the gateway: no proxy matched.' : 'came from the gateway itself.',
    client: 'The client went away before it had an answer.',
  }
  return words[call.answeredBy]
}

function named(step: string, policyType: string): string {
  return policyType === '' ? step : `${step} (${policyType})`
}

interface RefusalProps {
  readonly answer: ExplainAnswer
  readonly refusedBy: NonNullable<ExplainAnswer['refusedBy']>
}

/** Why it was refused: step, rule, limit, counter. */
function Refusal({ answer: { call }, refusedBy }: RefusalProps): JSX.Element {
  const { step, policyType, rule, errorCode, message, limitName, used, limit, resetsAtMs } = refusedBy
  return (
    <section class="panel refusal">
      <div class="panel-title">
        <h2>{limitName === null ? 'What went wrong' : 'A limit refused it'}</h2>
      </div>
      {message !== '' && <p class="refusal-message">{message}</p>}
      <Facts
        lines
        facts={[
          ['Error', errorCode === '' ? '' : <code>{breakable(errorCode)}</code>],
          ['Step', step === '' ? '' : <Link proxy={call.proxy} words={named(step, policyType)} />],
          ['Fault rule', rule],
          ['Limit', limitName],
          [
            'Used',
            used === null || limit === null ? '' : <Meter used={used} limit={limit} label={limitName ?? 'limit'} />,
          ],
          [
            (resetsAtMs ?? 0) < Date.now() ? 'Started anew' : 'Starts anew',
            resetsAtMs === null ? '' : timesIn(ownZone).moment(resetsAtMs),
          ],
        ]}
      />
    </section>
  )
}

function Link({ proxy, words }: { readonly proxy: string; readonly words: string }): JSX.Element {
  return proxy === '' ? <span>{words}</span> : <a href={pathOf('/proxies', proxy)}>{words}</a>
}

function Details({ answer: { call } }: { readonly answer: ExplainAnswer }): JSX.Element {
  const application = useApplicationName(call.application === '' ? null : call.application)
  const times = timesIn(ownZone)
  return (
    <div class="columns">
      <section class="panel">
        <div class="panel-title">
          <h2>What came</h2>
        </div>
        <Facts
          lines
          facts={[
            ['Arrived', times.moment(call.timeMs)],
            ['From', <code key="">{call.clientAddress}</code>],
            ['Host', <code key="">{breakable(call.host)}</code>],
            ['Protocol', call.httpVersion === '' ? '' : `HTTP/${call.httpVersion.replace(/^HTTP\//, '')}`],
            [
              'Application',
              call.application === '' ? (
                <span class="quiet">nobody was identified</span>
              ) : (
                <a href={pathOf('/applications', call.application)}>{application}</a>
              ),
            ],
            ['Account', call.account],
            ['Received', bytes(call.bytesIn)],
            ['Sent', bytes(call.bytesOut)],
            ['Gateways passed', call.forwards > 1 ? call.forwards : ''],
          ]}
        />
      </section>
      <section class="panel">
        <div class="panel-title">
          <h2>Where it went</h2>
        </div>
        <Facts
          lines
          facts={[
            ['Environment', call.environment],
            [
              'Proxy',
              call.proxy === '' ? (
                <span class="quiet">none matched</span>
              ) : (
                <>
                  <a href={pathOf('/proxies', call.proxy)}>{call.proxy}</a> revision {call.revision}
                </>
              ),
            ],
            ['Base path', call.basePath === '' ? '' : <code>{breakable(call.basePath)}</code>],
            ['Path below it', call.pathSuffix === '' ? '' : <code>{breakable(call.pathSuffix)}</code>],
            ['Flow', call.flow],
            ['Route', call.route],
            ['Target', call.targetName],
            [
              'URL',
              call.targetUrl === '' ? (
                <span class="quiet">nothing was sent</span>
              ) : (
                <code>{breakable(call.targetUrl)}</code>
              ),
            ],
            ['Its status', call.targetStatus === 0 ? '' : <Status status={call.targetStatus} reason />],
          ]}
        />
      </section>
    </div>
  )
}

/** Only where the configuration keeps bodies. */
function Bodies({ answer: { call } }: { readonly answer: ExplainAnswer }): JSX.Element | null {
  const { requestBody, responseBody } = call
  if (requestBody === null && responseBody === null) return null
  return (
    <div class="columns">
      <Body title="Request body" text={requestBody} />
      <Body title="Response body" text={responseBody} />
    </div>
  )
}

function Body({ title, text }: { readonly title: string; readonly text: string | null }): JSX.Element | null {
  if (text === null) return null
  return (
    <section class="panel">
      <div class="panel-title">
        <h2>{title}</h2>
      </div>
      <pre class="body">{text === '' ? 'empty' : text}</pre>
    </section>
  )
}
