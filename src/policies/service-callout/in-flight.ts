/** Calls of one policy that nobody waits for, in one thread. */
const IN_FLIGHT_MAX = 1000

/** Counts calls that nobody waits for, so that a service that hangs cannot gather them without end. */
export class InFlight {
  #count = 0
  readonly #done = (): void => {
    this.#count--
  }

  get isFull(): boolean {
    return this.#count >= IN_FLIGHT_MAX
  }

  add(call: Promise<unknown>): void {
    this.#count++
    call.then(this.#done, this.#done)
  }
}
