import type { MaskConfig } from '../../model/entities.ts'
import type { ConfigKey, Shape } from './shape.ts'

type Lists = Omit<MaskConfig, 'proxy' | 'namespaces'>

export interface RawMask extends Partial<Readonly<Record<keyof Lists, readonly (string | undefined)[]>>> {
  readonly api?: string
  readonly namespaces?: Readonly<Record<string, string>>
}

const texts: Shape = { type: 'list', of: { type: 'text' } }

/** Keys of `masks` in `postern.yaml`. */
export const maskKeys: readonly ConfigKey[] = [
  { name: 'api', shape: { type: 'text' }, otherwise: 'all', doc: 'Name of the proxy that it is for.' },
  {
    name: 'variables',
    shape: texts,
    doc: 'Flow variables by name, as in servicecallout.request.header.Authorization.',
  },
  { name: 'jsonPathsRequest', shape: texts, doc: "JSONPaths into the request's content." },
  { name: 'jsonPathsResponse', shape: texts, doc: "JSONPaths into the response's content." },
  { name: 'jsonPathsFault', shape: texts, doc: 'JSONPaths into the content of an error.' },
  { name: 'xPathsRequest', shape: texts, doc: "XPaths into the request's content." },
  { name: 'xPathsResponse', shape: texts, doc: "XPaths into the response's content." },
  { name: 'xPathsFault', shape: texts, doc: 'XPaths into the content of an error.' },
  { name: 'namespaces', shape: { type: 'pairs' }, doc: 'Prefix: URI, for the XPaths.' },
]

/** Whether its paths are any shows when they are compiled. */
export function readMasks(raws: readonly (RawMask | undefined)[]): MaskConfig[] {
  return raws.flatMap((raw): MaskConfig[] => {
    if (raw === undefined) return []
    const list = (name: keyof Lists): string[] => (raw[name] ?? []).filter((text) => text !== undefined)
    return [
      {
        proxy: raw.api ?? null,
        namespaces: raw.namespaces ?? {},
        variables: list('variables'),
        xPathsRequest: list('xPathsRequest'),
        xPathsResponse: list('xPathsResponse'),
        xPathsFault: list('xPathsFault'),
        jsonPathsRequest: list('jsonPathsRequest'),
        jsonPathsResponse: list('jsonPathsResponse'),
        jsonPathsFault: list('jsonPathsFault'),
      },
    ]
  })
}
