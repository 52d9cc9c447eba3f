/** Where something was written: file relative to what was loaded, line and column from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Text that the engine will parse (a condition, a message template), with its place for error messages. */
export interface SourceText {
  readonly text: string
  readonly at: Position
}
