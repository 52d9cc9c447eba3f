import type { ApigApp } from '../model/apig.ts'
import { sha256 } from './signature.ts'

/** Finds credentials by what callers show. Codes are found by their hash, so that the time tells nothing of a near miss. */
export class AppIndex {
  readonly #byKey = new Map<string, ApigApp>()
  readonly #byCode = new Map<string, ApigApp>()

  constructor(apps: readonly ApigApp[]) {
    for (const app of apps) {
      this.#byKey.set(app.key, app)
      for (const code of app.codes) this.#byCode.set(sha256(code), app)
    }
  }

  byKey(key: string): ApigApp | null {
    return this.#byKey.get(key) ?? null
  }

  byCode(code: string): ApigApp | null {
    return this.#byCode.get(sha256(code)) ?? null
  }
}
