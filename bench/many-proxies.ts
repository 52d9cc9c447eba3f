// 500 proxies in the catalogue: how soon the gateway serves them again, what they need, and whether deploying one slows calls of another.
// `node bench/many-proxies.ts [PROXIES]`; the last part redeploys one proxy under 2,000 calls a second.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { Backend } from '../test/kit/backend.ts'
import { hotDeployment } from '../test/kit/hot-deploy.ts'
import { Postern } from '../test/kit/postern.ts'
import { steadyLoad } from '../test/kit/steady-load.ts'

const RATE_PER_SECOND = 500
const ROUNDS = 5
const ROUND_MS = 3_000

export interface ManyProxies {
  readonly proxies: number
  readonly importSeconds: number
  readonly startSeconds: number
  /** With nothing deployed, for comparison. */
  readonly emptyStartSeconds: number
  readonly memoryMb: number
  /** Best of five rounds each. */
  readonly p99Ms: number
  readonly p99WhileDeployingMs: number
  readonly deployMs: number
}

/** As real ones are: a key, a quota, variables out of the answer, a header, fault rules, a script. */
function bundle(name: string, version: number): Uint8Array {
  const files: Record<string, string> = {
    [`apiproxy/${name}.xml`]: `<APIProxy name="${name}"/>`,
    'apiproxy/policies/Quota.xml':
      '<Quota name="Quota"><Allow count="100000000"/><Interval>1</Interval><TimeUnit>hour</TimeUnit></Quota>',
    'apiproxy/policies/Extract.xml':
      '<ExtractVariables name="Extract"><URIPath><Pattern>/{id}</Pattern></URIPath><Source>request</Source></ExtractVariables>',
    'apiproxy/policies/Header.xml': `<AssignMessage name="Header"><Set><Headers><Header name="X-Version">${version}</Header></Headers></Set></AssignMessage>`,
    'apiproxy/policies/Say.xml': `<AssignMessage name="Say"><Set><Payload contentType="application/json">{"proxy":"${name}"}</Payload></Set></AssignMessage>`,
    'apiproxy/policies/Refuse.xml':
      '<RaiseFault name="Refuse"><FaultResponse><Set><StatusCode>400</StatusCode></Set></FaultResponse></RaiseFault>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <FaultRules><FaultRule name="f"><Condition>fault.name = "QuotaViolation"</Condition><Step><Name>Header</Name></Step></FaultRule></FaultRules>
      <PreFlow><Request><Step><Name>Quota</Name></Step><Step><Name>Extract</Name></Step></Request></PreFlow>
      <Flows><Flow name="read"><Condition>request.verb = "GET" and proxy.pathsuffix MatchesPath "/**"</Condition></Flow>
      <Flow name="none"><Request><Step><Name>Refuse</Name></Step></Request></Flow></Flows>
      <PostFlow><Response><Step><Name>Say</Name></Step><Step><Name>Header</Name></Step></Response></PostFlow>
      <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>`,
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])))
}

async function deploy(postern: Postern, name: string, version: number): Promise<void> {
  const ask = async (path: string, body: Uint8Array | string, type: string): Promise<{ revision: string }> => {
    const answer = await fetch(`${postern.admin}/v1/o/postern${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${postern.token}`, 'content-type': type },
      body: body as string | Uint8Array<ArrayBuffer>,
    })
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()) as { revision: string }
  }
  const zip = bundle(name, version)
  const { revision } = await ask(`/apis?action=import&name=${name}`, zip, 'application/octet-stream')
  const path = `/e/test/apis/${name}/revisions/${revision}/deployments`
  await ask(path, 'override=true', 'application/x-www-form-urlencoded')
}

/** Resident memory of the program below its launcher, or that has become it. */
function memoryMb(pid: number): number {
  const of = (one: number): { parent: number; kb: number } => {
    const status = readFileSync(`/proc/${one}/status`, 'utf8')
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
    return { parent: field('PPid'), kb: field('VmRSS') }
  }
  const below = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
  const kb = below.reduce((sum, name) => sum + of(Number(name)).kb, 0)
  return Math.round((kb || of(pid).kb) / 1024)
}

function parentOf(name: string): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1])
  } catch {
    return 0
  }
}

const p99 = (times: readonly number[]): number => times[Math.floor(times.length * 0.99)] ?? Number.NaN

export async function manyProxies(proxies: number): Promise<ManyProxies> {
  const data = mkdtempSync(join(tmpdir(), 'postern-many-'))
  const config = join(data, 'postern.yaml')
  writeFileSync(config, 'version: 1\napis: []\n')
  const start = (): Promise<Postern> => Postern.start(['--config', config], { data, workers: 2 })
  try {
    const emptyBegan = performance.now()
    let postern = await start()
    const emptyStartSeconds = (performance.now() - emptyBegan) / 1000
    const importBegan = performance.now()
    for (let i = 0; i < proxies; i++) await deploy(postern, `p${i}`, 1)
    const importSeconds = (performance.now() - importBegan) / 1000
    await postern.stop()

    const startBegan = performance.now()
    postern = await start()
    const startSeconds = (performance.now() - startBegan) / 1000
    const memory = memoryMb(postern.process.pid!)

    const round = async (during: (until: number) => Promise<void>): Promise<number> => {
      const load = steadyLoad(`${postern.gateway}/p7/x`, RATE_PER_SECOND, (text) => text.includes('p7'))
      await during(performance.now() + ROUND_MS)
      const { timesMs, wrong } = await load.stop()
      if (wrong.length > 0) throw new Error(`${wrong.length} calls failed: ${wrong[0]}`)
      return p99(timesMs)
    }
    let deployMs = Number.POSITIVE_INFINITY
    let version = 1
    const quiet: number[] = []
    const busy: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      quiet.push(await round((until) => new Promise((resolve) => setTimeout(resolve, until - performance.now()))))
      busy.push(
        await round(async (until) => {
          while (performance.now() < until) {
            const began = performance.now()
            await deploy(postern, 'p499'.replace('499', String(proxies - 1)), ++version)
            deployMs = Math.min(deployMs, performance.now() - began)
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
        }),
      )
    }
    await postern.stop()
    return {
      proxies,
      importSeconds,
      startSeconds,
      emptyStartSeconds,
      memoryMb: memory,
      p99Ms: Math.min(...quiet),
      p99WhileDeployingMs: Math.min(...busy),
      deployMs,
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

/** The lines of `npm run bench`. */
export async function manyProxiesText(proxies: number): Promise<string[]> {
  const row = await manyProxies(proxies)
  return [
    `${row.proxies} proxies imported and deployed one by one in ${row.importSeconds.toFixed(1)} s`,
    `start with all of them ${row.startSeconds.toFixed(2)} s (with none ${row.emptyStartSeconds.toFixed(2)} s), ${row.memoryMb} MB resident, 2 workers`,
    `p99 of another proxy at ${RATE_PER_SECOND} calls a second: ${row.p99Ms.toFixed(2)} ms; while one is deployed again and again ${row.p99WhileDeployingMs.toFixed(2)} ms (best of ${ROUNDS} rounds each)`,
    `import and deployment of one: ${row.deployMs.toFixed(0)} ms (best)`,
  ]
}

/** A proxy is deployed fifty times, every other time broken, under 2,000 calls a second. */
export async function hotDeploymentText(): Promise<string> {
  const target = await Backend.start((_, response) => setTimeout(() => response.end('ok'), 10))
  const postern = await Postern.start([], { workers: 2 })
  try {
    const run = await hotDeployment(postern, target.url, { times: 50, ratePerSecond: 2_000 })
    const rate = Math.round(run.sent / run.seconds)
    return `${run.sent} calls at ${rate} a second, ${run.deployed} deployments, ${run.refused} refused: ${run.wrong.length} calls failed or mixed, p99 ${p99(run.timesMs).toFixed(1)} ms (target 10 ms)`
  } finally {
    await postern.stop()
    await target.stop()
  }
}

if (import.meta.main) {
  for (const line of await manyProxiesText(Number(process.argv[2] ?? 500))) process.stdout.write(`${line}\n`)
  process.stdout.write(`${await hotDeploymentText()}\n`)
}
