import type { Problems } from '../../model/problem.ts'
import type { Resource } from '../../model/proxy.ts'
import type { BundleTop } from './files.ts'
import { textOrNull } from './text.ts'

/** Folders whose programs are not run: the element that names them is refused, not the files. */
const UNREAD_TYPES = ['node', 'hosted', 'java']

/** Text files by type (the folder) and name (the path below it). `paths` are below `resources/`. */
export function readResources(
  paths: ReadonlyMap<string, Uint8Array | string>,
  top: BundleTop,
  problems: Problems,
): Resource[] {
  const resources: Resource[] = []
  for (const [path, content] of paths) {
    const at = { file: `${top}/resources/${path}`, line: 1, column: 1 }
    const slash = path.indexOf('/')
    const type = path.slice(0, Math.max(0, slash))
    if (slash === -1) {
      problems.warn(
        'UnexpectedFile',
        at,
        'a resource stands in the folder of its type, as in resources/jsc/; it is not read',
      )
      continue
    }
    if (UNREAD_TYPES.includes(type)) continue
    const text = typeof content === 'string' ? content : textOrNull(content)
    if (text !== null) resources.push({ type, name: path.slice(slash + 1), text })
    else problems.warn('ResourceNotRead', at, 'not a text file in UTF-8; policies cannot use it')
  }
  return resources
}
