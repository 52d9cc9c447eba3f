import type { Access, AccessBackend } from '../../engine/access.ts'
import type { AccessConfig } from '../../model/auth-rep.ts'
import { type LocalAccounts, LocalBackend } from './local.ts'
import { RemoteBackendAccess, type RemoteServices } from './remote.ts'

/** Where the proxies of a thread find out who may call. Backends elsewhere are kept over publications: reports may wait in them. */
export class GatewayAccess implements Access {
  readonly #accounts: LocalAccounts
  readonly #services: RemoteServices
  readonly #remote = new Map<string, RemoteBackendAccess>()

  constructor(accounts: LocalAccounts, services: RemoteServices) {
    this.#accounts = accounts
    this.#services = services
  }

  open(config: AccessConfig): AccessBackend {
    const { backend } = config
    if (backend === null) return new LocalBackend(config.service, this.#accounts)
    const key = JSON.stringify(config)
    let access = this.#remote.get(key)
    if (access === undefined) {
      access = new RemoteBackendAccess(config, backend, this.#services)
      this.#remote.set(key, access)
    }
    return access
  }

  /** Reports to back ends elsewhere: those that wait, and those that were given up. */
  get reports(): { readonly waiting: number; readonly lost: number } {
    let waiting = 0
    let lost = 0
    for (const access of this.#remote.values()) {
      waiting += access.waiting
      lost += access.lost
    }
    return { waiting, lost }
  }

  /** Before the thread ends: tells what waits to be told. */
  async close(): Promise<void> {
    await Promise.all([...this.#remote.values()].map((access) => access.close()))
  }
}
