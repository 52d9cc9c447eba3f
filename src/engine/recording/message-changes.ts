import type { MessagesAt, VariableAccess } from '../../model/traced-call.ts'
import type { MessageCopy } from './message-log.ts'

/**
 * What a step wrote into the messages of the flow, as variables: policies that edit a message as a whole name none of them. A body
 * that nobody had read before is not compared.
 */
export function messageChanges(
  copies: readonly MessageCopy[],
  before: MessagesAt,
  after: MessagesAt,
): readonly VariableAccess[] {
  const changes: VariableAccess[] = []
  for (const name of ['request', 'response', 'error'] as const) {
    const [from, to] = [before[name], after[name]]
    if (from === to || from === null || to === null) continue
    compare(name, copies[from]!, copies[to]!, changes)
  }
  return changes
}

function compare(name: string, from: MessageCopy, to: MessageCopy, changes: VariableAccess[]): void {
  const set = (part: string, was: string, is: string): void => {
    if (was !== is) changes.push({ do: 'set', name: `${name}.${part}`, value: is, success: true })
  }
  if (to.kind === 'request') {
    set('verb', from.verb, to.verb)
    set('uri', from.uri, to.uri)
  } else {
    set('status.code', String(from.status), String(to.status))
    set('reason.phrase', from.reason, to.reason)
  }
  const had = byName(from.headers)
  const has = byName(to.headers)
  for (const [lower, { shown, value }] of has) set(`header.${shown}`, had.get(lower)?.value ?? '', value)
  for (const [lower, { shown }] of had) {
    if (!has.has(lower)) changes.push({ do: 'remove', name: `${name}.header.${shown}`, value: null, success: true })
  }
  if (from.tap === null && to.tap === null) set('content', textOf(from), textOf(to))
}

function byName(raw: readonly string[]): Map<string, { shown: string; value: string }> {
  const found = new Map<string, { shown: string; value: string }>()
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase()
    const before = found.get(lower)
    found.set(lower, { shown: raw[i]!, value: before === undefined ? raw[i + 1]! : `${before.value},${raw[i + 1]}` })
  }
  return found
}

const textOf = ({ content }: MessageCopy): string => (content === null ? '' : content.toString())
