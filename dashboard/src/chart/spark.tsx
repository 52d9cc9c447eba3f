import type { JSX } from 'preact'

interface SparkProps {
  /** The newest last; null where there is nothing to draw. */
  readonly values: readonly (number | null)[]
  /** Room for that many. */
  readonly room: number
  readonly colour: string
  /** The least height of the scale: a curve of one call is no mountain. */
  readonly atLeast: number
}

const width = 240
const height = 36

/** A small curve without axes: the number beside it says how much, this says which way it goes. */
export function Spark({ values, room, colour, atLeast }: SparkProps): JSX.Element {
  const most = Math.max(atLeast, ...values.map((value) => value ?? 0))
  const x = (at: number): number => width - (values.length - 1 - at) * (width / (room - 1))
  const y = (value: number): number => height - 2 - (value / most) * (height - 5)
  const points = values.flatMap((value, at) => (value === null ? [] : [`${x(at).toFixed(1)},${y(value).toFixed(1)}`]))
  const first = points[0]?.split(',')[0]
  const last = points.at(-1)?.split(',')[0]
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <line class="spark-ground" x1="0" y1={height - 1.5} x2={width} y2={height - 1.5} />
      {points.length > 1 && (
        <>
          <polygon
            points={`${first},${height - 1} ${points.join(' ')} ${last},${height - 1}`}
            fill={colour}
            opacity="0.14"
          />
          <polyline
            points={points.join(' ')}
            fill="none"
            stroke={colour}
            stroke-width="1.5"
            vector-effect="non-scaling-stroke"
          />
        </>
      )}
    </svg>
  )
}
