import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import type { TlsListenOptions } from '../gateway/protocol.ts'
import type { StartOptions } from './options.ts'

/**
 * The TLS door that the options ask for, its PEM files read and tried; null when they ask for none.
 * @throws Error with one line that names the option and the file
 */
export function tlsDoor(options: Pick<StartOptions, 'tlsPort' | 'tlsCert' | 'tlsKey'>): TlsListenOptions | null {
  const { tlsPort, tlsCert, tlsKey } = options
  if (tlsPort === undefined && tlsCert === undefined && tlsKey === undefined) return null
  const missing = [
    tlsPort === undefined && '--tls-port',
    tlsCert === undefined && '--tls-cert',
    tlsKey === undefined && '--tls-key',
  ].filter((name) => name !== false)
  if (tlsPort === undefined || tlsCert === undefined || tlsKey === undefined) {
    throw new Error(
      `the TLS door needs --tls-port, --tls-cert and --tls-key together: ${missing.join(' and ')} missing`,
    )
  }
  const cert = pem('--tls-cert', tlsCert)
  const key = pem('--tls-key', tlsKey)
  tried(`--tls-cert ${tlsCert} holds no certificate in PEM`, { cert })
  tried(`--tls-key ${tlsKey} holds no private key in PEM without a passphrase`, { key })
  tried(`--tls-key ${tlsKey} is not the key of --tls-cert ${tlsCert}`, { cert, key })
  return { port: tlsPort, cert, key }
}

function pem(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${option} ${path} cannot be read: ${(error as Error).message}`)
  }
}

function tried(complaint: string, identity: tls.SecureContextOptions): void {
  try {
    tls.createSecureContext(identity)
  } catch (error) {
    throw new Error(`${complaint}: ${(error as Error).message}`)
  }
}
