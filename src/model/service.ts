/** A 3scale service (product): what the statistics are about. Plans, limits and applications come with the accounts. */
export interface Service {
  readonly id: string
  readonly systemName: string
  readonly name: string
  readonly providerKey: string | null
  readonly serviceToken: string | null
  readonly metrics: readonly Metric[]
}

export interface Metric {
  readonly systemName: string
  readonly friendlyName: string
  readonly unit: string
  readonly methods: readonly Metric[]
}
