import type { JSX } from 'preact'
import type {
  EndpointFlows,
  FlowAnswer,
  FlowStep,
  ProxyPageAnswer,
  ProxyPolicy,
} from '../../../src/admin/native/answers.ts'

interface Row {
  readonly key: string
  readonly title: string
  readonly condition: string | null
  readonly request: readonly FlowStep[]
  readonly response: readonly FlowStep[]
  /** Drawn apart from what always runs. */
  readonly kind: 'always' | 'conditional' | 'route'
}

type Policies = ReadonlyMap<string, ProxyPolicy>

/** The flows of a proxy, from the client down to the target and back: each stage is a row, its steps on the side where they run. */
export function FlowPicture({ proxy }: { readonly proxy: ProxyPageAnswer }): JSX.Element {
  const policies = new Map(proxy.policies.map((policy) => [policy.name, policy]))
  const endpoints = (kind: EndpointFlows['endpoint']): readonly EndpointFlows[] =>
    proxy.flows.filter(({ endpoint }) => endpoint === kind)
  const targets = endpoints('target')
  return (
    <div class="flow">
      <End title="Client" note={proxy.basePaths.join(', ')} />
      {endpoints('proxy').map((endpoint) => (
        <Endpoint
          key={endpoint.name}
          title={`Proxy endpoint ${endpoint.name}`}
          rows={[...endpointRows(endpoint), ...routeRows(proxy, endpoint.name)]}
          policies={policies}
        />
      ))}
      {targets.map((endpoint) => (
        <Endpoint
          key={endpoint.name}
          title={`Target endpoint ${endpoint.name}`}
          rows={endpointRows(endpoint)}
          policies={policies}
        />
      ))}
      {proxy.targets.map(({ name, url, loadBalancer }) => (
        <End
          key={name}
          title={targets.length > 1 ? `Target ${name}` : 'Target'}
          note={url ?? loadBalancer?.servers.join(', ') ?? ''}
        />
      ))}
      {proxy.targets.length === 0 && <End title="No target" note="the proxy answers by itself" />}
      <Apart
        title="When something goes wrong"
        flows={proxy.flows.flatMap(({ faultRules }) => faultRules)}
        {...{ policies }}
      />
      <Apart
        title="After the answer"
        flows={proxy.flows.flatMap(({ postClientFlow }) => postClientFlow ?? [])}
        {...{ policies }}
      />
    </div>
  )
}

/** In the order in which they run. */
function endpointRows({ preFlow, flows, postFlow }: EndpointFlows): readonly Row[] {
  const always = (flow: FlowAnswer | null, title: string): readonly Row[] =>
    flow === null || flow.request.length + flow.response.length === 0
      ? []
      : [{ ...flow, key: title, title, kind: 'always' }]
  return [
    ...always(preFlow, 'PreFlow'),
    // Flows may share a name: only their place tells them apart.
    ...flows.map((flow, at): Row => ({ ...flow, key: `${at}`, title: flow.name, kind: 'conditional' })),
    ...always(postFlow, 'PostFlow'),
  ]
}

function routeRows({ routes }: ProxyPageAnswer, endpoint: string): readonly Row[] {
  return routes
    .filter((route) => route.endpoint === endpoint)
    .map(({ name, target, condition }) => ({
      key: `route ${name}`,
      title: `Route ${name} → ${target ?? 'none'}`,
      condition,
      request: [],
      response: [],
      kind: 'route',
    }))
}

function End({ title, note }: { readonly title: string; readonly note: string }): JSX.Element {
  return (
    <p class="flow-end">
      <b>{title}</b> <span class="quiet code">{note}</span>
    </p>
  )
}

interface EndpointProps {
  readonly title: string
  readonly rows: readonly Row[]
  readonly policies: Policies
}

function Endpoint({ title, rows, policies }: EndpointProps): JSX.Element {
  return (
    <div class="flow-endpoint">
      <table>
        <caption class="unseen">{title}</caption>
        <thead class="unseen">
          <tr>
            <th scope="col">On the request</th>
            <th scope="col">Flow</th>
            <th scope="col">On the response</th>
          </tr>
        </thead>
        <tbody>
          <tr class="flow-title">
            <td class="flow-down" />
            <th scope="row">{title}</th>
            <td class="flow-up" />
          </tr>
          {rows.map(({ key, title, condition, request, response, kind }) => (
            <tr key={key} class={`flow-${kind}`}>
              <td class="flow-down">
                <Steps steps={request} policies={policies} />
              </td>
              <th scope="row">
                <span class="flow-name">{title}</span>
                {condition !== null && condition !== '' && <code class="flow-condition">{condition}</code>}
              </th>
              <td class="flow-up">
                <Steps steps={response} policies={policies} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface ApartProps {
  readonly title: string
  readonly flows: readonly FlowAnswer[]
  readonly policies: Policies
}

/** Flows that are on neither way: fault rules, and what runs when the client has its answer. */
function Apart({ title, flows, policies }: ApartProps): JSX.Element | null {
  const shown = flows.filter(({ request, response }) => request.length + response.length > 0)
  if (shown.length === 0) return null
  return (
    <section class="flow-apart">
      <h3>{title}</h3>
      <ul>
        {shown.map(({ name, condition, request, response }) => (
          <li key={name}>
            <div>
              <span class="flow-name">{name}</span>
              {condition !== null && condition !== '' && <code class="flow-condition">{condition}</code>}
            </div>
            <Steps steps={[...request, ...response]} policies={policies} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Steps({ steps, policies }: { readonly steps: readonly FlowStep[]; readonly policies: Policies }): JSX.Element {
  return (
    <ol>
      {steps.map(({ step, condition }, at) => {
        const policy = policies.get(step)
        return (
          // Steps may repeat: only their place tells them apart.
          <li key={`${at} ${step}`} class={`flow-step${policy?.enabled === false ? ' off' : ''}`}>
            <b>{policy?.displayName || step}</b>
            {policy !== undefined && <span class="quiet">{policy.type}</span>}
            {condition !== null && condition !== '' && <code class="flow-condition">{condition}</code>}
          </li>
        )
      })}
    </ol>
  )
}
