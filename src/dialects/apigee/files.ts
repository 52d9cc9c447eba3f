import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Problem, Problems } from '../../model/problem.ts'
import { readZip } from './zip.ts'

/** The top folder of a bundle: of a proxy, or of a shared flow. */
export type BundleTop = 'apiproxy' | 'sharedflowbundle'

/** The files of one bundle: path with forward slashes, beginning with its top folder, to content. */
export type BundleFiles = ReadonlyMap<string, Uint8Array | string>

/** `files` is null exactly when a problem is an error. */
export interface BundleFilesRead {
  readonly files: BundleFiles | null
  readonly top: BundleTop
  readonly problems: readonly Problem[]
}

/** Edge takes revisions of up to 15 MB; the others keep a broken or hostile archive from filling memory. */
export const bundleLimits: BundleLimits = {
  zipBytesMax: 15 * 1024 * 1024,
  bytesMax: 64 * 1024 * 1024,
  entriesMax: 5_000,
  depthMax: 16,
}

interface BundleLimits {
  readonly zipBytesMax: number
  readonly bytesMax: number
  readonly entriesMax: number
  readonly depthMax: number
}

const TOPS: readonly BundleTop[] = ['apiproxy', 'sharedflowbundle']
const WHOLE = { line: 1, column: 1 }

/** Files that tools of desktops leave behind. */
export function isLitter(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX' || part === 'Thumbs.db')
}

/** A folder that holds `apiproxy/` (or `sharedflowbundle/`), or that is it. Synchronous: called when something is loaded, never while calls run. */
export function filesOfFolder(path: string): BundleFilesRead {
  const problems = new Problems()
  const files = new Map<string, Uint8Array>()
  const root = rootOfFolder(path, problems)
  if (root !== null) new FolderWalk(files, problems).walk(root.folder, root.top, 1)
  return { files: problems.hasErrors ? null : files, top: root?.top ?? 'apiproxy', problems: problems.list }
}

/** A zip whose single top folder is that of a bundle. `name` is for error messages. */
export function filesOfZip(zip: Uint8Array, name = 'bundle.zip'): BundleFilesRead {
  const problems = new Problems()
  const entries = readZip(zip, name, bundleLimits, problems)
  const files = new Map<string, Uint8Array>()
  const others = new Set<string>()
  const top =
    TOPS.find((name) => [...(entries?.keys() ?? [])].some((path) => path.startsWith(`${name}/`))) ?? 'apiproxy'
  for (const [path, content] of entries ?? []) {
    if (isLitter(path)) continue
    if (path.startsWith(`${top}/`)) files.set(path, content)
    else others.add(path.split('/', 1)[0] ?? path)
  }
  if (files.size > 0)
    for (const path of others) problems.warn('UnexpectedFile', at(path), `not in ${top}/; it is not read`)
  if (entries !== null && files.size === 0) reportNoBundle([...entries.keys()], name, problems)
  return { files: problems.hasErrors ? null : files, top, problems: problems.list }
}

function reportNoBundle(paths: readonly string[], file: string, problems: Problems): void {
  const top = paths[0]?.split('/')[0]
  const found = top === undefined ? 'nothing is in it' : `found ${top}`
  // Edge's own words, with what it found.
  const text = `Bundle is invalid. Unable to read/find APIProxy contents: the top folder must be ${TOPS[0]}/, ${found}`
  problems.error('InvalidBundle', { file, ...WHOLE }, text)
}

function rootOfFolder(path: string, problems: Problems): { folder: string; top: BundleTop } | null {
  const root = topOfFolder(path)
  if (root !== null) return root
  const names = namesOf(path, problems)
  if (names !== null) reportNoBundle(names.slice(0, 1), path, problems)
  return null
}

function topOfFolder(path: string): { folder: string; top: BundleTop } | null {
  const inner = TOPS.find((top) => isFolder(join(path, top)))
  if (inner !== undefined) return { folder: join(path, inner), top: inner }
  const own = TOPS.find((top) => basename(resolve(path)) === top)
  return own === undefined ? null : { folder: path, top: own }
}

/** The folder that is read for a bundle: two paths with the same one are the same bundle. */
export function bundleFolder(path: string): string {
  return topOfFolder(path)?.folder ?? path
}

/** What folder a bundle's paths are relative to, for messages that name files as the caller wrote them. */
export function baseOfFolder(path: string): string {
  return join(bundleFolder(path), '..')
}

class FolderWalk {
  readonly #files: Map<string, Uint8Array>
  readonly #problems: Problems
  #bytes = 0
  #entries = 0

  constructor(files: Map<string, Uint8Array>, problems: Problems) {
    this.#files = files
    this.#problems = problems
  }

  walk(folder: string, prefix: string, depth: number): void {
    for (const entry of this.#entriesOf(folder, prefix)) {
      if (this.#problems.hasErrors) return
      const path = `${prefix}/${entry.name}`
      if (isLitter(entry.name)) continue
      if (++this.#entries > bundleLimits.entriesMax) {
        this.#problems.error('BundleTooLarge', at(path), `more than ${bundleLimits.entriesMax} files and folders`)
        return
      }
      this.#visit(join(folder, entry.name), path, depth)
    }
  }

  #entriesOf(folder: string, prefix: string): Dirent[] {
    try {
      // Sorted, so that messages and revisions do not depend on the file system.
      return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch (error) {
      this.#problems.error('Unreadable', at(prefix), reasonOf(error))
      return []
    }
  }

  #visit(place: string, path: string, depth: number): void {
    try {
      const stat = statSync(place)
      if (stat.isDirectory()) {
        if (depth < bundleLimits.depthMax) this.walk(place, path, depth + 1)
        else this.#problems.error('BundleTooLarge', at(path), `folders nested more than ${bundleLimits.depthMax} deep`)
      } else if (stat.isFile()) this.#read(place, path, stat.size)
      else this.#problems.error('Unreadable', at(path), 'neither a file nor a folder')
    } catch (error) {
      this.#problems.error('Unreadable', at(path), reasonOf(error))
    }
  }

  #read(place: string, path: string, bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > bundleLimits.bytesMax) {
      this.#problems.error('BundleTooLarge', at(path), `more than ${bundleLimits.bytesMax} bytes in all files together`)
      return
    }
    this.#files.set(path, readFileSync(place))
  }
}

const at = (file: string): { file: string; line: number; column: number } => ({ file, ...WHOLE })

export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (code === 'ENOENT') return 'there is no such file or folder'
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it'
  return error instanceof Error ? error.message : String(error)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function namesOf(path: string, problems: Problems): string[] | null {
  try {
    return readdirSync(path).sort()
  } catch (error) {
    problems.error('Unreadable', at(path), reasonOf(error))
    return null
  }
}
