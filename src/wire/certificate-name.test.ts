import type { PeerCertificate } from 'node:tls'
import { expect, test } from 'vitest'
import { bearsName } from './certificate-name.ts'

test.each([
  ['a.example.com', false, '*.example.com', false],
  ['a.example.com', true, '*.example.com', true],
  ['b.a.example.com', true, '*.example.com', false],
  ['*.example.com', false, '*.example.com', true],
  ['localhost', true, '*.localhost', false],
])('%s, wildcardMatch %s, certificate for %s: %s', (value, wildcardMatch, name, good) => {
  const certificate = { subject: { CN: 'x' }, subjectaltname: `DNS:y, DNS:${name}` } as PeerCertificate
  expect(bearsName({ value, wildcardMatch })('host', certificate) === undefined).toBe(good)
})

test('a certificate without any name', () => {
  const certificate = {} as PeerCertificate
  expect(bearsName({ value: 'a', wildcardMatch: true })('a', certificate)).toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
})
