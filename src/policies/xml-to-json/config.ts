import type { ConversionConfig } from '../../engine/conversion.ts'

/** How a tree becomes JSON. Names that are null are not used. */
export interface Options {
  readonly recognizeNumber: boolean
  readonly recognizeBoolean: boolean
  readonly recognizeNull: boolean
  /** Of empty elements, when nulls are recognized; null: the JSON null. */
  readonly nullValue: string | null
  /** Null: names lose their prefix. */
  readonly namespaceSeparator: string | null
  /** Null: declarations of namespaces are left out. */
  readonly namespaceBlock: string | null
  readonly defaultNamespace: string
  readonly textAlways: boolean
  readonly textName: string
  readonly attributeBlock: string | null
  readonly attributePrefix: string
  readonly outputPrefix: string
  readonly outputSuffix: string
  readonly stripLevels: number
  readonly arrays: readonly ArrayPath[]
}

/** Elements that are an array even when there is one. */
export interface ArrayPath {
  readonly path: readonly string[]
  /** The array takes the place of the element around it. */
  readonly unwrap: boolean
}

export interface Config extends ConversionConfig {
  readonly options: Options
}

export const DEFAULTS: Options = {
  recognizeNumber: false,
  recognizeBoolean: false,
  recognizeNull: false,
  nullValue: null,
  namespaceSeparator: null,
  namespaceBlock: null,
  defaultNamespace: '$default',
  textAlways: false,
  textName: '#text',
  attributeBlock: null,
  attributePrefix: '',
  outputPrefix: '',
  outputSuffix: '',
  stripLevels: 0,
  arrays: [],
}

/** The ready-made sets of options that Format names. */
export const FORMATS: Readonly<Record<string, Options>> = {
  'xml.com': { ...DEFAULTS, recognizeNull: true, textName: '#text', attributePrefix: '@' },
  yahoo: { ...DEFAULTS, recognizeNumber: true, textName: 'content' },
  google: { ...DEFAULTS, textName: '$t', namespaceSeparator: '$', textAlways: true },
  badgerFish: {
    ...DEFAULTS,
    textName: '$',
    textAlways: true,
    attributePrefix: '@',
    namespaceSeparator: ':',
    namespaceBlock: '@xmlns',
    defaultNamespace: '$',
  },
}
