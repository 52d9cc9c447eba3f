import type { MaybePromise } from '../core/async.ts'
import type { BodySource } from '../core/body.ts'
import { Body, type BodyFailure, charsetOf } from './body.ts'
import { codingOf, decoded } from './encoding.ts'
import { Headers } from './headers.ts'
import { Parameters } from './parameters.ts'

export type MessageKind = 'request' | 'response'

/**
 * A request or a response: the client's, the target's, an error, or one that a policy made under a name of its own.
 * A request has verb, path and query; a response has status and reason. Both have headers and a body.
 */
export class Message {
  readonly kind: MessageKind
  headers: Headers
  body: Body
  verb: string
  /** Without query. */
  path: string
  /** The encoded query, without question mark, as long as nobody asked for its parameters. */
  #queryText: string
  #query: Parameters | null
  version: string
  status: number
  reason: string
  /** True once a ServiceCallout with clearPayload has sent it: the next one begins anew unless somebody writes in between. */
  spent: boolean
  #loading: Promise<BodyFailure | undefined> | null = null
  #form: Parameters | null = null
  #formOf: Buffer | string | null = null

  constructor(kind: MessageKind, headers: Headers = new Headers([], true), body: Body = new Body()) {
    this.kind = kind
    this.headers = headers
    this.body = body
    this.verb = 'GET'
    this.path = ''
    this.#queryText = ''
    this.#query = null
    this.version = '1.1'
    this.status = 200
    this.reason = 'OK'
    this.spent = false
  }

  /** A response that is whole from the start. */
  static response(status: number, reason: string, headers: string[], content: Buffer | string | null): Message {
    const message = new Message('response', new Headers(headers, true), new Body(content))
    message.status = status
    message.reason = reason
    return message
  }

  static streaming(kind: MessageKind, headers: readonly string[], source: BodySource | null): Message {
    return new Message(kind, new Headers(headers), new Body(null, source))
  }

  /** The query's parameters; read on the first call. */
  get query(): Parameters {
    this.#query ??= new Parameters(this.#queryText)
    return this.#query
  }

  /** The encoded query, without question mark. */
  get queryText(): string {
    return this.#query === null ? this.#queryText : this.#query.text
  }

  set queryText(text: string) {
    this.#queryText = text
    this.#query = null
  }

  /** Path and query as they go on the wire. */
  get uri(): string {
    const query = this.queryText
    return query === '' ? this.path : `${this.path}?${query}`
  }

  set uri(uri: string) {
    const question = uri.indexOf('?')
    this.path = question < 0 ? uri : uri.slice(0, question)
    this.queryText = question < 0 ? '' : uri.slice(question + 1)
  }

  /** Content as text in the charset that Content-Type names. '' when empty or not loaded. */
  get content(): string {
    return this.body.text(charsetOf(this.headers.get('content-type')))
  }

  set content(text: string) {
    this.body.set(text)
  }

  get bytes(): Buffer {
    return this.body.bytes(charsetOf(this.headers.get('content-type')))
  }

  /**
   * Has the whole body in memory, as a step can read it: `Content-Encoding` undone and its header removed, so that what
   * goes on is what was read. A body that only streams through keeps its coding.
   */
  load(bytesMax: number): MaybePromise<BodyFailure | undefined> {
    if (this.#loading === null && this.body.source === null) return undefined
    this.#loading ??= this.#load(bytesMax)
    return this.#loading
  }

  get isLoading(): boolean {
    return this.#loading !== null
  }

  async #load(bytesMax: number): Promise<BodyFailure | undefined> {
    const failure = (await this.body.load(bytesMax)) ?? (await this.#decode(bytesMax))
    this.#loading = null
    return failure
  }

  async #decode(bytesMax: number): Promise<BodyFailure | undefined> {
    const coding = codingOf(this.headers.get('content-encoding'))
    const content = this.body.content
    if (coding === null || content === null || typeof content === 'string' || content.length === 0) return undefined
    const plain = await decoded(coding, content, bytesMax)
    if (typeof plain === 'string') return plain
    this.body.set(plain)
    this.headers.remove('content-encoding')
    return undefined
  }

  /** True for `application/x-www-form-urlencoded`. */
  get isForm(): boolean {
    const type = this.headers.get('content-type')
    return type !== undefined && /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)
  }

  /** The form parameters of the content; empty when it is no form. Write through `editForm`. */
  get form(): Parameters {
    const content = this.isForm ? this.body.content : null
    if (this.#form === null || this.#formOf !== content) {
      this.#form = new Parameters(content === null ? '' : this.content)
      this.#formOf = content
    }
    return this.#form
  }

  /** Lets `edit` change the form parameters and writes the content again. Sets the form's content type where there is none. */
  editForm(edit: (form: Parameters) => void): void {
    if (!this.isForm) {
      this.headers.set('Content-Type', 'application/x-www-form-urlencoded')
      this.body.set(null)
    }
    const form = this.form
    edit(form)
    this.body.set(form.text)
    this.#formOf = this.body.content
  }
}
