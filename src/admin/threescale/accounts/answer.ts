/** Entities as porta shows them: by name of the type, with their fields; as JSON or XML. */

export type Field = string | number | boolean | null | Entity | List | readonly string[] | object

export interface Entity {
  readonly type: string
  readonly fields: Readonly<Record<string, Field>>
}

export interface List {
  /** `services` */
  readonly list: string
  readonly items: readonly Entity[]
  /** When there is more than one page. */
  readonly page?: Page
}

export interface Page {
  readonly per_page: number
  readonly total_entries: number
  readonly total_pages: number
  readonly current_page: number
}

/** What a call answers. `body` null: empty. */
export interface Answer {
  readonly status: number
  readonly body: Entity | List | object | null
}

export const ok = (body: Entity | List | object): Answer => ({ status: 200, body })
export const created = (body: Entity): Answer => ({ status: 201, body })
export const gone: Answer = { status: 200, body: null }

export const isEntity = (value: unknown): value is Entity =>
  typeof value === 'object' && value !== null && 'type' in value && 'fields' in value
export const isList = (value: unknown): value is List =>
  typeof value === 'object' && value !== null && 'list' in value && 'items' in value

export function toJson(body: Entity | List | object): unknown {
  if (isEntity(body)) return { [body.type]: jsonFields(body) }
  if (!isList(body)) return body
  const { list, items, page } = body
  return { ...(page !== undefined && { metadata: page }), [list]: items.map(toJson) }
}

function jsonFields({ fields }: Entity): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isEntity(value) || isList(value) ? toJson(value) : value]),
  )
}

export function toXml(body: Entity | List | object): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${isEntity(body) || isList(body) ? xmlOf(body) : element('result', body)}`
}

function xmlOf(body: Entity | List): string {
  if (isEntity(body)) {
    const inner = Object.entries(body.fields).map(([name, value]) =>
      name === 'links' ? '' : isEntity(value) || isList(value) ? xmlOf(value) : element(name, value),
    )
    return `<${body.type}>${inner.join('')}</${body.type}>`
  }
  const { list, items, page } = body
  const attributes = Object.entries(page ?? {}).map(([name, value]) => ` ${name}="${value}"`)
  return `<${list}${attributes.join('')}>${items.map(xmlOf).join('')}</${list}>`
}

function element(name: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return `<${name}/>`
  if (Array.isArray(value)) return `<${name}>${value.map((item) => element('item', item)).join('')}</${name}>`
  if (typeof value === 'object') {
    const inner = Object.entries(value).map(([key, item]) => element(key.replace(/[^\w.-]/g, '_'), item))
    return `<${name}>${inner.join('')}</${name}>`
  }
  return `<${name}>${escaped(String(value))}</${name}>`
}

const escaped = (text: string): string =>
  text
    .replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
