import type { Account, Application, Service } from '../../model/service.ts'

type Id = number | string

/** An application as the statistics show it. */
export interface ShownApplication {
  readonly id: Id
  readonly name: string
  readonly state: string
  readonly link: string
  readonly description: string
  readonly plan: { readonly id: Id; readonly name: string } | null
  readonly account: { readonly id: Id; readonly name: string; readonly link: string } | null
  readonly service: { readonly id: Id }
}

/** How the statistics show the application that they are about. */
export function statsApplication(
  application: Application,
  service: Service,
  account: Account | null,
): ShownApplication {
  const plan = service.plans.find(({ id }) => id === application.planId)
  return {
    id: shownId(application.id),
    name: application.name,
    state: application.state,
    link: `/p/admin/applications/${encodeURIComponent(application.id)}`,
    description: application.description,
    plan: plan === undefined ? null : { id: shownId(plan.id), name: plan.name },
    account:
      account === null
        ? null
        : {
            id: shownId(account.id),
            name: account.name,
            link: `/buyers/accounts/${encodeURIComponent(account.id)}`,
          },
    service: { id: shownId(service.id) },
  }
}

/** The vendor's ids are numbers; those of a file may be names. */
export const shownId = (id: string): Id => (/^\d{1,15}$/.test(id) ? Number(id) : id)
