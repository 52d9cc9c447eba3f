import type { PortalFields } from '../../../model/service.ts'
import type { Fields } from './input.ts'

/** A field that the portal keeps and shows, and that nothing here acts upon. */
interface PortalField {
  readonly type: 'flag' | 'text' | 'whole' | 'money'
  readonly otherwise: string | number | boolean
}

type PortalTable = Readonly<Record<string, PortalField>>

const flag = (otherwise: boolean): PortalField => ({ type: 'flag', otherwise })
const text = (otherwise: string): PortalField => ({ type: 'text', otherwise })

/** Of a service. Source: porta's defaults. */
export const SERVICE_PORTAL: PortalTable = {
  deployment_option: text('self_managed'),
  support_email: text(''),
  intentions_required: flag(false),
  buyers_manage_apps: flag(true),
  buyers_manage_keys: flag(true),
  custom_keys_enabled: flag(true),
  buyer_key_regenerate_enabled: flag(true),
  mandatory_app_key: flag(true),
  buyer_can_select_plan: flag(false),
  buyer_plan_change_permission: text('request'),
}

/** Of an application plan. */
export const PLAN_PORTAL: PortalTable = {
  setup_fee: { type: 'money', otherwise: 0 },
  cost_per_month: { type: 'money', otherwise: 0 },
  trial_period_days: { type: 'whole', otherwise: 0 },
  cancellation_period: { type: 'whole', otherwise: 0 },
  approval_required: flag(false),
}

/** What was sent of them, over what was kept. */
export function readPortal(fields: Fields, table: PortalTable, kept: PortalFields = {}): PortalFields {
  const changes: Record<string, string | number | boolean> = {}
  for (const [name, { type }] of Object.entries(table)) {
    const value = READ[type](fields, name)
    if (value !== undefined) changes[name] = value
  }
  return { ...kept, ...changes }
}

const READ: Readonly<
  Record<PortalField['type'], (fields: Fields, name: string) => string | number | boolean | undefined>
> = {
  flag: (fields, name) => fields.flag(name),
  text: (fields, name) => fields.text(name),
  whole: (fields, name) => fields.number(name, { min: 0 }),
  money: (fields, name) => fields.money(name),
}

export function shownPortal(table: PortalTable, kept: PortalFields = {}): Record<string, string | number | boolean> {
  return Object.fromEntries(Object.entries(table).map(([name, { otherwise }]) => [name, kept[name] ?? otherwise]))
}
