/** How often something happened, by two words: counted in one thread, added up by another. Both words are of few. */
export type TallyRow = readonly [first: string, second: string, count: number]

export class Tally {
  readonly #counts = new Map<string, Map<string, number>>()

  add(first: string, second: string): void {
    let row = this.#counts.get(first)
    if (row === undefined) {
      row = new Map()
      this.#counts.set(first, row)
    }
    row.set(second, (row.get(second) ?? 0) + 1)
  }

  rows(): TallyRow[] {
    return [...this.#counts].flatMap(([first, row]) =>
      [...row].map(([second, count]): TallyRow => [first, second, count]),
    )
  }
}
