/** A file that policies write lines to. */
export interface LogFile {
  /** Below the folder of all of them: names joined by slashes, made of letters, digits and `. _ -`. */
  readonly path: string
  /** A larger one is put aside and begun anew; null: however large it gets. */
  readonly bytesMax: number | null
  /** The same for one that is older; null: however old. */
  readonly ageMsMax: number | null
  /** How many that were put aside stay. */
  readonly kept: number
  /** The one of the last run is put aside at the first line. */
  readonly rotateAtStart: boolean
}

/** Log files of all gateway threads. Writing never waits, fails or throws: what cannot be written is lost. */
export interface LogFiles {
  write(file: LogFile, line: string): void
}
