import { strToU8, zipSync } from 'fflate'
import type { Postern } from './postern.ts'
import { type SteadyLoad, steadyLoad } from './steady-load.ts'

/** A revision that says before the target and behind it which one it is. `broken`: its target server is nowhere. */
function revision(number: number, target: string, broken: boolean): Uint8Array {
  const assign = (name: string, content: string): string => `<AssignMessage name="${name}">${content}</AssignMessage>`
  const connection = broken ? '<LoadBalancer><Server name="nowhere"/></LoadBalancer>' : `<URL>${target}</URL>`
  const files = {
    'apiproxy/hot.xml': '<APIProxy name="hot"/>',
    'apiproxy/policies/Before.xml': assign(
      'Before',
      `<AssignVariable><Name>before</Name><Value>${number}</Value></AssignVariable>`,
    ),
    'apiproxy/policies/After.xml': assign(
      'After',
      `<Set><Payload contentType="text/plain">{before} ${number}</Payload></Set>`,
    ),
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request><Step><Name>Before</Name></Step></Request><Response><Step><Name>After</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/hot</BasePath></HTTPProxyConnection>
      <RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'apiproxy/targets/default.xml': `<TargetEndpoint name="default"><HTTPTargetConnection>${connection}</HTTPTargetConnection></TargetEndpoint>`,
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])))
}

export interface HotDeployment extends SteadyLoad {
  readonly deployed: number
  readonly refused: number
}

/** Redeploys a proxy again and again, every other time with a revision that cannot be served, while calls come at a steady rate. */
export async function hotDeployment(
  postern: Postern,
  target: string,
  { times, ratePerSecond }: { times: number; ratePerSecond: number },
): Promise<HotDeployment> {
  const ask = (path: string, body: Uint8Array | string, type: string): Promise<Response> =>
    fetch(`${postern.admin}/v1/o/postern${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${postern.token}`, 'content-type': type },
      body: body as string | Uint8Array<ArrayBuffer>,
    })
  const deploy = async (number: number, broken: boolean): Promise<number> => {
    const made = await ask('/apis?action=import&name=hot', revision(number, target, broken), 'application/octet-stream')
    const { revision: name } = (await made.json()) as { revision: string }
    const path = `/e/test/apis/hot/revisions/${name}/deployments`
    return (await ask(path, 'override=true', 'application/x-www-form-urlencoded')).status
  }
  const first = await deploy(0, false)
  if (first !== 200) throw new Error(`the first revision is not deployed: ${first}`)
  const isWhole = (text: string): boolean => {
    const [before, after] = text.split(' ')
    return before === after && before !== ''
  }
  const load = steadyLoad(`${postern.gateway}/hot`, ratePerSecond, isWhole)
  let deployed = 0
  let refused = 0
  for (let i = 1; i <= times; i++) {
    const status = await deploy(i, i % 2 === 0)
    if (status === 200) deployed++
    else if (status === 400) refused++
  }
  return { ...(await load.stop()), deployed, refused }
}
