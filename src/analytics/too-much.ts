/** A question that would read for longer than a store allows one to. The message says what to ask instead. */
export class TooMuchToRead extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TooMuchToRead'
  }
}
