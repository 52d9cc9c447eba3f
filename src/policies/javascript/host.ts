import { createHash, randomInt } from 'node:crypto'
import type { Exchange, Phase } from '../../engine/exchange.ts'
import { isHeaderName } from '../../engine/headers.ts'
import { formatDate } from '../../engine/language/date-format.ts'
import type { Value } from '../../engine/language/value.ts'
import { toText } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import type { Outbound } from '../../engine/policy.ts'
import { compileMessage, type Variable } from '../../engine/variables.ts'
import { CALLS_MAX, outgoing, ScriptCall, type ScriptSession, sessionOf } from './exchanges.ts'

/** Unwinds a script that waits; it is run again, with the same answers, when there is something to go on with. */
export class Waiting extends Error {}

interface Wait {
  readonly call: ScriptCall
  readonly timeoutMs: number
}

interface Entry {
  readonly question: string
  readonly answer: unknown
}

const FLOWS: Readonly<Record<Phase, string>> = {
  'proxy-request': 'PROXY_REQ_FLOW',
  'target-request': 'TARGET_REQ_FLOW',
  'target-response': 'TARGET_RESP_FLOW',
  'proxy-response': 'PROXY_RESP_FLOW',
  'post-client': 'PROXY_POST_RESP_FLOW',
}

/** Answers that are kept for a script that may wait. */
const ANSWERS_MAX = 100_000
const PRINTED_CHARS_MAX = 16_384

/**
 * One call's side of a script: does what the script asks. Where the script may wait, each question and its answer are
 * written down, so that a second run from the top gets the same answers and has no effect twice.
 */
export class Host {
  wait: Wait | null = null
  readonly session: ScriptSession
  readonly #x: Exchange
  readonly #outbound: Outbound
  readonly #variable: (name: string) => Variable
  readonly #journal: Entry[] | null
  readonly #usesSession: boolean
  #at = 0
  #callingBack = false
  #printed = ''

  constructor(
    x: Exchange,
    outbound: Outbound,
    variable: (name: string) => Variable,
    mayWait: boolean,
    usesSession: boolean,
  ) {
    this.#x = x
    this.#outbound = outbound
    this.#variable = variable
    this.session = sessionOf(x)
    this.#journal = mayWait ? [] : null
    this.#usesSession = usesSession
  }

  /** What the script printed. */
  get printed(): string {
    return this.#printed
  }

  /** The script begins anew, with the answers that it had. */
  rewind(): void {
    this.wait = null
    this.#at = 0
  }

  /** From here on only callbacks run: they find what is there and wait for nothing. */
  callBacks(): void {
    this.#callingBack = true
  }

  readonly answer = (operation: string, a: unknown, b: unknown): unknown => {
    // A script that catches the signal goes on in vain.
    if (this.wait !== null) throw new Waiting()
    const journal = this.#journal
    if (journal === null || this.#callingBack) return this.#do(operation, a, b)
    const question = `${operation} ${a}`
    const known = journal[this.#at]
    if (known !== undefined) {
      if (known.question !== question) throw new Error('the script does not do the same twice, so it cannot wait')
      this.#at++
      return known.answer
    }
    if (journal.length >= ANSWERS_MAX) throw new Error(`a script that waits may ask at most ${ANSWERS_MAX} times`)
    const answer = this.#do(operation, a, b)
    journal.push({ question, answer })
    this.#at++
    return answer
  }

  #do(operation: string, a: unknown, b: unknown): unknown {
    const does = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined
    if (does === undefined) throw new Error(`no operation ${operation}`)
    return does(this, String(a), b)
  }

  get x(): Exchange {
    return this.#x
  }

  variable(name: string): Variable {
    return this.#variable(name)
  }

  print(text: string): void {
    this.#printed = `${this.#printed}${text}\n`.slice(0, PRINTED_CHARS_MAX)
  }

  /** For scripts that may wait, whose second run must take the same way as the first; null: time and chance are real. */
  same(value: number): number | null {
    return this.#journal === null || this.#callingBack ? null : value
  }

  sessionJson(): string | null {
    return this.#usesSession ? this.session.json : null
  }

  send(json: string): number {
    const { calls } = this.session
    if (calls.length >= CALLS_MAX) throw new Error(`one message may call at most ${CALLS_MAX} times`)
    return calls.push(new ScriptCall(this.#outbound.call(this.#x, outgoing(json)))) - 1
  }

  waitFor(id: number, timeoutMs: number): null {
    const call = this.session.calls[id]!
    if (call.answer !== null || this.#callingBack) return null
    this.wait = { call, timeoutMs }
    // The answer to this question is written down when the time of waiting is over.
    throw new Waiting()
  }

  /** The wait is over, with or without an answer. */
  waited(): void {
    this.#journal!.push({ question: `wait ${this.session.calls.indexOf(this.wait!.call)}`, answer: null })
  }
}

type Operation = (host: Host, a: string, b: unknown) => unknown

/** What a script can ask of the call; the guest knows them by name. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  get: (host, name) => forGuest(host.variable(name).get(host.x)),
  set: (host, name, value) => void host.variable(name).set(host.x, value as Value),
  remove: (host, name) => void host.variable(name).set(host.x, null),
  part: ({ x }, path, key) => {
    const { message, list } = partOf(x, path)
    return JSON.stringify(message === null ? [] : list!.all(message, String(key)))
  },
  names: ({ x }, path) => {
    const { message, list } = partOf(x, path)
    return JSON.stringify(message === null ? [] : list!.names(message))
  },
  setPart: ({ x }, path, json) => {
    const [key, value] = JSON.parse(String(json)) as [string, string]
    const { message, list } = partOf(x, path)
    if (message !== null) list!.set(message, key, value)
  },
  removePart: ({ x }, path, key) => {
    const { message, list } = partOf(x, path)
    if (message !== null) list!.remove(message, String(key))
  },
  clock: (host) => host.same(Date.now()),
  seed: (host) => host.same(randomInt(0x1_0000_0000)),
  flow: ({ x }) => FLOWS[x.phase],
  session: (host) => host.sessionJson(),
  print: (host, text) => host.print(text),
  send: (host, json) => host.send(json),
  wait: (host, id, timeoutMs) => host.waitFor(Number(id), Number(timeoutMs)),
  result: (host, id) => host.session.calls[Number(id)]!.json,
  hash: (_, how, text) => {
    const [algorithm, encoding] = how.split(':') as [string, 'hex' | 'base64']
    return createHash(algorithm).update(String(text)).digest(encoding)
  },
  base64: (_, text) => Buffer.from(text).toString('base64'),
  base64Bytes: (_, json) => Buffer.from(JSON.parse(json) as number[]).toString('base64'),
  base64Decode: (_, text) => Buffer.from(text, 'base64').toString('utf8'),
  date: (_, json) => {
    const [format, zone, ms] = JSON.parse(json) as [string, string, number]
    const text = formatDate(format, ms, /^(utc|gmt)$/i.test(zone))
    if (text === null) throw new Error(`"${format}" is no date format`)
    return text
  },
}

/** Only primitives go in: messages as their content; lists, and texts that begin with a NUL, as JSON behind a NUL. */
function forGuest(value: Value): unknown {
  if (Array.isArray(value)) return `\u0000${JSON.stringify(value)}`
  if (value === null || (typeof value !== 'object' && typeof value !== 'string')) return value
  const text = value instanceof Message ? value.content : toText(value)
  return text?.charCodeAt(0) === 0 ? `\u0000${JSON.stringify(text)}` : text
}

interface List {
  all(message: Message, key: string): string[]
  names(message: Message): string[]
  set(message: Message, key: string, value: string): void
  remove(message: Message, key: string): void
}

const LISTS: Readonly<Record<string, List>> = {
  header: {
    all: (message, key) => message.headers.all(key.toLowerCase()),
    names: (message) => message.headers.names(),
    set: (message, key, value) => {
      if (!isHeaderName(key)) throw new Error(`${JSON.stringify(key)} is not a header name`)
      message.headers.set(key, value)
    },
    remove: (message, key) => message.headers.remove(key.toLowerCase()),
  },
  queryparam: {
    all: (message, key) => message.query.all(key),
    names: (message) => message.query.names(),
    set: (message, key, value) => message.query.set(key, value),
    remove: (message, key) => message.query.remove(key),
  },
  formparam: {
    all: (message, key) => message.form.all(key),
    names: (message) => message.form.names(),
    set: (message, key, value) => message.editForm((form) => form.set(key, value)),
    remove: (message, key) => message.editForm((form) => form.remove(key)),
  },
}

function partOf(x: Exchange, path: string): { message: Message | null; list: List | undefined } {
  const dot = path.lastIndexOf('.')
  const value = compileMessage(path.slice(0, dot)).get(x)
  return { message: value instanceof Message ? value : null, list: LISTS[path.slice(dot + 1)] }
}
