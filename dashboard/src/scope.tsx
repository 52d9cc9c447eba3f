import type { JSX } from 'preact'
import type { ProxiesAnswer, ServicesAnswer } from '../../src/admin/native/answers.ts'
import { useLive } from './call.ts'
import type { Change, View } from './view.ts'

const listMs = 60_000

/** Whose calls: all, those of one service, or those of one proxy. */
export function ScopePicker({ view, change }: { readonly view: View; readonly change: Change }): JSX.Element {
  const services = useLive<ServicesAnswer>('/api/services', listMs).answer?.services ?? []
  const proxies = useLive<ProxiesAnswer>('/api/proxies', listMs).answer?.proxies ?? []
  const value = view.service !== null ? `s ${view.service}` : view.proxy !== null ? `p ${view.proxy}` : ''
  const known = [
    '',
    ...services.flatMap(({ id, systemName }) => [`s ${id}`, `s ${systemName}`]),
    ...proxies.map(({ name }) => `p ${name}`),
  ]
  const pick = (chosen: string): void => {
    const name = chosen.slice(2)
    change({ service: chosen.startsWith('s ') ? name : null, proxy: chosen.startsWith('p ') ? name : null })
  }
  return (
    <label class="field scope">
      <span class="unseen">Calls of</span>
      <select value={value} onChange={(event) => pick(event.currentTarget.value)}>
        <option value="">All traffic</option>
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
