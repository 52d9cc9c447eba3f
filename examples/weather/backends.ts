// Stand-ins for the two services that the bundle calls. Demo only: they know three places.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const PLACES: Readonly<Record<string, { name: string; lat: number; lng: number }>> = {
  '10115': { name: 'Berlin', lat: 52.53, lng: 13.38 },
  '75001': { name: 'Paris', lat: 48.86, lng: 2.34 },
  '08008': { name: 'Harvey Cedars', lat: 39.7, lng: -74.14 },
}

function geocode(query: URLSearchParams, answer: (status: number, body: object) => void): void {
  const address = query.get('address') ?? ''
  // A postal code that makes the stand-in fail, so that the bundle's fault rule can be seen.
  if (address === '99999') return answer(500, { status: 'OUT_OF_ORDER' })
  const place = PLACES[address]
  if (place === undefined) return answer(404, { status: 'ZERO_RESULTS', results: [] })
  const location = { lat: place.lat, lng: place.lng }
  answer(200, { status: 'OK', results: [{ name: place.name, geometry: { location } }] })
}

function forecast(query: URLSearchParams, answer: (status: number, body: object) => void): void {
  const latitude = Number(query.get('latitude'))
  const longitude = Number(query.get('longitude'))
  if (!query.has('latitude') || !query.has('longitude'))
    return answer(400, { error: 'latitude and longitude are needed' })
  // Invented, but always the same for the same place.
  const warmth = Math.round((30 - Math.abs(latitude) / 3 + (Math.abs(longitude) % 5)) * 10) / 10
  const days = ['today', 'tomorrow'].map((day, i) => ({ day, celsius: warmth - i, sky: i === 0 ? 'clear' : 'clouds' }))
  answer(200, { days })
}

export interface Backends {
  readonly geocoder: number
  readonly forecast: number
  close(): void
}

/** Starts both on loopback; port 0 takes a free one. */
export async function startBackends(geocoderPort: number, forecastPort: number): Promise<Backends> {
  const geocoder = await listen(geocoderPort, geocode)
  const forecaster = await listen(forecastPort, forecast).catch((error) => {
    geocoder.close()
    throw error
  })
  return { geocoder: portOf(geocoder), forecast: portOf(forecaster), close: () => [geocoder, forecaster].forEach(stop) }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function stop(server: Server): void {
  server.close()
  server.closeAllConnections()
}

function listen(port: number, handle: typeof geocode): Promise<Server> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '')
    handle(query, (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
