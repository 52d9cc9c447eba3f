import { apigFault } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import type { Step } from '../engine/outcome.ts'
import type { AccessList, ApiProtocol, PublishedApi } from '../model/apig.ts'
import { compileAddresses, plainAddress } from './address-list.ts'
import { appAuth } from './app-auth.ts'
import { authorizerStep } from './authorizer.ts'
import { selfCall } from './hops.ts'
import type { ApigServices } from './services.ts'
import { stateOf } from './state.ts'

/**
 * Who may call, in the order in which it is asked: the gateway itself may not; protocol, lists of addresses, credential,
 * custom authorizer, lists of accounts. Throttles come after it, since they count callers.
 */
export function accessSteps(api: PublishedApi, services: ApigServices): Step[] {
  const steps: Step[] = [selfCall(api, services.gatewayId)]
  const protocol = protocolStep(api.protocol)
  if (protocol !== null) steps.push(protocol)
  for (const list of api.access) if (list.of === 'ip') steps.push(addressStep(list))
  if (api.auth.type === 'APP') steps.push(appAuth(api, services))
  if (api.auth.authorizer !== null) steps.push(authorizerStep(api.auth.authorizer, services))
  for (const list of api.access) if (list.of === 'account') steps.push(accountStep(list))
  return steps
}

function protocolStep(protocol: ApiProtocol): Step | null {
  if (protocol === 'BOTH') return null
  const fault = apigFault('ProtocolUnsupported', protocol.toLowerCase())
  const secure = protocol === 'HTTPS'
  return (x) => (x.client.secure === secure ? undefined : fault)
}

const UNKNOWN_ADDRESS = apigFault('AddressUnknown')
const ADDRESS_DENIED = apigFault('AddressDenied')
const ACCOUNT_DENIED = apigFault('AccountDenied')

function addressStep({ permit, values }: AccessList): Step {
  const test = compileAddresses(values)
  return (x): Fault | undefined => {
    if (x.address === '') return UNKNOWN_ADDRESS
    return test(x.address) === permit ? undefined : ADDRESS_DENIED
  }
}

/** Lists of accounts act on calls that have one. */
function accountStep({ permit, values }: AccessList): Step {
  const accounts = new Set(values)
  return (x) => {
    const { app } = stateOf(x)
    return app === null || accounts.has(app.user) === permit ? undefined : ACCOUNT_DENIED
  }
}

/** The client's address by the switches `real_ip_from_xff` and `real_ip_header_getter`; '' when the header has none. */
export function clientAddress(x: Exchange, { features }: ApigServices): string {
  const { realIp } = features
  if (realIp === null) return plainAddress(x.client.address)
  const list = x.request.headers.pieces(realIp.header).filter((piece) => piece !== '')
  if (list.length === 0) return plainAddress(x.client.address)
  return plainAddress(list.at(realIp.index) ?? '')
}
