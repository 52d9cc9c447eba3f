import type { Exchange } from '../../engine/exchange.ts'
import type { Limits } from './reading.ts'

/** `ratelimit.{policy}.*`, which answers and fault rules show. Numbers as text, as Edge has them. */
export class CountVariables {
  readonly #prefix: string

  constructor(policy: string) {
    this.#prefix = `ratelimit.${policy}.`
  }

  /** `used` counts this call when it was admitted. */
  set(x: Exchange, { count, className }: Limits, identifier: string, used: number, endMs: number): void {
    const prefix = this.#prefix
    const inLimit = Math.min(used, count)
    x.set(`${prefix}identifier`, identifier)
    x.set(`${prefix}expiry.time`, String(endMs))
    this.#counts(x, prefix, count, inLimit)
    x.set(`${prefix}exceed.count`, '0')
    x.set(`${prefix}total.exceed.count`, '0')
    if (className === '') return
    x.set(`${prefix}class`, className)
    this.#counts(x, `${prefix}class.`, count, inLimit)
    x.set(`${prefix}class.exceed.count`, '0')
    x.set(`${prefix}class.total.exceed.count`, '0')
  }

  setExceeded(x: Exchange, { className, weight }: Limits, total: number): void {
    for (const prefix of className === '' ? [this.#prefix] : [this.#prefix, `${this.#prefix}class.`]) {
      x.set(`${prefix}exceed.count`, String(weight))
      x.set(`${prefix}total.exceed.count`, String(total))
    }
  }

  #counts(x: Exchange, prefix: string, count: number, used: number): void {
    x.set(`${prefix}allowed.count`, String(count))
    x.set(`${prefix}used.count`, String(used))
    x.set(`${prefix}available.count`, String(count - used))
  }
}
