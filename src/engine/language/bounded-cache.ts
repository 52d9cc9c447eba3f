/**
 * Keeps what was made from a text: patterns and formats that are known only at run time. When it is full the oldest entry
 * goes, so that texts which a client chooses can never fill the memory.
 */
export function boundedCache<Made>(entriesMax: number, make: (text: string) => Made): (text: string) => Made {
  const made = new Map<string, Made>()
  return (text) => {
    const known = made.get(text)
    if (known !== undefined) return known
    const fresh = make(text)
    if (made.size >= entriesMax) made.delete(made.keys().next().value!)
    made.set(text, fresh)
    return fresh
  }
}
