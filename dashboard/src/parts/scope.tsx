import type { JSX } from 'preact'
import type {
  ApplicationPageAnswer,
  ProxiesAnswer,
  ServiceAnswer,
  ServicesAnswer,
  UsageMetric,
} from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import type { Change, View } from '../view.ts'

const listMs = 60_000

/** Whose calls: all, those of one service, of one proxy, or of the application that the address names. */
export function ScopePicker({ view, change }: { readonly view: View; readonly change: Change }): JSX.Element {
  const services = useServices() ?? []
  const proxies = useLive<ProxiesAnswer>('/api/proxies', listMs).answer?.proxies ?? []
  const application = useApplicationName(view.application)
  const value = chosenIn(view)
  const known = [
    '',
    ...services.flatMap(({ id, systemName }) => [`s ${id}`, `s ${systemName}`]),
    ...proxies.map(({ name }) => `p ${name}`),
    `a ${view.application}`,
  ]
  const pick = (chosen: string): void => {
    const of = (kind: string): string | null => (chosen.startsWith(kind) ? chosen.slice(2) : null)
    change({ service: of('s '), proxy: of('p '), application: of('a ') })
  }
  return (
    <label class="field scope">
      <span class="unseen">Calls of</span>
      <select value={value} onChange={(event) => pick(event.currentTarget.value)}>
        <option value="">All traffic</option>
        {view.application !== null && <option value={`a ${view.application}`}>{application}</option>}
        {services.length > 0 && (
          <optgroup label="Services">
            {services.map(({ id, systemName, name }) => (
              <option key={id} value={view.service === systemName ? `s ${systemName}` : `s ${id}`}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
        {proxies.length > 0 && (
          <optgroup label="Proxies">
            {proxies.map(({ name }) => (
              <option key={name} value={`p ${name}`}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
        {!known.includes(value) && <option value={value}>{value.slice(2)}</option>}
      </select>
    </label>
  )
}

function chosenIn({ service, proxy, application }: View): string {
  if (service !== null) return `s ${service}`
  if (proxy !== null) return `p ${proxy}`
  return application === null ? '' : `a ${application}`
}

/** Undefined: not known yet. */
export function useServices(): readonly ServiceAnswer[] | undefined {
  return useLive<ServicesAnswer>('/api/services', listMs).answer?.services
}

/** The name of an application; its id until that is known. */
export function useApplicationName(id: string | null): string {
  const live = useLive<ApplicationPageAnswer>(id === null ? null : pathOf('/api/applications', id), listMs)
  return live.answer?.id === id ? live.answer!.name : (id ?? '')
}

interface ServicePickerProps {
  readonly value: string | null
  readonly services: readonly ServiceAnswer[]
  /** What no choice is called; undefined: one must be chosen. */
  readonly all?: string
  readonly pick: (id: string | null) => void
}

/** One service. */
export function ServicePicker({ value, services, all, pick }: ServicePickerProps): JSX.Element {
  const chosen = services.find(({ id, systemName }) => id === value || systemName === value)
  return (
    <label class="field scope">
      <span class="unseen">Service</span>
      <select value={chosen?.id ?? ''} onChange={({ currentTarget: { value } }) => pick(value === '' ? null : value)}>
        {all !== undefined && <option value="">{all}</option>}
        {services.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

interface MetricPickerProps {
  readonly metrics: readonly UsageMetric[]
  readonly value: string
  readonly pick: (name: string) => void
}

/** One metric of a service, or one of its methods. */
export function MetricPicker({ metrics, value, pick }: MetricPickerProps): JSX.Element {
  return (
    <label class="field">
      <span>metric</span>
      <select value={value} onChange={(event) => pick(event.currentTarget.value)}>
        {metrics.map(({ name, friendlyName, isMethod }) => (
          <option key={name} value={name}>
            {isMethod ? `– ${friendlyName}` : friendlyName}
          </option>
        ))}
      </select>
    </label>
  )
}
