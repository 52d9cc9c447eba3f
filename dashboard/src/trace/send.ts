import { CallError } from '../call.ts'

/** Changes something by the gateway's own API: a trace session is all that a page may change. */
export async function send<Answer>(
  method: 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Answer | undefined> {
  const response = await fetch(path, {
    method,
    headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (response.status === 204) return undefined
  const answer = (await response.json()) as Answer & { error?: { message?: string } }
  if (response.ok) return answer
  throw new CallError(response.status, answer.error?.message ?? `The gateway answered ${response.status}.`)
}

/** The text of whatever was thrown, for people. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof CallError ? thrown.message : 'The gateway does not answer. Try again.'
}
