// Reverse proxies beside each other by the CPU time that one call costs each (user and system time of all its processes):
// node bench/wire.ts [--peers] [--only ROW,ROW] [--rounds N] [--seconds N] [--together]. The gateway has one CPU, load and upstream another.
// Rounds go over all rows in turn, so that a slow minute of the machine hits all alike; the lowest of a row counts, since noise
// only adds, and how far the median lies above it says how noisy it was. With --together all rows of a workload run at the same
// moment and share the CPUs: on a machine with other work their ratios are worth more than their times.
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPinned, stop, usageOf } from './wire/processes.ts'
import { nginx, prepareRunFolder, type Row, rowsOf, UPSTREAM_PORT, unavailable } from './wire/rows.ts'
import { checkSoon, WORKLOADS, type Workload, wrk } from './wire/workloads.ts'

const GATEWAY_CPU = '0'
const LOAD_CPU = '1'
const WARM_SECONDS = 3

export interface WireOptions {
  /** Installs the peers from npm that are not there yet. */
  readonly peers: boolean
  /** Names of rows; empty: all. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly seconds: number
  /** All rows of a workload at the same moment. */
  readonly together: boolean
  /** Told what is going on. */
  readonly progress: (line: string) => void
}

/** All rounds of one row under one workload. */
interface Series {
  readonly row: Row
  readonly pid: number
  readonly workload: Workload
  readonly cpuUs: number[]
  readonly ratePerSecond: number[]
  readonly p99Ms: number[]
  errors: number
}

/** The tables, as Markdown lines. */
export async function wireTables(options: WireOptions): Promise<string[]> {
  const runFolder = prepareRunFolder()
  const env = { ...process.env, RUN_DIR: runFolder, BENCH_WORKLOADS: 'get1k,get100k,post10k,svc' }
  const children: ChildProcess[] = []
  const leftOut: string[] = []
  const start = async (name: string, command: readonly string[], port: number, cpu: string): Promise<number> => {
    const child = await startPinned(command, port, { cpu, env, log: join(runFolder, 'logs', name) })
    children.push(child)
    return child.pid!
  }
  try {
    await start('upstream', nginx('upstream.conf', runFolder), UPSTREAM_PORT, LOAD_CPU)
    const series: Series[] = []
    for (const row of rowsOf(runFolder)) {
      if (options.only.length > 0 && !options.only.includes(row.name)) continue
      const why = unavailable(row, options.peers)
      if (why !== null) {
        leftOut.push(`${row.name}: ${why}`)
        continue
      }
      try {
        const pid = await start(row.name, row.command, row.port, GATEWAY_CPU)
        series.push(...(await warmed(row, pid, leftOut)))
      } catch (error) {
        leftOut.push(`${row.name}: ${(error as Error).message}`)
      }
    }
    for (let round = 1; round <= options.rounds; round++) {
      options.progress(`round ${round} of ${options.rounds}`)
      if (!options.together) for (const one of series) await measure(one, options.seconds)
      else {
        for (const workload of WORKLOADS) {
          const all = series.filter((one) => one.workload === workload)
          await Promise.all(all.map((one) => measure(one, options.seconds)))
        }
      }
    }
    return tables(series, leftOut, options)
  } finally {
    await Promise.all(children.map(stop))
  }
}

/** The workloads that a row answers as it should, each run once. */
async function warmed(row: Row, pid: number, leftOut: string[]): Promise<Series[]> {
  const series: Series[] = []
  for (const workload of WORKLOADS) {
    if (workload.user !== undefined && (row.name === 'nginx' || row.name === 'floor')) continue
    try {
      await checkSoon(row.port, workload)
      await wrk(row.port, workload, WARM_SECONDS, LOAD_CPU)
      series.push({ row, pid, workload, cpuUs: [], ratePerSecond: [], p99Ms: [], errors: 0 })
    } catch (error) {
      leftOut.push(`${row.name}, ${workload.title}: ${(error as Error).message}`)
    }
  }
  return series
}

async function measure(series: Series, seconds: number): Promise<void> {
  const before = usageOf(series.pid).cpuUs
  const run = await wrk(series.row.port, series.workload, seconds, LOAD_CPU)
  series.cpuUs.push((usageOf(series.pid).cpuUs - before) / Math.max(1, run.calls))
  series.ratePerSecond.push(run.ratePerSecond)
  series.p99Ms.push(run.p99Ms)
  series.errors += run.errors
}

function tables(all: readonly Series[], leftOut: readonly string[], options: WireOptions): string[] {
  const names = [...new Set(all.map((series) => series.row.name))]
  const find = (name: string, workload: Workload): Series | undefined =>
    all.find((series) => series.row.name === name && series.workload === workload)
  const cells = (name: string): string[] => {
    const own = WORKLOADS.map((workload) => find(name, workload))
    const memory = own.find((series) => series !== undefined)
    return [
      name,
      ...own.flatMap((series) => {
        if (series === undefined) return ['', '']
        const base = find(series.workload.base, series.workload)
        const low = Math.min(...series.cpuUs)
        const figure = options.together ? median : (numbers: readonly number[]): number => Math.min(...numbers)
        const ratio = base === undefined ? '' : (figure(series.cpuUs) / figure(base.cpuUs)).toFixed(2)
        return [ratio, `${low.toFixed(1)} / ${median(series.cpuUs).toFixed(1)}`]
      }),
      memory === undefined ? '' : usageOf(memory.pid).memoryMb.toFixed(0),
    ]
  }
  const headings = ['row', ...WORKLOADS.flatMap(({ title, base }) => [`${title} x ${base}`, 'us'] as const), 'RSS MB']
  const speeds = (name: string): string[] => [
    name,
    ...WORKLOADS.flatMap((workload) => {
      const series = find(name, workload)
      return series === undefined
        ? ['', '', '']
        : [median(series.ratePerSecond).toFixed(0), median(series.p99Ms).toFixed(1), String(series.errors)]
    }),
  ]
  const speedHeadings = ['row', ...WORKLOADS.flatMap(({ title }) => [`${title} calls/s`, 'p99 ms', 'errors'] as const)]
  return [
    `CPU per call, lowest / median of ${options.rounds} rounds of ${options.seconds} s${options.together ? ', all at the same moment; ratios of the medians' : ''}; Node ${process.version}`,
    '',
    ...markdown(headings, names.map(cells)),
    '',
    'At saturation (64 connections), medians',
    '',
    ...markdown(speedHeadings, names.map(speeds)),
    ...(leftOut.length === 0 ? [] : ['', ...leftOut.map((line) => `- left out: ${line}`)]),
  ]
}

function markdown(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const alignment = headings.map((_, column) => (column === 0 ? '---' : '---:'))
  return [headings, alignment, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The options of the command line. */
export function wireOptions(args: readonly string[]): WireOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '1' },
      together: { type: 'boolean', default: false },
    },
  })
  return {
    peers: values.peers,
    only: values.only.split(',').filter(Boolean),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    together: values.together,
    progress: (line) => process.stderr.write(`${line}\n`),
  }
}

if (import.meta.main) {
  try {
    for (const line of await wireTables(wireOptions(process.argv.slice(2)))) process.stdout.write(`${line}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
