import type { Fields } from './fields.ts'

const VARIABLE = /#[A-Za-z][A-Za-z0-9_-]{2,31}#/g
const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/

/** A host, or host:port, that an outbound call could be made to; `#variable#` may stand for any part of it. */
export function hostOf(fields: Fields, name: string, variables: boolean): string {
  const text = fields.text(name)
  // A variable may hold host and port, or one of them: any digit stands for it.
  const plain = variables ? text.replace(VARIABLE, '1') : text
  const match = HOST.exec(plain)
  const port = match?.[1] === undefined ? 1 : Number(match[1])
  if (match !== null && port > 0 && port < 65_536) return text
  throw fields.wrong(
    name,
    `a host, or host:port, without scheme, as in a.example:8080 or [::1]:8080${variables ? '; it may hold #variable#' : ''}`,
  )
}
