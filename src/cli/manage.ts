import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BundleTop, filesOfFolder, filesOfZip } from '../dialects/apigee/index.ts'
import { writeZip } from '../dialects/apigee/zip-writer.ts'
import { problemLine } from '../model/problem.ts'

/** How a running gateway is reached. */
export interface ManageOptions {
  /** Of the admin door. */
  readonly admin: string
  readonly token?: string
  /** The folder whose `admin-token` is used without `token`. */
  readonly data: string
  /** Where it deploys to; absent: the gateway's own. */
  readonly environment?: string
}

/** Something that the person at the terminal can mend: one line. */
export class ManageError extends Error {}

type Kind = 'apis' | 'sharedflows'

interface Entry {
  readonly at: string
  readonly revision: string
  readonly basePath: string
  readonly state: 'deployed' | 'undeployed'
}

interface Listed {
  readonly name: string
  readonly revision: readonly { readonly name: string; readonly configuration?: { readonly basePath: string } }[]
}

/**
 * The commands that change a running gateway, over its management API: the same calls that Edge's own tools make. Each gives the
 * lines to print; throws ManageError.
 */
export class Manager {
  readonly #admin: string
  readonly #token: string
  readonly #environment: string | undefined
  #place: { readonly organization: string; readonly environment: string } | null = null

  constructor({ admin, token, data, environment }: ManageOptions) {
    this.#admin = admin.replace(/\/+$/, '')
    this.#token = token ?? tokenIn(data)
    this.#environment = environment
  }

  /** Imports a bundle or shared flow (folder or zip) as the next revision and serves it. */
  async deploy(path: string, given?: string): Promise<string[]> {
    const { zip, top, name } = bundleAt(path)
    const kind = top === 'apiproxy' ? 'apis' : 'sharedflows'
    const { revision } = await this.#call<{ revision: string }>(
      'POST',
      `/${kind}?action=import&name=${encodeURIComponent(given ?? name)}`,
      zip,
    )
    await this.#deployment('POST', kind, given ?? name, revision, '?override=true')
    return [`deployed: ${given ?? name} revision ${revision}`]
  }

  async undeploy(name: string): Promise<string[]> {
    const kind = await this.#kindOf(name)
    const { revision } = await this.#deployed(kind, name)
    await this.#deployment('DELETE', kind, name, revision)
    return [`undeployed: ${name} revision ${revision}`]
  }

  /** Serves what was served before, as the history has it; once more: what is served now. */
  async rollback(name: string): Promise<string[]> {
    const kind = await this.#kindOf(name)
    const { revision } = await this.#deployed(kind, name)
    const there = await this.#call<string[]>('GET', `/${kind}/${encodeURIComponent(name)}/revisions`)
    const before = (await this.#history(kind, name)).find(
      (one) => one.state === 'deployed' && one.revision !== revision && there.includes(one.revision),
    )
    if (before === undefined) throw new ManageError(`${name} served nothing but revision ${revision} here`)
    const query = `?override=true${kind === 'apis' ? `&basepath=${encodeURIComponent(before.basePath)}` : ''}`
    await this.#deployment('POST', kind, name, before.revision, query)
    return [`deployed: ${name} revision ${before.revision} (was ${revision})`]
  }

  /** What was deployed and undeployed under a name, the latest first. */
  async history(name: string): Promise<string[]> {
    const entries = await this.#history(await this.#kindOf(name), name)
    if (entries.length === 0) return [`${name} was never deployed here`]
    return entries.map(
      ({ at, revision, state, basePath }) =>
        `${at.slice(0, 19)}Z  revision ${revision}  ${state}${basePath === '/' ? '' : `  below ${basePath}`}`,
    )
  }

  /** Of all environments, unless one is named: proxies with their base paths, then shared flows. */
  async list(): Promise<string[]> {
    const lines: string[] = []
    for (const environment of await this.#environmentsShown()) {
      for (const { name, revision } of await this.#deployedIn('apis', environment)) {
        for (const one of revision) {
          const { basepaths } = await this.#call<{ basepaths: readonly string[] }>(
            'GET',
            `/apis/${encodeURIComponent(name)}/revisions/${one.name}`,
          )
          const below = one.configuration?.basePath ?? '/'
          const bases = basepaths.map((base) => (below === '/' ? base : `${below}${base === '/' ? '' : base}`))
          lines.push(`${environment}  ${name}  revision ${one.name}  ${bases.join(' ')}`)
        }
      }
      for (const { name, revision } of await this.#deployedIn('sharedflows', environment)) {
        lines.push(`${environment}  ${name}  revision ${revision[0]?.name ?? '?'}  shared flow`)
      }
    }
    return lines.length === 0 ? ['nothing is deployed'] : lines
  }

  /** Writes the zip of a revision (the one that is served, unless told otherwise) to a file that must not be there yet. */
  async export(name: string, given?: string, file?: string): Promise<string[]> {
    const kind = await this.#kindOf(name)
    const revision = given ?? (await this.#deployed(kind, name)).revision
    const path = `/${kind}/${encodeURIComponent(name)}/revisions/${encodeURIComponent(revision)}?format=bundle`
    const zip = await this.#bytes('GET', path)
    const to = file ?? `${name.replace(/[^\w.-]/g, '_')}-${revision}.zip`
    try {
      writeFileSync(to, zip, { flag: 'wx' })
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'is there already' : (error as Error).message
      throw new ManageError(`cannot write ${to}: ${why}`)
    }
    return [`exported: ${name} revision ${revision} to ${to}`]
  }

  async #deployed(kind: Kind, name: string): Promise<{ revision: string }> {
    const { environment } = await this.#where()
    const one = (await this.#deployedIn(kind, environment)).find((listed) => listed.name === name)?.revision[0]
    if (one === undefined) throw new ManageError(`${name} is not deployed`)
    return { revision: one.name }
  }

  async #deployedIn(kind: Kind, environment: string): Promise<readonly Listed[]> {
    const path = `/e/${encodeURIComponent(environment)}/deployments`
    if (kind === 'apis') return (await this.#call<{ aPIProxy: readonly Listed[] }>('GET', path)).aPIProxy
    return (await this.#call<{ sharedFlow: readonly Listed[] }>('GET', `${path}?sharedFlows=true`)).sharedFlow
  }

  async #history(kind: Kind, name: string): Promise<readonly Entry[]> {
    const { environment } = await this.#where()
    const path = `/e/${encodeURIComponent(environment)}/${kind}/${encodeURIComponent(name)}/history`
    return (await this.#call<{ history: readonly Entry[] }>('GET', path)).history
  }

  /** A proxy of that name, or else a shared flow. */
  async #kindOf(name: string): Promise<Kind> {
    const has = async (kind: Kind): Promise<boolean> => (await this.#call<string[]>('GET', `/${kind}`)).includes(name)
    return !(await has('apis')) && (await has('sharedflows')) ? 'sharedflows' : 'apis'
  }

  async #environmentsShown(): Promise<readonly string[]> {
    if (this.#environment !== undefined) return [this.#environment]
    const { organization } = await this.#where()
    return (await this.#json<{ environments: string[] }>('GET', `/v1/organizations/${organization}`)).environments
  }

  async #deployment(method: string, kind: string, name: string, revision: string, query = ''): Promise<void> {
    const { environment } = await this.#where()
    const path = `/e/${environment}/${kind}/${encodeURIComponent(name)}/revisions/${revision}/deployments${query}`
    await this.#call(method, path)
  }

  /** A gateway has one organisation; the first environment is its own. */
  async #where(): Promise<{ organization: string; environment: string }> {
    if (this.#place !== null) return this.#place
    const [organization] = await this.#json<string[]>('GET', '/v1/organizations')
    const { environments } = await this.#json<{ environments: string[] }>('GET', `/v1/organizations/${organization}`)
    this.#place = { organization: organization!, environment: this.#environment ?? environments[0]! }
    return this.#place
  }

  async #call<T>(method: string, path: string, body?: Uint8Array): Promise<T> {
    return this.#json<T>(method, `/v1/organizations/${(await this.#where()).organization}${path}`, body)
  }

  async #bytes(method: string, path: string): Promise<Buffer> {
    return this.#ask(method, `/v1/organizations/${(await this.#where()).organization}${path}`)
  }

  async #json<T>(method: string, path: string, body?: Uint8Array): Promise<T> {
    return JSON.parse((await this.#ask(method, path, body)).toString('utf8')) as T
  }

  async #ask(method: string, path: string, body?: Uint8Array): Promise<Buffer> {
    const type = body === undefined ? {} : { 'content-type': 'application/octet-stream' }
    const answer = await fetch(`${this.#admin}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...type },
      ...(body !== undefined && { body: new Uint8Array(body) }),
    }).catch((error: Error) => {
      const { code } = (error.cause ?? error) as NodeJS.ErrnoException
      throw new ManageError(
        `no gateway answers at ${this.#admin} (${code ?? error.message}); start one, or name it with --admin`,
      )
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (answer.ok) return bytes
    throw new ManageError(messageOf(bytes.toString('utf8'), answer.status))
  }
}

function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message
  } catch {
    // What is no JSON is told by its status alone.
  }
  return `the gateway answered ${status}`
}

function tokenIn(data: string): string {
  const file = join(data, 'admin-token')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  throw new ManageError(`there is no ${file}: name the gateway's data folder with --data, or its token with --token`)
}

/** A bundle as one zip; what is wrong with its files is told before anything is sent. */
function bundleAt(path: string): { zip: Uint8Array; top: BundleTop; name: string } {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new ManageError(`${path} is not there`)
  const raw = stat.isFile() ? readFileSync(path) : null
  const { files, top, problems } = raw === null ? filesOfFolder(path) : filesOfZip(raw, path)
  if (files === null) throw new ManageError(problems.map(problemLine).join('\n'))
  const all = new Map([...files].map(([file, content]) => [file, Buffer.from(content)]))
  return { zip: raw ?? writeZip(all), top, name: nameIn(all, top) ?? basename(path, '.zip') }
}

/** That of the descriptor at the top. */
function nameIn(files: ReadonlyMap<string, Buffer>, top: BundleTop): string | undefined {
  for (const [path, content] of files) {
    if (!path.startsWith(`${top}/`) || path.split('/').length !== 2 || !path.endsWith('.xml')) continue
    const name = /<(?:APIProxy|SharedFlowBundle)\s[^>]*?\bname\s*=\s*["']([^"'<]+)["']/.exec(
      content.toString('utf8'),
    )?.[1]
    if (name !== undefined) return name
  }
  return undefined
}
