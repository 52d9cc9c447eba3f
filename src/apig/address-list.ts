import { BlockList, isIP } from 'node:net'

/** Says whether an address is one of those that were listed. */
export type AddressTest = (address: string) => boolean

/** Single addresses, ranges `a-b`, CIDR; IPv4 and IPv6. */
export function compileAddresses(values: readonly string[]): AddressTest {
  const list = new BlockList()
  for (const value of values) {
    const range = parseAddresses(value)
    if (range === null) continue
    const family = range.family === 6 ? 'ipv6' : 'ipv4'
    if (range.kind === 'subnet') list.addSubnet(range.address, range.bits, family)
    else if (range.kind === 'range') list.addRange(range.address, range.to, family)
    else list.addAddress(range.address, family)
  }
  return (address) => {
    const plain = plainAddress(address)
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}

type Addresses =
  | { readonly kind: 'one'; readonly family: number; readonly address: string }
  | { readonly kind: 'range'; readonly family: number; readonly address: string; readonly to: string }
  | { readonly kind: 'subnet'; readonly family: number; readonly address: string; readonly bits: number }

/** Null: the text is neither an address nor a range nor CIDR. */
export function parseAddresses(text: string): Addresses | null {
  const value = text.trim()
  const slash = value.indexOf('/')
  if (slash >= 0) {
    const address = value.slice(0, slash)
    const family = isIP(address)
    const bits = /^\d{1,3}$/.test(value.slice(slash + 1)) ? Number(value.slice(slash + 1)) : Number.NaN
    return family !== 0 && bits <= (family === 6 ? 128 : 32) ? { kind: 'subnet', family, address, bits } : null
  }
  const dash = value.indexOf('-')
  if (dash >= 0) {
    const [from, to] = [value.slice(0, dash).trim(), value.slice(dash + 1).trim()]
    const family = isIP(from)
    if (family === 0 || isIP(to) !== family) return null
    try {
      new BlockList().addRange(from, to, family === 6 ? 'ipv6' : 'ipv4')
    } catch {
      return null
    }
    return { kind: 'range', family, address: from, to }
  }
  const family = isIP(value)
  return family === 0 ? null : { kind: 'one', family, address: value }
}

/** An IPv4 client of an IPv6 socket as IPv4. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
