/** What the host answers to an operation: see `host.ts`. */
type Host = (operation: string, a?: unknown, b?: unknown) => unknown

/** What the guest hands to the host, by name. */
export interface Guest {
  /** Runs script number `index`; JSON of `{pending, session}` or of `{error, stack}`. */
  run(index: number, token: number): string
  /** Gives a finished exchange to the function that waits for it; JSON as `run`. */
  callBack(token: number, id: number): string
  forget(token: number): void
  add(script: (...model: unknown[]) => void, properties: string): void
}

/**
 * The object model that scripts see, written for the inside of the isolate: its text is taken by `toString`, so it may use
 * nothing of this module. Everything that a script does to the call goes through `host`, one primitive at a time.
 * (Apigee: "JavaScript object model".)
 */
export function guest(host: Host): Guest {
  // A script may replace the global one.
  const { parse, stringify } = JSON
  const scripts: { script: (...model: unknown[]) => void; properties: string }[] = []
  const calls = new Map<number, CallState>()

  type OnComplete = (response: unknown, error: unknown) => void

  interface CallState {
    readonly model: unknown[]
    readonly callbacks: Map<number, OnComplete>
    readonly messages: MessageObject[]
    readonly session: Record<string, unknown> | null
    globals: Record<string, unknown>
  }

  // --- time and chance ----------------------------------------------------------------------------------------------

  // A script that waits runs again from the top and must find the same: time stands still between waits.
  let clock: number | null = null
  let seed: number | null = null
  const { random } = Math
  const RealDate = Date
  const now = (): number => clock ?? RealDate.now()

  Math.random = () => {
    if (seed === null) return random()
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  globalThis.Date = new Proxy(RealDate, {
    construct: (_, given, target) => Reflect.construct(RealDate, given.length === 0 ? [now()] : given, target),
    apply: () => new RealDate(now()).toString(),
    get: (all, key) => (key === 'now' ? now : Reflect.get(all, key)),
  })
  RealDate.prototype.constructor = globalThis.Date

  // --- values -------------------------------------------------------------------------------------------------------

  /** JSON behind a NUL is a list or a text; scripts of the Rhino days ask lists for size() and toArray(). */
  function valued(value: unknown): unknown {
    if (typeof value !== 'string' || value.charCodeAt(0) !== 0) return value
    const list = parse(value.slice(1)) as string[] | string
    if (typeof list === 'string') return list
    return Object.defineProperties(list, {
      toString: { value: () => `[${list.join(', ')}]` },
      size: { value: () => list.length },
      get: { value: (i: number) => list[i] },
      toArray: { value: () => list },
    })
  }

  function primitive(value: unknown): unknown {
    if (value === undefined || value === null) return null
    return typeof value === 'object' || typeof value === 'function' ? String(value) : value
  }

  /** One value is text; several are a list that prints as they were sent. */
  function several(json: unknown): unknown {
    const values = parse(json as string) as string[]
    if (values.length < 2) return values[0]
    return Object.defineProperties(values, { toString: { value: () => values.join(', ') } })
  }

  function names(message: string, part: string): string[] {
    return parse(host('names', `${message}.${part}`) as string) as string[]
  }

  /** `headers`, `queryParams`, `formParams` of a message, as a hash. */
  function hash(message: string, part: string): object {
    return new Proxy(
      {},
      {
        get: (_, key) => (typeof key === 'string' ? several(host('part', `${message}.${part}`, key)) : undefined),
        has: (_, key) => typeof key === 'string' && several(host('part', `${message}.${part}`, key)) !== undefined,
        set: (_, key, value) => {
          host('setPart', `${message}.${part}`, stringify([String(key), String(value)]))
          return true
        },
        deleteProperty: (_, key) => {
          host('removePart', `${message}.${part}`, String(key))
          return true
        },
        ownKeys: () => [...new Set(names(message, part))],
        getOwnPropertyDescriptor: (_, key) => {
          const value = typeof key === 'string' ? several(host('part', `${message}.${part}`, key)) : undefined
          return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true }
        },
      },
    )
  }

  // --- messages -----------------------------------------------------------------------------------------------------

  class MessageObject {
    readonly #name: string
    #json: unknown
    #jsonBefore: string | null = null

    constructor(name: string) {
      this.#name = name
    }

    #get(part: string): unknown {
      return valued(host('get', `${this.#name}.${part}`))
    }

    #set(part: string, value: unknown): void {
      host('set', `${this.#name}.${part}`, primitive(value))
    }

    get headers(): object {
      return hash(this.#name, 'header')
    }
    get queryParams(): object {
      return hash(this.#name, 'queryparam')
    }
    get formParams(): object {
      return hash(this.#name, 'formparam')
    }
    get method(): unknown {
      return this.#get('verb')
    }
    set method(value: unknown) {
      this.#set('verb', value)
    }
    get verb(): unknown {
      return this.#get('verb')
    }
    set verb(value: unknown) {
      this.#set('verb', value)
    }
    get uri(): unknown {
      return this.#get('uri')
    }
    set uri(value: unknown) {
      this.#set('uri', value)
    }
    get url(): unknown {
      return this.#get('url') ?? host('get', 'proxy.url')
    }
    set url(value: unknown) {
      host('set', 'target.url', primitive(value))
    }
    get path(): unknown {
      return this.#get('path')
    }
    set path(value: unknown) {
      this.#set('path', value)
    }
    get querystring(): unknown {
      return this.#get('querystring')
    }
    get version(): unknown {
      return this.#get('version')
    }
    get status(): unknown {
      const name = this.#name
      const status = Object(Number(host('get', `${name}.status.code`)))
      return Object.defineProperties(status, {
        code: {
          get: () => host('get', `${name}.status.code`),
          set: (value: unknown) => host('set', `${name}.status.code`, primitive(value)),
        },
        message: {
          get: () => host('get', `${name}.reason.phrase`),
          set: (value: unknown) => host('set', `${name}.reason.phrase`, primitive(value)),
        },
      })
    }
    set status(value: unknown) {
      this.#set('status.code', value)
    }
    get statusCode(): unknown {
      return this.#get('status.code')
    }
    get reasonPhrase(): unknown {
      return this.#get('reason.phrase')
    }
    get content(): unknown {
      return contentOf(String(this.#get('content') ?? ''), (text) => this.#parsed(text))
    }
    set content(value: unknown) {
      this.#jsonBefore = null
      this.#set('content', value)
    }
    get body(): unknown {
      return this.content
    }
    set body(value: unknown) {
      this.content = value
    }

    /** One object for all readers; `writeBack` sends it off again when a script has changed it. */
    #parsed(text: string): unknown {
      if (this.#jsonBefore === null) {
        // Scripts empty a message and then fill it as JSON.
        this.#json = text.trim() === '' ? {} : parse(text)
        this.#jsonBefore = stringify(this.#json)
      }
      return this.#json
    }

    writeBack(): void {
      if (this.#jsonBefore === null) return
      const now = stringify(this.#json)
      if (now !== this.#jsonBefore) this.#set('content', now)
    }
  }

  function contentOf(text: string, json: (text: string) => unknown): object {
    return Object.defineProperties(Object(text), {
      asJSON: { get: () => json(text) },
      asForm: { get: () => formOf(text) },
    })
  }

  function formOf(text: string): Record<string, string> {
    const form: Record<string, string> = {}
    const plain = (part: string): string => decodeURIComponent(part.replace(/\+/g, ' '))
    for (const pair of text.split('&')) {
      const at = pair.indexOf('=')
      if (pair !== '') form[plain(at < 0 ? pair : pair.slice(0, at))] = at < 0 ? '' : plain(pair.slice(at + 1))
    }
    return form
  }

  // --- httpClient ---------------------------------------------------------------------------------------------------

  function OutgoingRequest(
    this: Record<string, unknown>,
    url: string,
    method?: string,
    headers?: object,
    body?: string,
  ) {
    this['url'] = url
    this['method'] = method ?? 'GET'
    this['headers'] = headers ?? {}
    this['body'] = body ?? null
  }

  interface Result {
    readonly complete: boolean
    readonly error?: string
    readonly status?: number
    readonly reason?: string
    readonly headers?: readonly string[]
    readonly body?: string
  }

  class HttpExchange {
    readonly id: number
    constructor(id: number) {
      this.id = id
    }
    #result(): Result {
      return parse(host('result', this.id) as string) as Result
    }
    isComplete(): boolean {
      return this.#result().complete
    }
    isSuccess(): boolean {
      const { complete, error } = this.#result()
      return complete && error === undefined
    }
    isError(): boolean {
      return this.#result().error !== undefined
    }
    waitForComplete(timeoutMs?: number): void {
      host('wait', this.id, typeof timeoutMs === 'number' ? timeoutMs : 0)
      clock = host('clock') as number | null
    }
    getError(): string | undefined {
      return this.#result().error
    }
    getResponse(): object | undefined {
      const { complete, error, status, reason, headers = [], body = '' } = this.#result()
      if (!complete || error !== undefined) return undefined
      const byName: Record<string, string> = {}
      for (let i = 0; i < headers.length; i += 2) byName[headers[i]!.toLowerCase()] ??= headers[i + 1]!
      const content = contentOf(body, parse)
      return {
        status: Object.defineProperties(Object(status), { code: { value: status }, message: { value: reason } }),
        statusCode: status,
        reasonPhrase: reason,
        headers: new Proxy(byName, {
          get: (all, key) => (typeof key === 'string' ? all[key.toLowerCase()] : undefined),
        }),
        content,
        body: content,
      }
    }
    toJSON(): object {
      return { $exchange: this.id }
    }
  }

  function client(state: () => CallState): object {
    const self = {
      get: (url: unknown, onComplete?: OnComplete) => self.send(String(url), onComplete),
      send: (request: unknown, onComplete?: OnComplete) => {
        const given = (typeof request === 'string' ? { url: request } : request) as Record<string, unknown>
        const headers: string[] = []
        const hash = (given['headers'] ?? {}) as Record<string, unknown>
        for (const name of Object.keys(hash)) headers.push(name, String(hash[name]))
        const body = given['body'] === null || given['body'] === undefined ? null : String(given['body'])
        const url = String(given['url'])
        const method = String(given['method'] ?? 'GET')
        const id = host('send', stringify({ url, method, headers, body })) as number
        if (typeof onComplete === 'function') state().callbacks.set(id, onComplete)
        return new HttpExchange(id)
      },
    }
    return self
  }

  // --- crypto -------------------------------------------------------------------------------------------------------

  function hashing(algorithm: string): object {
    let text = ''
    const self = {
      update: (more: unknown) => {
        text += String(more)
        return self
      },
      digest: () => host('hash', `${algorithm}:hex`, text),
      digest64: () => host('hash', `${algorithm}:base64`, text),
    }
    return self
  }

  const crypto = {
    getMD5: () => hashing('md5'),
    getSHA1: () => hashing('sha1'),
    getSHA256: () => hashing('sha256'),
    getSHA512: () => hashing('sha512'),
    getHash: (name: unknown) => hashing(String(name).toLowerCase().replace('-', '')),
    base64Encode: (bytes: unknown) =>
      typeof bytes === 'string' ? host('base64', bytes) : host('base64Bytes', stringify(bytes)),
    base64Decode: (text: unknown) => host('base64Decode', String(text)),
    dateFormat: (format: unknown, zone?: unknown, ms?: unknown) =>
      host('date', stringify([String(format), zone ?? 'UTC', Number(ms ?? Date.now())])),
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  function begin(index: number, token: number): CallState {
    const { properties } = scripts[index]!
    const messages: MessageObject[] = []
    const message = (name: string): MessageObject => {
      const one = new MessageObject(name)
      messages.push(one)
      return one
    }
    const request = message('request')
    const response = message('response')
    const sessionText = host('session') as string | null
    const session =
      sessionText === null
        ? null
        : (parse(sessionText, (_, value) =>
            value !== null && typeof value === 'object' && '$exchange' in value
              ? new HttpExchange(value.$exchange)
              : value,
          ) as Record<string, unknown>)
    const context = {
      flow: host('flow'),
      session: session ?? {},
      proxyRequest: request,
      targetRequest: request,
      proxyResponse: response,
      targetResponse: response,
      getVariable: (name: unknown) => valued(host('get', String(name))),
      setVariable: (name: unknown, value: unknown) => void host('set', String(name), primitive(value)),
      removeVariable: (name: unknown) => void host('remove', String(name)),
    }
    const print = (...parts: unknown[]): void => void host('print', parts.map(String).join(' '))
    const call: CallState = { model: [], callbacks: new Map(), messages, session, globals: {} }
    call.model.push(context, request, response, message('message'), message('error'), parse(properties), print)
    call.model.push(
      crypto,
      client(() => call),
      OutgoingRequest,
    )
    calls.set(token, call)
    return call
  }

  /** Names that a script made without `var` are those of one call. */
  function takeGlobals(call: CallState): void {
    const all = globalThis as Record<string, unknown>
    for (const name of Object.keys(all)) {
      call.globals[name] = all[name]
      delete all[name]
    }
  }

  function attempt(call: CallState, token: number, work: () => void): string {
    try {
      // A run that was ended from outside could not clean up.
      for (const name of Object.keys(globalThis)) delete (globalThis as Record<string, unknown>)[name]
      Object.assign(globalThis, call.globals)
      call.globals = {}
      work()
      for (const message of call.messages) message.writeBack()
      const pending = [...call.callbacks.keys()]
      if (pending.length === 0) calls.delete(token)
      return stringify({ pending, session: call.session === null ? null : stringify(call.session) })
    } catch (error) {
      calls.delete(token)
      const thrown = error as { message?: unknown; name?: unknown; stack?: unknown } | null
      const known = thrown !== null && typeof thrown === 'object' && 'message' in thrown
      const text = known ? `${String(thrown.name)}: ${String(thrown.message)}` : String(error)
      return stringify({ error: text, stack: known ? String(thrown.stack) : '' })
    } finally {
      takeGlobals(call)
    }
  }

  return {
    add: (script, properties) => void scripts.push({ script, properties }),
    run: (index, token) => {
      const call = begin(index, token)
      clock = host('clock') as number | null
      seed = clock === null ? null : (host('seed') as number)
      return attempt(call, token, () => scripts[index]!.script.apply(undefined, call.model))
    },
    callBack: (token, id) => {
      const call = calls.get(token)!
      const onComplete = call.callbacks.get(id)!
      call.callbacks.delete(id)
      clock = seed = null
      const exchange = new HttpExchange(id)
      return attempt(call, token, () => onComplete(exchange.getResponse(), exchange.getError()))
    },
    forget: (token) => void calls.delete(token),
  }
}

/** The names that a script's function has as parameters, in the order of `CallState.model`. */
export const MODEL_NAMES = 'context,request,response,message,error,properties,print,crypto,httpClient,Request'
