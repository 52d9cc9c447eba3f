import type { TracedCall } from '../model/traced-call.ts'
import { type EdgeTransaction, edgeTransaction } from './edge-points.ts'
import { edgeXml } from './edge-xml.ts'
import type { DebugSession, Transaction } from './sessions.ts'

export const EXPORT_FORMATS = ['json', 'xml'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** Transactions of a session as a file: Edge's JSON (as the emulator exports it), or the XML that Edge's offline trace reads. */
export function exported(
  session: DebugSession,
  transactions: readonly Transaction[],
  format: ExportFormat,
  where: { readonly organization: string; readonly nowMs: number },
): string {
  const all = transactions.map((one) => [one.id, edgeOf(one)] as const)
  const { environment, proxy, revision, name } = session
  if (format === 'xml') {
    const { organization, nowMs } = where
    return edgeXml({ organization, environment, proxy, revision, session: name, retrievedAtMs: nowMs }, all)
  }
  const head = {
    Retrieved: new Date(where.nowMs).toISOString(),
    Organization: where.organization,
    Environment: environment,
    API: proxy,
    Revision: String(revision),
    SessionId: name,
  }
  return JSON.stringify({
    DebugSession: head,
    Messages: all.map(([id, transaction]) => ({ DebugId: id, ...transaction })),
  })
}

/** A transaction in Edge's JSON. */
export const edgeOf = ({ text }: Transaction): EdgeTransaction => edgeTransaction(JSON.parse(text) as TracedCall)
