import type { TraceSessionAnswer } from '../../../src/admin/native/trace-answers.ts'
import { count } from '../format.ts'

/** The state of a session in words, and the kind of its tag. */
export const STATES: Readonly<Record<TraceSessionAnswer['state'], readonly [words: string, kind: string]>> = {
  recording: ['recording', 'good'],
  full: ['full', ''],
  expired: ['its time is over', ''],
  stopped: ['stopped', ''],
  undeployed: ['waits: not deployed', 'bad'],
}

export function limitWords({ count: limit }: TraceSessionAnswer): string {
  return limit === null ? 'every call, the latest are kept' : `${count(limit)} calls`
}
