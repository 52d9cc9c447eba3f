import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { problemLine } from '../../model/problem.ts'
import { CLIENT_CERT as CERT, CLIENT_KEY as KEY } from '../../wire/test-certificates.ts'
import { readPosternYaml } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-stores-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

writeFileSync(join(folder, 'client.pem'), CERT)
writeFileSync(join(folder, 'broken.pem'), '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n')
writeFileSync(join(folder, 'client.key'), KEY)

function read(text: string) {
  const noBundle = (path: string) => ({ draft: null, sharedFlow: null, problems: [], base: path })
  const { config, problems } = readPosternYaml(`version: 1\n${text}`, join(folder, 'postern.yaml'), {}, noBundle)
  return { entities: config?.settings.entities, lines: problems.map(problemLine).join('\n') }
}

test('stores with their files, and references to them', () => {
  const { entities, lines } = read(`keyStores:
  - {name: backends, aliases: [{name: client, certFile: ./client.pem, keyFile: ./client.key}]}
  - {name: roots, aliases: [{name: ca, certFile: ./client.pem}]}
references: [{name: r, refers: roots, resourceType: TrustStore}]
`)
  expect(lines).toBe('')
  expect(entities?.keyStores).toEqual([
    { name: 'backends', aliases: [{ name: 'client', cert: CERT, key: KEY }] },
    { name: 'roots', aliases: [{ name: 'ca', cert: CERT, key: null }] },
  ])
  expect(entities?.references).toEqual([{ name: 'r', refers: 'roots', resourceType: 'TrustStore' }])
})

test.each([
  ['keyStores: [{name: a, aliases: [{name: c, certFile: ./none.pem}]}]', 'Unreadable: ./none.pem cannot be read'],
  [
    'keyStores: [{name: a, aliases: [{name: c, certFile: ./client.key}]}]',
    'holds no PEM block of the kind CERTIFICATE',
  ],
  [
    'keyStores: [{name: a, aliases: [{name: c, certFile: ./client.pem, keyFile: ./client.pem}]}]',
    'holds no PEM block of the kind PRIVATE KEY',
  ],
  [
    'keyStores: [{name: a, aliases: [{name: c, certFile: ./broken.pem}]}]',
    'BadValue: ./broken.pem holds a certificate that cannot be read',
  ],
  ['keyStores: [{name: a, aliases: []}, {name: a, aliases: []}]', 'DuplicateName: a store called a is there already'],
  ['references: [{name: r, refers: none}]', 'UnknownReference: no store of this file is called none'],
])('%s', (text, line) => {
  const { lines } = read(text)
  expect(lines).toContain(line)
  expect(lines).not.toContain('MII')
})
