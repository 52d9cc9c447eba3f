import type { ComponentChildren, JSX } from 'preact'
import type {
  MessagesAt,
  StepPoint,
  TracedCall,
  TracedCallout,
  TracedCondition,
  TracePoint,
  VariableAccess,
} from '../../../src/model/traced-call.ts'
import { breakable, type Fact, Facts, Tag } from '../parts/bits.tsx'
import { Message } from './message.tsx'
import { choiceOf, targetOf, titleOf } from './rows.ts'
import { took } from './took.ts'

interface DetailsProps {
  readonly call: TracedCall
  readonly at: number
}

/** One point of a call in full. */
export function Details({ call, at }: DetailsProps): JSX.Element | null {
  const point = call.points[at]
  if (point === undefined) return null
  switch (point.kind) {
    case 'step':
      return <Step call={call} step={point} />
    case 'condition':
      return (
        <Panel title={`${choiceOf(point.tree)} ${point.of}`} tag={<Result result={point.condition.result} />}>
          <p class="quiet">
            {point.condition.result ? 'Its condition holds: it is taken.' : 'Its condition does not hold.'}
          </p>
          <Condition condition={point.condition} />
        </Panel>
      )
    case 'error':
      return (
        <Panel title="Error" tag={<Tag kind="bad">{point.fault.status}</Tag>}>
          <p class="trace-fault">{point.fault.text}</p>
          <Facts
            lines
            facts={[
              ['Code', <code key="">{breakable(point.fault.code)}</code>],
              ['During', point.state],
              ...point.properties,
            ]}
          />
          <At call={call} at={point.message} title="The answer, before fault rules" />
        </Panel>
      )
    case 'state':
      return <Stage call={call} point={point} at={at} />
    default:
      return null
  }
}

interface PanelProps {
  readonly title: string
  readonly tag?: ComponentChildren
  readonly children: ComponentChildren
}

function Panel({ title, tag, children }: PanelProps): JSX.Element {
  return (
    <section class="panel trace-details" aria-label={`Details: ${title}`} aria-live="polite">
      <div class="panel-title">
        <h2>{title}</h2>
        {tag}
      </div>
      <div class="trace-parts">{children}</div>
    </section>
  )
}

function Stage({
  call,
  point,
  at,
}: DetailsProps & { readonly point: Extract<TracePoint, { kind: 'state' }> }): JSX.Element {
  const url = point.to === 'REQ_SENT' ? targetOf(call, at) : ''
  const beginning = point.to === 'REQ_HEADERS_PARSED' ? call.points.find((one) => one.kind === 'flow') : undefined
  const facts: Fact[] = [
    ['At', took(point.atMs)],
    ['URL', url === '' ? '' : <code>{breakable(url)}</code>],
  ]
  return (
    <Panel title={titleOf(point)} tag={<span class="quiet code">{point.to}</span>}>
      <Facts lines facts={[...facts, ...(beginning?.kind === 'flow' ? beginning.properties : [])]} />
      <At call={call} at={point.message} title="The message" />
    </Panel>
  )
}

const OUTCOMES: Readonly<Record<StepPoint['outcome'], readonly [words: string, tag: string]>> = {
  done: ['done', 'good'],
  reply: ['answered', 'good'],
  fault: ['fault', 'bad'],
  skipped: ['skipped', ''],
  disabled: ['switched off', ''],
  open: ['not ended', 'bad'],
}

function Step({ call, step }: { readonly call: TracedCall; readonly step: StepPoint }): JSX.Element {
  const [words, tag] = OUTCOMES[step.outcome]
  const ran = step.outcome !== 'skipped' && step.outcome !== 'disabled'
  return (
    <Panel title={step.displayName} tag={<Tag kind={tag}>{words}</Tag>}>
      <Facts
        lines
        facts={[
          [
            'Policy',
            step.internal
              ? 'the gateway itself'
              : step.displayName === step.name
                ? step.type
                : `${step.type} ${step.name}`,
          ],
          ['Where', step.phase],
          ['Took', ran ? `${took(step.tookMs)}${step.waited ? ', waiting included' : ''}` : ''],
          ['On error', step.continueOnError ? 'goes on' : ''],
        ]}
      />
      {step.fault !== null && (
        <p class="trace-fault">
          {step.fault.text} <code class="quiet">{breakable(step.fault.code)}</code>
        </p>
      )}
      {step.condition !== null && <Condition condition={step.condition} />}
      {step.accesses.length > 0 && (
        <Accesses title="Variables" accesses={step.accesses} leftOut={step.accessesLeftOut} />
      )}
      {step.callouts.map((callout, at) => (
        <Callout key={at} call={call} callout={callout} />
      ))}
      {ran && <Messages call={call} before={step.before} after={step.after} />}
    </Panel>
  )
}

const Result = ({ result }: { readonly result: boolean }): JSX.Element => (
  <Tag kind={result ? 'good' : ''}>{String(result)}</Tag>
)

function Condition({ condition }: { readonly condition: TracedCondition }): JSX.Element {
  return (
    <div>
      <h3>
        Condition <Result result={condition.result} />
      </h3>
      <p class="code trace-expression">{breakable(condition.expression)}</p>
      {condition.accesses.length > 0 && <Accesses title="Its values" accesses={condition.accesses} leftOut={0} />}
    </div>
  )
}

const DOES: Readonly<Record<VariableAccess['do'], string>> = { get: 'read', set: 'wrote', remove: 'removed' }

interface AccessesProps {
  readonly title: string
  readonly accesses: readonly VariableAccess[]
  readonly leftOut: number
}

function Accesses({ title, accesses, leftOut }: AccessesProps): JSX.Element {
  return (
    <div>
      <h3>{title}</h3>
      <table class="trace-accesses">
        <caption class="unseen">{title}</caption>
        <thead class="unseen">
          <tr>
            <th scope="col">What was done</th>
            <th scope="col">Variable</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {accesses.map((access, at) => (
            <tr key={at} class={access.do}>
              <td>
                <span class="access-kind">{DOES[access.do]}</span>
              </td>
              <th scope="row" class="code wraps">
                {breakable(access.name)}
              </th>
              <td class="code wraps">{shownValue(access)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {leftOut > 0 && <p class="quiet">{leftOut} more are left out.</p>}
    </div>
  )
}

function shownValue({ do: kind, value, success }: VariableAccess): ComponentChildren {
  if (kind === 'remove') return ''
  if (!success) return <span class="quiet">could not be written</span>
  return value === null ? <span class="quiet">not set</span> : value
}

function Callout({ call, callout }: { readonly call: TracedCall; readonly callout: TracedCallout }): JSX.Element {
  const { url, tookMs, error, request, answer } = callout
  return (
    <div class="trace-callout">
      <h3>
        Call to <code>{breakable(url)}</code>
        {tookMs !== null && <span class="quiet trace-took"> {took(tookMs)}</span>}
      </h3>
      {error !== null && <p class="trace-fault">{error}</p>}
      <div class="pair">
        <At call={call} at={request} title="Request" />
        <At call={call} at={answer} title="Answer" />
      </div>
    </div>
  )
}

interface MessagesProps {
  readonly call: TracedCall
  readonly before: MessagesAt
  readonly after: MessagesAt
}

const NAMES = ['request', 'response', 'error'] as const
const LABELS: Readonly<Record<(typeof NAMES)[number], string>> = {
  request: 'Request',
  response: 'Response',
  error: 'Error response',
}

/** Those that the step changed, before and after; the others fold away. */
function Messages({ call, before, after }: MessagesProps): JSX.Element {
  return (
    <>
      {NAMES.map((name) => {
        const [from, to] = [before[name], after[name]]
        if (to === null) return null
        if (from === to)
          return (
            <details key={name} class="trace-fold">
              <summary>
                {LABELS[name]} <span class="quiet">not changed</span>
              </summary>
              <Message message={call.messages[to]!} />
            </details>
          )
        const was = from === null ? undefined : call.messages[from]
        const is = call.messages[to]!
        return (
          <div key={name}>
            <h3>{LABELS[name]}</h3>
            <div class="pair">
              <div>
                <h4>Before</h4>
                {was === undefined ? <p class="quiet">There was none.</p> : <Message message={was} other={is} />}
              </div>
              <div>
                <h4>After</h4>
                <Message message={is} other={was} />
              </div>
            </div>
          </div>
        )
      })}
    </>
  )
}

function At({
  call,
  at,
  title,
}: {
  readonly call: TracedCall
  readonly at: number | null
  readonly title: string
}): JSX.Element | null {
  if (at === null) return null
  return (
    <div>
      <h4>{title}</h4>
      <Message message={call.messages[at]!} />
    </div>
  )
}
