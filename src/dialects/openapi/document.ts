/** An OpenAPI 3 or Swagger 2 document as plain data, with its local references followed. */
export type Json = Readonly<Record<string, unknown>>

const REFERENCES_MAX = 20

export class OpenApiDocument {
  readonly root: Json
  /** 2 or 3. */
  readonly version: number

  constructor(root: Json) {
    this.root = root
    this.version = typeof root['swagger'] === 'string' || typeof root['swagger'] === 'number' ? 2 : 3
  }

  get title(): string {
    return text(object(this.root['info'])['title']) || 'api'
  }

  /** Follows `$ref` inside the document; null: it leads nowhere, out of the document or in a circle. */
  follow(value: unknown): Json | null {
    let now = value
    for (let i = 0; i < REFERENCES_MAX; i++) {
      const one = object(now)
      const reference = one['$ref']
      if (reference === undefined) return one
      if (typeof reference !== 'string' || !reference.startsWith('#/')) return null
      now = this.#at(reference.slice(2).split('/'))
      if (now === undefined) return null
    }
    return null
  }

  #at(parts: readonly string[]): unknown {
    let now: unknown = this.root
    for (const part of parts) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!isObject(now) || !Object.hasOwn(now, name)) return undefined
      now = now[name]
    }
    return now
  }

  /** Where the APIs are behind the gateway: scheme and authority, and the path before theirs. Null: it is not said. */
  get server(): { readonly protocol: 'HTTP' | 'HTTPS'; readonly authority: string; readonly basePath: string } | null {
    if (this.version === 2) {
      const authority = text(this.root['host'])
      const basePath = text(this.root['basePath']).replace(/\/$/, '')
      const schemes = list(this.root['schemes']).map(text)
      if (authority === '') return null
      return {
        protocol: schemes.includes('http') && !schemes.includes('https') ? 'HTTP' : 'HTTPS',
        authority,
        basePath,
      }
    }
    const server = object(list(this.root['servers'])[0])
    const url = text(server['url']).replace(/\{([^{}]+)\}/g, (_, name: string) =>
      text(object(object(server['variables'])[name])['default']),
    )
    const match = /^(https?):\/\/([^\s/?#@\\]+)(\/[^\s?#]*)?$/i.exec(url)
    if (match === null) return null
    return {
      protocol: match[1]!.toLowerCase() === 'http' ? 'HTTP' : 'HTTPS',
      authority: match[2]!,
      basePath: (match[3] ?? '').replace(/\/$/, ''),
    }
  }
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const object = (value: unknown): Json => (isObject(value) ? value : {})
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** Undefined fields are as if they were not there. */
export const without = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
