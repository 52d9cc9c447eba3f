import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'

/** Reads fields of a JSON file and says what is wrong by their path. What is wrong is left out (undefined). */
export class JsonReader {
  readonly at: Position
  readonly #problems: Problems

  constructor(at: Position, problems: Problems) {
    this.at = at
    this.#problems = problems
  }

  error(code: string, path: string, text: string): void {
    this.#problems.error(code, this.at, `${path} ${text}`)
  }

  warn(code: string, path: string, text: string): void {
    this.#problems.warn(code, this.at, `${path} ${text}`)
  }

  object(value: unknown, path: string): Record<string, unknown> | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    this.error('BadValue', path, `must be an object, not ${shown(value)}`)
    return undefined
  }

  /** Absent or null: empty. */
  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value
    this.error('BadValue', path, `must be a list, not ${shown(value)}`)
    return []
  }

  /** Absent, null or empty: `otherwise`. Numbers count as text. */
  text(value: unknown, path: string, otherwise: string): string {
    if (value === undefined || value === null || value === '') return otherwise
    if (typeof value === 'string') return value
    if (typeof value === 'number') return String(value)
    this.error('BadValue', path, `must be text, not ${shown(value)}`)
    return otherwise
  }

  /** Text that can be the value of a header. */
  headerValue(value: unknown, path: string, otherwise: string): string {
    const text = this.text(value, path, otherwise)
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text
    this.error(
      'BadValue',
      path,
      'cannot be the value of a header: it has line ends, control characters or letters beyond Latin-1',
    )
    return otherwise
  }

  number(value: unknown, path: string, otherwise: number, min: number, max: number): number {
    if (value === undefined || value === null || value === '') return otherwise
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number
    this.error('BadValue', path, `must be a whole number from ${min} to ${max}, not ${shown(value)}`)
    return otherwise
  }

  flag(value: unknown, path: string, otherwise: boolean): boolean {
    if (value === undefined || value === null) return otherwise
    if (typeof value === 'boolean') return value
    this.error('BadValue', path, `must be true or false, not ${shown(value)}`)
    return otherwise
  }

  choice<T extends string>(value: unknown, path: string, choices: readonly T[], otherwise: T): T {
    const text = this.text(value, path, otherwise)
    if ((choices as readonly string[]).includes(text)) return text as T
    this.error('BadValue', path, `must be one of ${choices.join(', ')}, not ${shown(value)}`)
    return otherwise
  }
}

/** Values may be secrets: only short ones of few kinds are shown. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
