import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CatalogError } from '../../catalog/error.ts'
import type { KeyStore, KeyStoreAlias } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, envOf, formOf } from './context.ts'
import { readCertificateWish, selfSigned } from './self-signed.ts'

const params = (request: FastifyRequest): { name: string; alias: string } =>
  request.params as { name: string; alias: string }

/** `/e/{env}/keystores/{store}/aliases`: certificates and keys as PEM (`format=keycertfile`), or made here
 * (`format=selfsignedcert`). Keys are taken, never given. */
export function aliasRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const storeOf = (request: FastifyRequest): KeyStore =>
    catalog.entity('keystores', params(request).name, envOf(request)) as KeyStore
  const aliasOf = (request: FastifyRequest): KeyStoreAlias => {
    const { name, alias } = params(request)
    const found = storeOf(request).aliases.find((one) => one.name === alias)
    if (found !== undefined) return found
    const text = `alias ${alias} does not exist in KeyStore ${name}`
    throw new CatalogError('missing', 'keystore.service.AliasDoesNotExist', text)
  }
  const changeStore = (
    request: FastifyRequest,
    change: (aliases: KeyStore['aliases']) => KeyStore['aliases'],
  ): Promise<object> =>
    catalog.changeEntity(
      'keystores',
      params(request).name,
      (store) => ({ ...store, aliases: change((store as KeyStore).aliases) }),
      envOf(request),
    )
  const put = (request: FastifyRequest, alias: KeyStoreAlias): Promise<object> =>
    changeStore(request, (aliases) => [...aliases.filter((one) => one.name !== alias.name), alias])

  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/keystores/:name/aliases`
    scope.get(
      path,
      answering((request) => storeOf(request).aliases.map(({ name }) => name)),
    )
    scope.post(
      path,
      answering(async (request, reply) => {
        const { alias, format = 'keycertfile' } = request.query as { alias?: string; format?: string }
        const form = formOf(request)
        const wish = format === 'selfsignedcert' ? readCertificateWish(request.body) : null
        const name = wish?.alias ?? alias ?? form.get('alias') ?? ''
        if (!/^[A-Za-z0-9._-]{1,255}$/.test(name)) {
          throw new AdminError(400, 'keystore.service.InvalidAlias', 'the parameter alias is missing, or no name')
        }
        if (storeOf(request).aliases.some((one) => one.name === name)) {
          const text = `alias ${name} is in KeyStore ${params(request).name} already`
          throw new CatalogError('conflict', 'keystore.service.AliasAlreadyExists', text)
        }
        const made = wish === null ? aliasFrom(name, format, form) : await selfSigned(wish, Date.now())
        await put(request, made)
        reply.code(201)
        return answer(made)
      }),
    )
    scope.get(
      `${path}/:alias`,
      answering((request) => answer(aliasOf(request))),
    )
    scope.get(
      `${path}/:alias/certificate`,
      answering((request, reply) => reply.type('application/octet-stream').send(aliasOf(request).cert)),
    )
    scope.put(
      `${path}/:alias`,
      answering(async (request) => {
        const before = aliasOf(request)
        const { cert, key } = aliasFrom(before.name, 'keycertfile', formOf(request))
        const made = { name: before.name, cert, key: key ?? before.key }
        await put(request, made)
        return answer(made)
      }),
    )
    scope.delete(
      `${path}/:alias`,
      answering(async (request) => {
        const gone = aliasOf(request)
        await changeStore(request, (aliases) => aliases.filter((one) => one.name !== gone.name))
        return answer(gone)
      }),
    )
  }
}

/** Errors say what is wrong with a file, never what is in it. */
function aliasFrom(name: string, format: string, form: ReadonlyMap<string, string>): KeyStoreAlias {
  const refuse = (text: string): never => {
    throw new AdminError(400, 'keystore.service.InvalidCertificate', text)
  }
  if (format !== 'keycertfile' && format !== 'keycertcert') {
    refuse(
      `format ${format.slice(0, 50)} is not supported; send PEM files as format=keycertfile (certFile, keyFile, password): openssl pkcs12 -in FILE -out FILE.pem writes them`,
    )
  }
  const cert = form.get('certFile') ?? ''
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) refuse('certFile holds no PEM certificate')
  let certificate: X509Certificate | null = null
  try {
    certificate = new X509Certificate(blocks[0]!)
  } catch {
    refuse('certFile holds a certificate that cannot be read')
  }
  const key = form.get('keyFile') ?? ''
  if (key === '') return { name, cert: `${blocks.join('\n')}\n`, key: null }
  try {
    const password = form.get('password')
    const read = createPrivateKey({ key, ...(password !== undefined && password !== '' && { passphrase: password }) })
    if (!certificate!.checkPrivateKey(read)) refuse('keyFile is not the key of the certificate in certFile')
    return { name, cert: `${blocks.join('\n')}\n`, key: read.export({ type: 'pkcs8', format: 'pem' }).toString() }
  } catch (error) {
    if (error instanceof AdminError) throw error
    return refuse('keyFile holds no PEM private key that can be read; a key that is encrypted needs password')
  }
}

function answer({ name, cert, key }: KeyStoreAlias): unknown {
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  const certInfo = blocks.map((block) => {
    const { subject, issuer, validFrom, validTo, serialNumber, subjectAltName } = new X509Certificate(block)
    return {
      expiryDate: Date.parse(validTo),
      isValid: Date.parse(validTo) > Date.now() ? 'Yes' : 'No',
      issuer: issuer.replaceAll('\n', ', '),
      serialNumber,
      subject: subject.replaceAll('\n', ', '),
      subjectAlternativeNames: subjectAltName?.split(', ') ?? [],
      validFrom: Date.parse(validFrom),
      version: 3,
    }
  })
  return { alias: name, certsInfo: { certInfo, certName: `${name}-cert` }, ...(key !== null && { keyName: name }) }
}
