import { createRequire } from 'node:module'
import type { Callback, Isolate, Reference } from 'isolated-vm'
import { guest, MODEL_NAMES } from './guest.ts'

/** What a script may take. Edge gives 200 ms; the memory is ours. */
const MEMORY_MB_MAX = 64
const SHORT_MS = 100

/** Answers what a script asks: an operation and one or two primitives. */
export type ScriptHost = (operation: string, a: unknown, b: unknown) => unknown

/** One part of a script, with the name that its errors show. */
export interface ScriptPart {
  readonly name: string
  readonly text: string
}

/** The script could not be run to its end: too long, too much memory. */
export class SandboxError extends Error {}

const require = createRequire(import.meta.url)

/** The scripts of one policy in an isolate of their own: made at the first call, made again after it was used up. */
export class Sandbox {
  readonly #source: string
  readonly #properties: string
  #opened: Opened | null = null
  #host: ScriptHost | null = null
  #nextToken = 1

  constructor(parts: readonly ScriptPart[], properties: Readonly<Record<string, string>>) {
    this.#source = sourceOf(parts)
    this.#properties = JSON.stringify(properties)
  }

  /** A token names one call in the isolate, for as long as it has callbacks to come. */
  token(): number {
    return this.#nextToken++
  }

  /** @throws SandboxError */
  run(token: number, timeoutMs: number, host: ScriptHost): string {
    return this.#apply('run', [0, token], timeoutMs, host)
  }

  /** @throws SandboxError */
  callBack(token: number, id: number, timeoutMs: number, host: ScriptHost): string {
    return this.#apply('callBack', [token, id], timeoutMs, host)
  }

  forget(token: number): void {
    if (this.#opened === null || this.#opened.isolate.isDisposed) return
    this.#opened.forget.applySync(undefined, [token], { timeout: SHORT_MS })
  }

  #apply(name: 'run' | 'callBack', args: readonly number[], timeoutMs: number, host: ScriptHost): string {
    const opened = this.#open()
    this.#host = host
    try {
      return opened[name].applySync(undefined, [...args], { timeout: timeoutMs }) as string
    } catch (error) {
      const { message } = error as Error
      if (opened.isolate.isDisposed) this.#opened = null
      throw new SandboxError(
        opened.isolate.isDisposed || /memory|allocation/i.test(message)
          ? `it needs more than ${MEMORY_MB_MAX} MB of memory`
          : /timed out/i.test(message)
            ? `it runs longer than ${timeoutMs} ms`
            : message,
      )
    } finally {
      this.#host = null
    }
  }

  #open(): Opened {
    if (this.#opened !== null && !this.#opened.isolate.isDisposed) return this.#opened
    const ivm = require('isolated-vm') as typeof import('isolated-vm')
    const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB_MAX })
    const context = isolate.createContextSync()
    const host: Callback = new ivm.Callback((operation: string, a: unknown, b: unknown) => this.#host!(operation, a, b))
    const inside = context.evalClosureSync(`return (${guest.toString()})($0)`, [host], {
      timeout: SHORT_MS,
      result: { reference: true },
    }) as Reference
    const method = (name: string): Reference => inside.getSync(name, { reference: true }) as Reference
    const script = isolate.compileScriptSync(this.#source, { filename: FILE_NAME })
    const made = script.runSync(context, { timeout: SHORT_MS, reference: true }) as Reference
    method('add').applySync(undefined, [made.derefInto(), this.#properties], { timeout: SHORT_MS })
    this.#opened = { isolate, run: method('run'), callBack: method('callBack'), forget: method('forget') }
    return this.#opened
  }
}

interface Opened {
  readonly isolate: Isolate
  readonly run: Reference
  readonly callBack: Reference
  readonly forget: Reference
}

/** How the one function that the parts make is called in stacks. */
export const FILE_NAME = 'postern-script'

/** The parts as one function body, so that what includes define is there for the script, and gone after the call. */
export function sourceOf(parts: readonly ScriptPart[]): string {
  return `(function(${MODEL_NAMES}){\n${parts.map((part) => part.text).join('\n')}\n})`
}

/** Where line `line` of `sourceOf` comes from. */
export function placeOf(parts: readonly ScriptPart[], line: number): { name: string; line: number } | null {
  let first = 2
  for (const { name, text } of parts) {
    const lines = text.split('\n').length
    if (line < first + lines) return line < first ? null : { name, line: line - first + 1 }
    first += lines
  }
  return null
}
