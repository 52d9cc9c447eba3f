import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The admin token, and where it came from (a file's path, or the environment). */
export interface AdminToken {
  readonly value: string
  readonly from: string
  /** Things that the operator should know, one line each. */
  readonly warnings: readonly string[]
}

/** What fits into a header and a query as it is. */
const tokenForm = /^[\x21-\x7e]{1,512}$/

/**
 * The token of the admin door: `POSTERN_ADMIN_TOKEN` when it is set and not empty, else the file `admin-token` in the data
 * folder (mode 600), which the first start makes with 32 random bytes. Throws an Error with one clear line when neither can be had.
 */
export function loadAdminToken(
  dataFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
): AdminToken {
  const given = environment['POSTERN_ADMIN_TOKEN']
  if (given !== undefined && given !== '') {
    if (!tokenForm.test(given)) {
      throw new Error('POSTERN_ADMIN_TOKEN must be 1 to 512 visible ASCII characters without blanks')
    }
    const short =
      given.length < 16 ? ['POSTERN_ADMIN_TOKEN is short enough to be guessed; 32 random characters are not'] : []
    return { value: given, from: 'POSTERN_ADMIN_TOKEN', warnings: short }
  }
  const file = join(dataFolder, 'admin-token')
  try {
    mkdirSync(dataFolder, { recursive: true })
    return readToken(file) ?? makeToken(file)
  } catch (error) {
    if (error instanceof TokenFileError) throw error
    throw new Error(
      `cannot keep the admin token in ${file}: ${(error as Error).message}; set POSTERN_ADMIN_TOKEN instead`,
    )
  }
}

class TokenFileError extends Error {}

function readToken(file: string): AdminToken | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const value = text.trim()
  if (!tokenForm.test(value)) {
    throw new TokenFileError(
      `${file} holds no token (1 to 512 visible ASCII characters); remove it and a new one is made`,
    )
  }
  if (process.platform === 'win32' || (statSync(file).mode & 0o077) === 0) return { value, from: file, warnings: [] }
  chmodSync(file, 0o600)
  return {
    value,
    from: file,
    warnings: [`${file} could be read by others; its mode is 600 now. If in doubt remove it: a new one is made`],
  }
}

/** Written aside and linked into place, so that of two first starts in one folder both end with the same token. */
function makeToken(file: string): AdminToken {
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    try {
      linkSync(aside, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  } finally {
    rmSync(aside, { force: true })
  }
  const made = readToken(file)
  if (made === undefined) throw new TokenFileError(`${file} went away while it was made`)
  return made
}

/** Equal or not, in a time that says nothing about where they differ or how long the right one is. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
