// The calls of Edge's management API, from the routes as they are registered.
import Fastify from 'fastify'
import type { EdgeContext } from '../src/admin/edge/context.ts'
import { edgeRoutes } from '../src/admin/edge/routes.ts'

/** Paths by what they are about, in the order of the page; the first that fits counts. */
const CHAPTERS: readonly (readonly [title: string, fits: RegExp])[] = [
  ['Debug sessions', /\/debugsessions/],
  ['Statistics', /\/stats/],
  ['Deployments', /\/deployments/],
  ['Shared flows and flow hooks', /\/sharedflows|\/flowhooks/],
  ['Key value maps', /\/keyvaluemaps/],
  ['Mask configurations', /\/maskconfigs/],
  ['Resource files', /\/resourcefiles|\/resources/],
  ['API proxies', /^\/apis/],
  ['Key stores and references', /\/keystores|\/references/],
  ['Environments, virtual hosts, target servers, caches', /^\/environments/],
  ['Products, developers, apps, keys', /^\/(apiproducts|developers|apps)/],
  ['Organization', /^\/$/],
]

/** Stands for what handlers work on: routes are registered, and none is called. */
const nothing: EdgeContext = new Proxy({} as EdgeContext, { get: (_, name) => (name === 'then' ? undefined : nothing) })

export async function managementReference(): Promise<string> {
  const calls = new Map<string, Set<string>>()
  const app = Fastify({ exposeHeadRoutes: false })
  app.addHook('onRoute', ({ method, url }) => {
    const match = /^\/v1\/organizations\/:org(.*)$/.exec(url)
    const path = match?.[1] === '' ? '/' : match?.[1]
    // Each path has a short form as well.
    if (path === undefined || path.startsWith('/e/')) return
    const shown = path.replace(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '')
    const methods = calls.get(shown) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    calls.set(shown, methods)
  })
  app.register(async (scope) => edgeRoutes(scope, nothing, nothing as never), { prefix: '/v1' })
  await app.ready()
  await app.close()
  const left = [...calls].sort(([a], [b]) => (a < b ? -1 : 1))
  const chapters = CHAPTERS.map(([title, fits]) => {
    const rows = left.filter(([path]) => CHAPTERS.find(([, other]) => other.test(path))?.[1] === fits)
    const lines = rows.map(([path, methods]) => `| \`${path}\` | ${[...methods].sort().join(', ')} |\n`)
    return `## ${title}\n| path | methods |\n| --- | --- |\n${lines.join('')}`
  })
  const lost = left.filter(([path]) => !CHAPTERS.some(([, fits]) => fits.test(path)))
  if (left.length === 0 || lost.length > 0) throw new Error(`no chapter for ${lost.map(([path]) => path).join(', ')}`)
  return `# Edge's management API\n\nBelow \`/v1/organizations/{org}\` of the admin door; \`/v1/o/{org}\` and \`/e/{env}\` are the same. Who may call: the admin token (as Basic\npassword, too), or the token of a login (\`POST /oauth/token\`). [From Apigee](../guide/from-apigee.md) tells how.\n\n${chapters.join('\n')}`
}
