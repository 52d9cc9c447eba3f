import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import type { TlsListenOptions } from '../gateway/protocol.ts'
import type { TlsIdentity } from '../wire/types.ts'
import type { StartOptions } from './options.ts'

const TICKET_KEY_BYTES = 48

/** Doors over TLS that the options ask for; absent: none. */
export interface TlsDoors {
  readonly gateway?: TlsListenOptions
  readonly backend?: TlsListenOptions
}

/**
 * Reads and tries the PEM files that all doors over TLS share.
 * @throws Error with one line that names the option and the file
 */
export function tlsDoors(
  options: Pick<StartOptions, 'tlsPort' | 'tlsCert' | 'tlsKey' | 'tlsClientCa' | 'backendTlsPort'>,
): TlsDoors {
  const { tlsPort, tlsCert = [], tlsKey = [], tlsClientCa, backendTlsPort } = options
  const ports = [tlsPort, backendTlsPort].filter((port) => port !== undefined)
  if (ports.length === 0 && tlsCert.length === 0 && tlsKey.length === 0 && tlsClientCa === undefined) return {}
  const missing = [
    ports.length === 0 && '--tls-port',
    tlsCert.length === 0 && '--tls-cert',
    tlsKey.length === 0 && '--tls-key',
  ].filter((name) => name !== false)
  if (missing.length > 0) {
    throw new Error(
      `the TLS door needs --tls-port, --tls-cert and --tls-key together: ${missing.join(' and ')} missing`,
    )
  }
  if (tlsCert.length !== tlsKey.length) {
    throw new Error(
      `the TLS door needs a --tls-key for each --tls-cert, in the same order: there are ${tlsCert.length} certificates and ${tlsKey.length} keys`,
    )
  }
  const identities = tlsCert.map((cert, i) => identity(cert, tlsKey[i]!))
  const clientCa = tlsClientCa === undefined ? {} : { clientCa: authorities(tlsClientCa) }
  // Gateways elsewhere call the backend door: a provider key or a service token is their way in, not a certificate.
  return {
    ...(tlsPort !== undefined && { gateway: { port: tlsPort, identities, ...clientCa, ticketKeys: ticketKeys() } }),
    ...(backendTlsPort !== undefined && { backend: { port: backendTlsPort, identities, ticketKeys: ticketKeys() } }),
  }
}

const ticketKeys = (): Uint8Array => randomBytes(TICKET_KEY_BYTES)

function identity(certFile: string, keyFile: string): TlsIdentity {
  const cert = pem('--tls-cert', certFile)
  const key = pem('--tls-key', keyFile)
  tried(`--tls-cert ${certFile} holds no certificate in PEM`, { cert })
  tried(`--tls-key ${keyFile} holds no private key in PEM without a passphrase`, { key })
  tried(`--tls-key ${keyFile} is not the key of --tls-cert ${certFile}`, { cert, key })
  return { cert, key }
}

function authorities(file: string): string {
  const ca = pem('--tls-client-ca', file)
  // OpenSSL takes text without any certificate for none at all.
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`--tls-client-ca ${file} holds no certificate in PEM`)
  tried(`--tls-client-ca ${file} holds no certificate in PEM`, { ca })
  return ca
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
