import type { ApigApp } from '../model/apig.ts'
import { sha256 } from './signature.ts'

/**
 * Finds credentials by what callers show; one index for a thread, filled anew with each publication. Codes are found by their
 * hash, so that the time tells nothing of a near miss.
 */
export class AppIndex {
  #byKey: ReadonlyMap<string, ApigApp> = new Map()
  #byCode: ReadonlyMap<string, ApigApp> = new Map()

  constructor(apps: readonly ApigApp[]) {
    this.use(apps)
  }

  use(apps: readonly ApigApp[]): void {
    this.#byKey = new Map(apps.map((app) => [app.key, app]))
    this.#byCode = new Map(apps.flatMap((app) => app.codes.map((code): [string, ApigApp] => [sha256(code), app])))
  }

  byKey(key: string): ApigApp | null {
    return this.#byKey.get(key) ?? null
  }

  byCode(code: string): ApigApp | null {
    return this.#byCode.get(sha256(code)) ?? null
  }
}
