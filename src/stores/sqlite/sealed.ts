import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Documents } from '../../catalog/ports.ts'
import { DataFolderError, makeFolder } from './database.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What every sealed body begins with; neither JSON nor a zip does. */
const MARK = Buffer.from('PSL1')

/**
 * The same documents with every body sealed: private keys, secrets of apps, values of key value maps and bundles are not to be read from
 * the file, and one that was changed or moved is found out. Names (kind and key) stay readable. AES-256-GCM, a nonce for each body,
 * bound to its name. Bodies that an earlier version wrote unsealed are read as they are and sealed when they are written again.
 */
export function sealed(documents: Documents, key: Buffer): Documents {
  return {
    ...documents,
    read(kind, name) {
      const body = documents.read(kind, name)
      return body === null ? null : unsealed(key, kind, name, Buffer.from(body))
    },
    write(changes, nowMs) {
      const closed = changes.map((change) =>
        change.body === null ? change : { ...change, body: seal(key, change.kind, change.key, change.body) },
      )
      documents.write(closed, nowMs)
    },
  }
}

function seal(key: Buffer, kind: string, name: string, body: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(boundTo(kind, name))
  const text = Buffer.concat([cipher.update(body), cipher.final()])
  return Buffer.concat([MARK, nonce, cipher.getAuthTag(), text])
}

/** A body as it was before it was sealed; one that never was, as it is. Throws DataFolderError for one of another key. */
export function unsealed(key: Buffer, kind: string, name: string, body: Buffer): Buffer {
  if (!body.subarray(0, MARK.length).equals(MARK)) return body
  const nonceEnd = MARK.length + NONCE_BYTES
  const textStart = nonceEnd + TAG_BYTES
  try {
    const decipher = createDecipheriv(CIPHER, key, body.subarray(MARK.length, nonceEnd), { authTagLength: TAG_BYTES })
    decipher.setAAD(boundTo(kind, name)).setAuthTag(body.subarray(nonceEnd, textStart))
    return Buffer.concat([decipher.update(body.subarray(textStart)), decipher.final()])
  } catch (error) {
    const text = `${kind} ${name} in catalog.db cannot be opened with ${KEY_FILE}: put back the ${KEY_FILE} that belongs to this data folder`
    throw new DataFolderError(text, error)
  }
}

const boundTo = (kind: string, name: string): Buffer => Buffer.from(`${kind}\0${name}`)

const KEY_FILE = 'secret-key'

/** The key of a data folder: the file `secret-key` (mode 600, hexadecimal), which the first start makes. Throws DataFolderError. */
export function loadSealKey(dataFolder: string): Buffer {
  makeFolder(dataFolder)
  const file = join(dataFolder, KEY_FILE)
  try {
    writeFileSync(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new DataFolderError(`cannot make ${file}: ${(error as Error).message}`, error)
    }
  }
  chmodSync(file, 0o600)
  const text = readFileSync(file, 'utf8').trim()
  if (new RegExp(`^[0-9a-f]{${2 * KEY_BYTES}}$`).test(text)) return Buffer.from(text, 'hex')
  throw new DataFolderError(
    `${file} holds no key (${2 * KEY_BYTES} hexadecimal digits): put back the one that was there`,
  )
}
