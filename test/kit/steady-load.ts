import { Agent, request } from 'node:http'

/** What came of calls that were sent at a steady rate. */
export interface SteadyLoad {
  readonly sent: number
  readonly seconds: number
  /** One text for each call that was not answered with 200 and a text that `isWhole` takes. */
  readonly wrong: readonly string[]
  /** Ascending. */
  readonly timesMs: readonly number[]
  /** How often each text came. */
  readonly texts: ReadonlyMap<string, number>
}

const TICK_MS = 5

/**
 * Calls a URL at a steady rate until `stop`, over connections that stay open, however long answers take: a gateway that stumbles gets
 * more calls at once, not fewer.
 */
export function steadyLoad(url: string, ratePerSecond: number, isWhole: (text: string) => boolean) {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'fifo' })
  const wrong: string[] = []
  const timesMs: number[] = []
  const texts = new Map<string, number>()
  const open = new Set<Promise<void>>()
  const startMs = performance.now()
  let sent = 0

  const one = (): Promise<void> => {
    const sentMs = performance.now()
    return new Promise((resolve) => {
      const fail = (text: string): void => {
        wrong.push(text)
        resolve()
      }
      const call = request(url, { agent }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('error', (error) => fail(String(error)))
        answer.on('end', () => {
          timesMs.push(performance.now() - sentMs)
          texts.set(text, (texts.get(text) ?? 0) + 1)
          if (answer.statusCode === 200 && isWhole(text)) resolve()
          else fail(`${answer.statusCode} ${text}`)
        })
      })
      call.on('error', (error) => fail(String(error)))
      call.end()
    })
  }

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * ratePerSecond)
    for (; sent < due; sent++) {
      const call: Promise<void> = one().finally(() => open.delete(call))
      open.add(call)
    }
  }, TICK_MS)

  return {
    get sent(): number {
      return sent
    },
    /** Sends no more, waits for what is open. */
    async stop(): Promise<SteadyLoad> {
      clearInterval(timer)
      const seconds = (performance.now() - startMs) / 1000
      await Promise.all(open)
      agent.destroy()
      return { sent, seconds, wrong, timesMs: timesMs.sort((a, b) => a - b), texts }
    },
  }
}
