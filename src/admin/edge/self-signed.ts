import { generateKeyPair, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { Fields } from '../../catalog/fields.ts'
import type { KeyStoreAlias } from '../../model/entities.ts'
import * as der from './der.ts'

/** What a certificate is to be made of: Edge's JSON for `format=selfsignedcert`. */
export interface CertificateWish {
  readonly alias: string
  readonly keyBits: number
  readonly days: number
  readonly hash: keyof typeof ALGORITHMS
  readonly subject: readonly (readonly [type: string, value: string])[]
  readonly names: readonly string[]
}

/** Attribute types of a subject, by Edge's name (RFC 5280, appendix A.1). */
const SUBJECT = {
  countryCode: '2.5.4.6',
  state: '2.5.4.8',
  locality: '2.5.4.7',
  organization: '2.5.4.10',
  orgUnit: '2.5.4.11',
  commonName: '2.5.4.3',
  email: '1.2.840.113549.1.9.1',
} as const

/** Signature algorithms with RSA, by their hash (RFC 4055). */
const ALGORITHMS = {
  SHA256: '1.2.840.113549.1.1.11',
  SHA384: '1.2.840.113549.1.1.12',
  SHA512: '1.2.840.113549.1.1.13',
} as const

const DAYS_MAX = 36_500
const KEY_BITS_MIN = 2_048
const KEY_BITS_MAX = 4_096

/** Reads the JSON of a client; both spellings of a field are taken, since Edge takes both. Throws CatalogError. */
export function readCertificateWish(body: unknown): CertificateWish {
  const fields = new Fields('Certificate', body)
  const either = (one: string, other: string): string => (fields.has(one) ? one : other)
  const subject = fields.inner('subject')
  const parts = Object.entries(SUBJECT).flatMap(([name, type]) => {
    const value = subject.textOrNull(name)
    return value === null ? [] : [[type, value] as const]
  })
  subject.text('commonName')
  if (subject.has('countryCode')) subject.matching('countryCode', /^[A-Za-z]{2}$/, 'a country code of two letters')
  subject.end()
  const size = either('keySize', 'key_size')
  const days = either('certValidityInDays', 'cert_validity_in_days')
  const algorithm = fields.choice(
    either('sigAlg', 'sig_alg'),
    ['SHA256withRSA', 'SHA384withRSA', 'SHA512withRSA'] as const,
    'SHA256withRSA',
  )
  const names = fields.has('subjectAlternativeDNSNames') ? fields.inner('subjectAlternativeDNSNames') : null
  const wish: CertificateWish = {
    alias: fields.text('alias'),
    keyBits: fields.has(size) ? fields.whole(size, KEY_BITS_MIN, KEY_BITS_MAX) : KEY_BITS_MIN,
    days: fields.has(days) ? fields.whole(days, 1, DAYS_MAX) : 365,
    hash: algorithm.slice(0, 6) as CertificateWish['hash'],
    subject: parts,
    names: names?.texts('subjectAlternativeName') ?? [],
  }
  names?.end()
  fields.end()
  return wish
}

/** Makes an RSA key and a certificate for it that it has signed itself (RFC 5280). */
export async function selfSigned(wish: CertificateWish, nowMs: number): Promise<KeyStoreAlias> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: wish.keyBits })
  const algorithm = der.sequence(der.oid(ALGORITHMS[wish.hash]), der.none())
  const name = der.sequence(
    ...wish.subject.map(([type, value]) => der.set(der.sequence(der.oid(type), valueIn(type, value)))),
  )
  const toBeSigned = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(Buffer.concat([Buffer.from([0x4f]), randomBytes(15)])),
    algorithm,
    name,
    der.sequence(der.time(nowMs), der.time(nowMs + wish.days * 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(wish.names.length === 0 ? [] : [der.tagged(3, der.sequence(alternativeNames(wish.names)))]),
  )
  const certificate = der.sequence(toBeSigned, algorithm, der.bits(sign(wish.hash, toBeSigned, privateKey)))
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    name: wish.alias,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function valueIn(type: string, value: string): Buffer {
  if (type === SUBJECT.countryCode) return der.printable(value.toUpperCase())
  return type === SUBJECT.email ? der.ia5(value) : der.utf8(value)
}

const alternativeNames = (names: readonly string[]): Buffer =>
  der.sequence(der.oid('2.5.29.17'), der.octets(der.sequence(...names.map((one) => der.taggedText(2, one)))))
