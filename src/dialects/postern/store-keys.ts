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

const flag: Shape = { type: 'flag' }
const texts: Shape = { type: 'list', of: text }

const sslKeys: readonly ConfigKey[] = [
  { name: 'enabled', shape: flag, otherwise: 'true', doc: 'false: plain HTTP, as without ssl.' },
  {
    name: 'enforce',
    shape: flag,
    otherwise: 'false',
    doc: 'The certificate must be good, whatever else says otherwise.',
  },
  {
    name: 'clientAuthEnabled',
    shape: flag,
    otherwise: 'false',
    doc: 'Shows the certificate of keyStore and keyAlias.',
  },
  { name: 'keyStore', shape: name, doc: 'Name of a store of this file, or ref://name.' },
  { name: 'keyAlias', shape: name, doc: 'Alias in it.' },
  { name: 'trustStore', shape: name, doc: 'Store of those whose certificates are accepted; else the usual roots.' },
  { name: 'ignoreValidationErrors', shape: flag, otherwise: 'false', doc: 'Accepts any certificate.' },
  { name: 'ciphers', shape: texts, doc: "Ciphers, in OpenSSL's or Java's names." },
  { name: 'protocols', shape: texts, doc: 'TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.' },
  { name: 'commonName', shape: text, doc: "Name that the certificate must bear instead of the host's." },
]

/** Keys of `targetServers` in `postern.yaml`. */
export const targetServerKeys: readonly ConfigKey[] = [
  { name: 'name', shape: name, required: true, doc: 'As Server in LoadBalancer names it.' },
  { name: 'host', shape: text, required: true, doc: 'Host name or address.' },
  { name: 'port', shape: { type: 'whole', min: 1, max: 65_535 }, required: true, doc: 'Port that it listens on.' },
  { name: 'enabled', shape: flag, otherwise: 'true', doc: 'false: it gets no calls.' },
  { name: 'ssl', shape: { type: 'keys', keys: sslKeys }, doc: 'HTTPS; without it plain HTTP.' },
]
