// Parameters as Rack reads them: `transactions[0][usage][hits]=1` becomes hashes in hashes, `a[]=1` a list.

/** A text, a list, or a hash. Null: a name without a value. */
export type Param = string | null | Param[] | Params
export type Params = Map<string, Param>

export const PARAMETERS_MAX = 4096
export const QUERY_BYTES_MAX: number = 4 * 1024 * 1024
const DEPTH_MAX = 32

/** The parameters cannot be read at all: a 400 with this text. */
export class QueryError extends Error {}

export const SYNTAX = 'request contains syntax errors, should not be repeated without modification'

/** What was read, and whether all of it was UTF-8. */
export interface ParsedQuery {
  readonly params: Params
  readonly isUtf8: boolean
}

/** Reads texts (query string, form) one after the other into one hash; latin1 texts stand for bytes. Throws QueryError. */
export class QueryReader {
  readonly params: Params = new Map()
  isUtf8 = true
  #count = 0

  read(text: string): void {
    if (text === '') return
    if (text.length > QUERY_BYTES_MAX) throw new QueryError('total query size exceeds limit')
    const count = separators(text) + 1
    this.#count += count
    if (count > PARAMETERS_MAX) {
      throw new QueryError(`total number of query parameters (${count}) exceeds limit (${PARAMETERS_MAX})`)
    }
    for (const pair of text.split('&')) {
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = this.#decode(equals < 0 ? pair : pair.slice(0, equals))
      this.add(name, equals < 0 ? null : this.#decode(pair.slice(equals + 1)))
    }
  }

  /** One field of a multipart form, or a decoded pair. */
  add(name: string, value: string | null): void {
    put(this.params, name, value, 0)
  }

  /** Bytes (as latin1) that are text already: no escapes. */
  text(bytes: string): string {
    if (!/[\x80-\xff]/.test(bytes)) return bytes
    const text = Buffer.from(bytes, 'latin1').toString('utf8')
    if (text.includes('\ufffd') && !bytes.includes('\xef\xbf\xbd')) this.isUtf8 = false
    return text
  }

  #decode(text: string): string {
    if (!/[%+\x80-\xff]/.test(text)) return text
    if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new QueryError('Invalid query parameters: invalid %-encoding')
    const bytes = text
      .replaceAll('+', ' ')
      .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    return this.text(bytes)
  }
}

function separators(text: string): number {
  let count = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) count++
  return count
}

/** Rack's `normalize_params`. */
function put(params: Params, name: string, value: string | null, depth: number): void {
  if (depth >= DEPTH_MAX) throw new QueryError(SYNTAX)
  const match = /^[[\]]*([^[\]]+)\]*/.exec(name)
  if (match === null) return
  const key = match[1]!
  const after = name.slice(match[0].length)
  if (after === '') {
    params.set(key, value)
    return
  }
  if (after === '[') {
    params.set(name, value)
    return
  }
  if (after === '[]') {
    listAt(params, key).push(value)
    return
  }
  const child = /^\[\]\[([^[\]]+)\]$/.exec(after)?.[1] ?? /^\[\](.+)$/s.exec(after)?.[1]
  if (child !== undefined) {
    const list = listAt(params, key)
    let last = list.at(-1)
    if (!(last instanceof Map) || has(last, child)) {
      last = new Map()
      list.push(last)
    }
    put(last, child, value, depth + 1)
    return
  }
  let hash = params.get(key)
  if (hash === undefined) {
    hash = new Map()
    params.set(key, hash)
  }
  if (!(hash instanceof Map)) throw new QueryError(SYNTAX)
  put(hash, after, value, depth + 1)
}

function listAt(params: Params, key: string): Param[] {
  let list = params.get(key)
  if (list === undefined) {
    list = []
    params.set(key, list)
  }
  if (!Array.isArray(list)) throw new QueryError(SYNTAX)
  return list
}

/** Rack's `params_hash_has_key?`: follows the brackets of the name. */
function has(hash: Params, name: string): boolean {
  if (name.includes('[]')) return false
  let at: Param | undefined = hash
  for (const part of name.split(/[[\]]+/)) {
    if (part === '') continue
    if (!(at instanceof Map)) return false
    at = at.get(part)
    if (at === undefined) return false
  }
  return true
}
