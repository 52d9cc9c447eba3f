/** Configurations of APIcast's own policies, as its reader leaves them: checked, plain data. The kinds that run them have these names. */

export const APICAST_HEADERS = 'apicast.headers'
export const APICAST_URL_REWRITING = 'apicast.url_rewriting'
export const APICAST_UPSTREAM = 'apicast.upstream'
export const APICAST_CORS = 'apicast.cors'
export const APICAST_IP_CHECK = 'apicast.ip_check'
export const APICAST_MAINTENANCE_MODE = 'apicast.maintenance_mode'
export const APICAST_TARGET = 'apicast.target'

/** One change of a header or query parameter. */
export interface NamedCommand {
  /** `add`: only where it is; `set`: replaced or made; `push`: one more value; `delete`. */
  readonly op: 'add' | 'set' | 'push' | 'delete'
  readonly name: string
  readonly value: string
}

/** Headers of the request, or of the answer: the policy stands once in each flow. */
export interface HeadersConfig {
  readonly commands: readonly NamedCommand[]
}

export interface UrlRewritingConfig {
  readonly commands: readonly {
    /** `sub`: the first match. */
    readonly op: 'sub' | 'gsub'
    readonly regex: string
    readonly replace: string
    readonly ignoreCase: boolean
    /** No later command runs when this one has changed something. */
    readonly break: boolean
    /** Empty: all. */
    readonly methods: readonly string[]
  }[]
  readonly queryCommands: readonly NamedCommand[]
}

export interface UpstreamConfig {
  /** The first whose pattern is found in the path says where the call goes. */
  readonly rules: readonly { readonly regex: string; readonly url: string }[]
}

export interface CorsConfig {
  /** Null: those that are asked for. */
  readonly allowHeaders: readonly string[] | null
  readonly allowMethods: readonly string[] | null
  /** Null: the one that asks. */
  readonly allowOrigin: string | null
  readonly allowCredentials: boolean
  readonly maxAge: number | null
}

export interface IpCheckConfig {
  readonly allows: boolean
  /** Addresses and networks, `10.0.0.0/8`. */
  readonly ips: readonly string[]
  readonly message: string
  /** Asked in this order. */
  readonly sources: readonly ('X-Forwarded-For' | 'X-Real-IP' | 'last_caller')[]
}

export interface MaintenanceModeConfig {
  readonly status: number
  readonly message: string
  readonly contentType: string
}

/** What goes to the API with every call. */
export interface TargetConfig {
  /** '': none. */
  readonly secretToken: string
}
