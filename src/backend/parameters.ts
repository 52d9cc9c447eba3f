import type { Params } from './rack-query.ts'

/** A parameter that all calls share: without blanks around it; blank, or no text, is as good as absent. */
export function commonText(params: Params, name: string): string | null {
  const value = params.get(name)
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? null : text
}

/** A parameter that is kept even when it is empty. */
export function keptText(params: Params, name: string): string | null {
  const value = params.get(name)
  return typeof value === 'string' ? value.trim() : null
}

/** `log[code]` as it counts: three digits, 100 to 999; null: nothing to count. */
export function loggedCode(params: Params): number | null {
  const log = params.get('log')
  const code = log instanceof Map ? log.get('code') : undefined
  return typeof code === 'string' && /^[1-9]\d\d$/.test(code) ? Number(code) : null
}
