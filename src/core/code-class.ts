/** 4XX is without 499, which stands alone: the client went away before it had an answer. `other`: a status below 100 or above 599. */
export type CodeClass = '1XX' | '2XX' | '3XX' | '4XX' | '499' | '5XX' | 'other'

const BY_DIGIT: readonly CodeClass[] = ['other', '1XX', '2XX', '3XX', '4XX', '5XX']

/** The class that a status counts in. */
export function codeClass(status: number): CodeClass {
  return status === 499 ? '499' : (BY_DIGIT[Math.floor(status / 100)] ?? 'other')
}
