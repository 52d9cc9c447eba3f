import type { ConfigKey, Shape } from './shape.ts'

const text: Shape = { type: 'text' }
const name: Shape = { type: 'text', charactersMax: 255 }

const aliasKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: 'As KeyAlias refers to it.' },
  { name: 'certFile', shape: text, required: true, doc: 'PEM: the certificate first, then its chain.' },
  {
    name: 'keyFile',
    shape: text,
    otherwise: 'none: a certificate to trust',
    doc: 'PEM: its private key, unencrypted.',
  },
]

/** Keys of `keyStores` in `postern.yaml`. */
export const keyStoreKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: 'As KeyStore and TrustStore refer to it.' },
  {
    name: 'aliases',
    shape: { type: 'list', of: { type: 'keys', keys: aliasKeys } },
    required: true,
    doc: 'What is in it; paths are relative to this file.',
  },
]

/** Keys of `references` in `postern.yaml`. */
export const referenceKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: 'Written as ref://name.' },
  { name: 'refers', shape: name, required: true, doc: 'The store that it stands for.' },
  {
    name: 'resourceType',
    shape: { type: 'choice', of: ['KeyStore', 'TrustStore'] },
    otherwise: 'KeyStore',
    doc: 'What kind of store that is.',
  },
]
