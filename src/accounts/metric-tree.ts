import type { Metric } from '../model/service.ts'

/** The metrics of one service with who counts for whom, made once. */
export class MetricTree {
  readonly metrics: readonly Metric[]
  /** Place of the parent in `metrics`; -1: none. */
  readonly parents: readonly number[]
  readonly #places: ReadonlyMap<string, number>

  constructor(metrics: readonly Metric[]) {
    this.metrics = metrics
    this.#places = new Map(metrics.map((metric, place) => [metric.systemName, place]))
    this.parents = metrics.map(({ parent }) => (parent === null ? -1 : (this.#places.get(parent) ?? -1)))
  }

  /** The place of a metric in `metrics`; -1: there is none of that name. */
  place(systemName: string): number {
    return this.#places.get(systemName) ?? -1
  }

  name(place: number): string {
    return this.metrics[place]!.systemName
  }

  /** System names of the metrics that count for this one, one level down. */
  children(place: number): string[] {
    return this.metrics.flatMap((metric, i) => (this.parents[i] === place ? [metric.systemName] : []))
  }
}
