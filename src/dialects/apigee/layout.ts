import type { Problems } from '../../model/problem.ts'
import type { XmlElement } from '../../model/xml.ts'
import { type BundleFiles, type BundleTop, isLitter } from './files.ts'
import { readXml } from './xml-reader.ts'

export type XmlFolder = 'descriptor' | 'proxies' | 'targets' | 'sharedflows' | 'policies'

/** A bundle sorted by what its files are for. Names of XML files mean nothing: elements carry their own. */
export interface BundleLayout {
  readonly roots: Readonly<Record<XmlFolder, XmlElement[]>>
  /** Files that could not be parsed, by their path; the problems say why. */
  readonly unreadable: Readonly<Record<XmlFolder, string[]>>
  /** What is under `resources/`, by the path below it. */
  readonly resources: ReadonlyMap<string, Uint8Array | string>
}

/** Written by tools; Edge does not read them either. */
const IGNORED_FOLDERS = ['manifests']

/** Which folders of XML files a bundle has; `descriptor` stands for its top folder. */
const XML_FOLDERS: Readonly<Record<BundleTop, readonly XmlFolder[]>> = {
  apiproxy: ['descriptor', 'proxies', 'targets', 'policies'],
  sharedflowbundle: ['descriptor', 'sharedflows', 'policies'],
}

export function layoutOf(files: BundleFiles, bundleTop: BundleTop, problems: Problems): BundleLayout {
  const roots = empty<XmlElement>()
  const unreadable = empty<string>()
  const resources = new Map<string, Uint8Array | string>()
  for (const path of [...files.keys()].sort()) {
    const content = files.get(path) ?? ''
    const [top, folder = '', ...rest] = path.split('/')
    if (isLitter(path) || IGNORED_FOLDERS.includes(folder)) continue
    const kind = rest.length === 0 ? 'descriptor' : folder
    if (top === bundleTop && kind === 'resources') resources.set(rest.join('/'), content)
    else if (top !== bundleTop || !isXmlFolder(kind, bundleTop) || rest.length > 1 || !/\.xml$/i.test(path)) {
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

function isXmlFolder(kind: string, top: BundleTop): kind is XmlFolder {
  return (XML_FOLDERS[top] as readonly string[]).includes(kind)
}

function empty<T>(): Record<XmlFolder, T[]> {
  return { descriptor: [], proxies: [], targets: [], sharedflows: [], policies: [] }
}
