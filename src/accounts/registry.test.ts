import { describe, expect, it } from 'vitest'
import { CounterKeys } from '../core/counter-keys.ts'
import { type Application, bareService } from '../model/service.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { Directory } from './directory.ts'
import { type FileAccounts, Registry, RegistryError } from './registry.ts'

const nothing: FileAccounts = { services: [], accounts: [], applications: [] }
const service = { ...bareService('42', 'api', 'API'), providerKey: 'pk' }
const application: Application = {
  id: '7',
  accountId: 'a',
  serviceId: '42',
  planId: '1',
  name: '',
  description: '',
  state: 'live',
  appId: null,
  userKey: 'uk',
  keys: [],
  referrerFilters: [],
  redirectUrl: null,
  createdAtMs: 0,
  updatedAtMs: 0,
}
const files: FileAccounts = { services: [service], accounts: [], applications: [application] }

function open(documents: MemoryDocuments, of: FileAccounts) {
  const directory = new Directory(documents, new CounterKeys(1, 2))
  const registry = new Registry({ store: documents, now: () => 1, changed: async () => directory.forget() }, of)
  return { registry, directory }
}

describe('the registry of accounts', () => {
  it('what a file names is found by threads, belongs to the file, and goes with it', async () => {
    const documents = new MemoryDocuments()
    const { registry, directory } = open(documents, files)
    expect(directory.byUserKey('42', 'uk')?.application.id).toBe('7')
    expect([...directory.servicesOfProvider('pk')]).toEqual(['42'])
    await expect(registry.putService('42', () => service)).rejects.toMatchObject({ reason: 'owned-by-file' })
    const without = open(documents, nothing)
    expect([without.directory.service('42'), without.directory.byUserKey('42', 'uk')]).toEqual([null, null])
    expect([...without.directory.servicesOfProvider('pk')]).toEqual([])
  })

  it('keeps what an API made, over a restart, and gives new ids', async () => {
    const documents = new MemoryDocuments()
    const { registry } = open(documents, nothing)
    await registry.putService('42', () => service)
    await registry.putApplication('7', () => application)
    const again = open(documents, nothing)
    expect(again.registry.applications).toEqual([application])
    expect(Number(again.registry.nextId())).toBeGreaterThan(42)
    expect(again.directory.byUserKey('42', 'uk')?.service.service.systemName).toBe('api')
  })

  it('gives no id twice, whatever it was for and whether it is still there', () => {
    const documents = new MemoryDocuments()
    const { registry } = open(documents, nothing)
    const given = [registry.nextId(), registry.nextId()]
    const again = open(documents, nothing).registry.nextId()
    expect(given).not.toContain(again)
    expect(Number(again)).toBe(Number(given[1]) + 1)
  })

  it('two applications of a service cannot share a key; a changed key is found, the old one not', async () => {
    const { registry, directory } = open(new MemoryDocuments(), nothing)
    await registry.putService('42', () => service)
    await registry.putApplication('7', () => application)
    const twin = registry.putApplication('8', () => ({ ...application, id: '8' }))
    await expect(twin).rejects.toBeInstanceOf(RegistryError)
    expect(registry.application('8')).toBeNull()
    await registry.putApplication('7', (before) => ({ ...before!, userKey: 'new' }))
    expect([directory.byUserKey('42', 'uk'), directory.byUserKey('42', 'new')?.application.id]).toEqual([null, '7'])
  })

  it('the first service of a provider key is its default; a service goes with its applications', async () => {
    const { registry, directory } = open(new MemoryDocuments(), files)
    await registry.putService('43', () => ({ ...bareService('43', 'second', ''), providerKey: 'pk' }))
    expect([...directory.servicesOfProvider('pk')]).toEqual(['42', '43'])
    await registry.putApplication('9', () => ({ ...application, id: '9', serviceId: '43' }))
    await registry.removeService('43')
    expect([registry.application('9'), directory.byUserKey('43', 'uk')]).toEqual([null, null])
  })

  it('a change that cannot be kept changes nothing', async () => {
    const documents = new MemoryDocuments()
    const { registry } = open(documents, nothing)
    documents.write = () => {
      throw new Error('the disk is full')
    }
    await expect(registry.putService('42', () => service)).rejects.toThrow('the disk is full')
    expect(registry.services).toEqual([])
  })
})
