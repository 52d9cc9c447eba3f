import type { JSX } from 'preact'
import type { TracedMessage } from '../../../src/model/traced-call.ts'
import { bytes } from '../format.ts'
import { breakable } from '../parts/bits.tsx'

interface MessageProps {
  readonly message: TracedMessage
  /** What it is compared with: what differs is marked. */
  readonly other?: TracedMessage | undefined
}

/** A request or a response at one moment. */
export function Message({ message, other }: MessageProps): JSX.Element {
  const { kind, verb, uri, status, reason, headers, content, contentBytes, note } = message
  const line = kind === 'request' ? `${verb} ${uri}` : `${status} ${reason}`
  const otherLine =
    other === undefined
      ? line
      : other.kind === 'request'
        ? `${other.verb} ${other.uri}`
        : `${other.status} ${other.reason}`
  return (
    <div class="message">
      <p class={`code message-line${line === otherLine ? '' : ' changed'}`}>{breakable(line)}</p>
      {headers.length > 0 && (
        <dl class="message-headers code">
          {headers.map(([name, value], at) => (
            <div key={`${name} ${at}`} class={isIn(other, name, value) ? '' : 'changed'}>
              <dt>{name}</dt>
              <dd>{breakable(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {content !== null && content !== '' && (
        <pre class={`body${other === undefined || other.content === content ? '' : ' changed'}`}>{pretty(content)}</pre>
      )}
      <p class="quiet message-size">{sizeWords(contentBytes, note, content)}</p>
    </div>
  )
}

function isIn(other: TracedMessage | undefined, name: string, value: string): boolean {
  if (other === undefined) return true
  return other.headers.some(([has, its]) => has.toLowerCase() === name.toLowerCase() && its === value)
}

function sizeWords(size: number, note: string | null, content: string | null): string {
  if (size < 0) return 'The content was not read.'
  if (size === 0 && (content === null || content === '')) return 'No content.'
  return `${bytes(size)}${note === null ? '' : `: ${note}`}`
}

/** JSON that is written in one line is easier to read in many. */
function pretty(content: string): string {
  if (!/^\s*[[{]/.test(content)) return content
  try {
    return JSON.stringify(JSON.parse(content), null, 2)
  } catch {
    return content
  }
}
