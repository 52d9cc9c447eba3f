import type { Problems } from '../../model/problem.ts'
import type { XmlElement } from '../../model/xml.ts'
import { type BundleFiles, isLitter } from './files.ts'
import { readXml } from './xml-reader.ts'

export type XmlFolder = 'descriptor' | 'proxies' | 'targets' | 'policies'

/** A bundle sorted by what its files are for. Names of XML files mean nothing: elements carry their own. */
export interface BundleLayout {
  readonly roots: Readonly<Record<XmlFolder, XmlElement[]>>
  /** Files that could not be parsed, by their path; the problems say why. */
  readonly unreadable: Readonly<Record<XmlFolder, string[]>>
  /** What is under `apiproxy/resources/`, by the path below it. */
  readonly resources: ReadonlyMap<string, Uint8Array | string>
}

/** Written by tools; Edge does not read them either. */
const IGNORED_FOLDERS = ['manifests']

export function layoutOf(files: BundleFiles, problems: Problems): BundleLayout {
  const roots: Record<XmlFolder, XmlElement[]> = { descriptor: [], proxies: [], targets: [], policies: [] }
  const unreadable: Record<XmlFolder, string[]> = { descriptor: [], proxies: [], targets: [], policies: [] }
  const resources = new Map<string, Uint8Array | string>()
  for (const path of [...files.keys()].sort()) {
    const content = files.get(path) ?? ''
    const [top, folder = '', ...rest] = path.split('/')
    if (isLitter(path) || IGNORED_FOLDERS.includes(folder)) continue
    const kind = rest.length === 0 ? 'descriptor' : folder
    if (top === 'apiproxy' && kind === 'resources') resources.set(rest.join('/'), content)
    else if (top !== 'apiproxy' || !isXmlFolder(kind) || rest.length > 1 || !/\.xml$/i.test(path)) {
      problems.warn('UnexpectedFile', { file: path, line: 1, column: 1 }, 'a bundle has no such file; it is not read')
    } else {
      const root = readXml(content, path, problems)
      if (root === null) unreadable[kind].push(path)
      else roots[kind].push(root)
    }
  }
  return { roots, unreadable, resources }
}

/** `apiproxy/policies/Quota-1.xml` -> `Quota-1`. */
export function nameOfFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.xml$/i, '')
}

function isXmlFolder(kind: string): kind is XmlFolder {
  return kind === 'descriptor' || kind === 'proxies' || kind === 'targets' || kind === 'policies'
}
