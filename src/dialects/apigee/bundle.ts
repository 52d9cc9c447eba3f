import { type Problem, Problems } from '../../model/problem.ts'
import type { ApiProxy } from '../../model/proxy.ts'
import { textOf, type XmlElement } from '../../model/xml.ts'
import { checkChildren, nameOf } from './elements.ts'
import type { BundleFiles } from './files.ts'
import type { Reading } from './flows.ts'
import { type BundleLayout, layoutOf, nameOfFile } from './layout.ts'
import { PolicyIndex, type PolicyReaders } from './policies.ts'
import { readProxyEndpoint } from './proxy-endpoint.ts'
import { readResources } from './resources.ts'
import { checkBasePaths, checkRoutes } from './routes.ts'
import { readTargetEndpoint } from './target-endpoint.ts'

export interface BundleOptions {
  /** The name of the import; else that of the descriptor, else `fallbackName`. */
  readonly name?: string
  /** What stands in the file is ignored, as Edge does. 1 when left out. */
  readonly revision?: number
  /** Usually the name of the folder or zip. */
  readonly fallbackName?: string
}

export interface BundleRead {
  /** Frozen. Null exactly when a problem is an error: nothing is ever half deployed. */
  readonly proxy: ApiProxy | null
  /** As far as it could be read, so that a compiler can look for its own errors too. Never to be deployed. */
  readonly draft: ApiProxy
  readonly problems: readonly Problem[]
}

const WHOLE = { file: 'apiproxy', line: 1, column: 1 }

/**
 * A bundle's files to the model, with all problems at once; positions are relative to the folder that holds `apiproxy/`.
 * Policies are parsed by the kinds that are handed in. Never throws for what the files hold.
 */
export function readBundle(files: BundleFiles, kinds: PolicyReaders, options: BundleOptions = {}): BundleRead {
  const problems = new Problems()
  const layout = layoutOf(files, 'apiproxy', problems)
  const policies = indexOf(layout, kinds, problems)
  const reading: Reading = { policies, problems }
  const proxyEndpoints = readEndpoints(layout, 'proxies', 'ProxyEndpoint', readProxyEndpoint, reading)
  const targetEndpoints = readEndpoints(layout, 'targets', 'TargetEndpoint', readTargetEndpoint, reading)
  if (layout.roots.proxies.length + layout.unreadable.proxies.length === 0) {
    problems.error('ProxyEndpointMissing', WHOLE, 'no file in apiproxy/proxies/; a bundle needs a ProxyEndpoint')
  }
  checkRoutes(proxyEndpoints, targetNames(layout), problems)
  checkBasePaths(proxyEndpoints, problems)
  const draft: ApiProxy = {
    dialect: 'apigee',
    ...readDescriptor(layout, 'APIProxy', options, problems),
    revision: options.revision ?? 1,
    proxyEndpoints,
    targetEndpoints,
    policies: policies.finish(),
    resources: readResources(layout.resources, 'apiproxy', problems),
  }
  freezeAll(draft)
  return { proxy: problems.hasErrors ? null : draft, draft, problems: problems.list }
}

export function indexOf(layout: BundleLayout, kinds: PolicyReaders, problems: Problems): PolicyIndex {
  const policies = new PolicyIndex(kinds, problems)
  for (const file of layout.unreadable.policies) policies.addUnreadable(file)
  for (const root of layout.roots.policies) policies.add(root)
  return policies
}

function readEndpoints<E>(
  layout: BundleLayout,
  folder: 'proxies' | 'targets',
  element: string,
  read: (root: XmlElement, reading: Reading) => E,
  reading: Reading,
): E[] {
  const { problems } = reading
  const endpoints: E[] = []
  const places = new Map<string, string>()
  for (const root of layout.roots[folder]) {
    if (root.name !== element) {
      problems.error('WrongElement', root.at, `<${root.name}> in ${folder}/; its files hold a <${element}>`)
      continue
    }
    const name = root.attributes['name']?.trim() ?? ''
    const place = places.get(name)
    if (place !== undefined && name !== '') {
      problems.error('DuplicateName', root.at, `${element} ${name} is there already, in ${place}; names must differ`)
    }
    places.set(name, `${root.at.file}:${root.at.line}`)
    endpoints.push(read(root, reading))
  }
  return endpoints
}

/** Also the names of target endpoints that have errors of their own: a route to one of them is right. */
function targetNames(layout: BundleLayout): Map<string, XmlElement | null> {
  const names = new Map<string, XmlElement | null>()
  for (const file of layout.unreadable.targets) names.set(nameOfFile(file), null)
  for (const root of layout.roots.targets) names.set(root.attributes['name']?.trim() ?? '', root)
  return names
}

/** `apiproxy/NAME.xml`: names the bundle; its lists of parts are for reading only, on Edge too. */
export function readDescriptor(
  layout: BundleLayout,
  element: 'APIProxy' | 'SharedFlowBundle',
  options: BundleOptions,
  problems: Problems,
): Pick<ApiProxy, 'name' | 'displayName' | 'description'> {
  const root = layout.roots.descriptor.find((candidate) => candidate.name === element)
  for (const other of layout.roots.descriptor) {
    if (other !== root) problems.warn('UnexpectedFile', other.at, `<${other.name}> is no part of this bundle`)
  }
  if (root !== undefined) checkChildren(root, problems)
  const written = options.name ?? (root === undefined ? undefined : (nameOf(root, problems) ?? undefined))
  const name = written ?? options.fallbackName ?? 'proxy'
  return {
    name,
    displayName: (root && textOf(root, 'DisplayName')) ?? name,
    description: (root && textOf(root, 'Description')) ?? '',
  }
}

/** The model is plain data without cycles. */
export function freezeAll(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) freezeAll(inner)
}
