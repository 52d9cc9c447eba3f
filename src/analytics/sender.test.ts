import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallRecord } from './record.ts'
import { Recorder } from './rollup.ts'
import { BatchSender, type FromStore, type ToStore } from './sender.ts'

describe('BatchSender', () => {
  let store: MessagePort
  let recorder: Recorder
  let sender: BatchSender
  let inbox: ToStore[]

  function storeAt(port: MessagePort): void {
    store = port
    inbox = []
    port.on('message', (message: ToStore) => inbox.push(message))
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((turn) => setImmediate(turn))
  }

  beforeEach(() => {
    const channel = new MessageChannel()
    storeAt(channel.port1)
    recorder = new Recorder()
    sender = new BatchSender(recorder, channel.port2, { unacknowledgedMax: 2, everyMs: 1 })
  })
  afterEach(() => {
    sender.close()
    store.close()
  })

  async function received(): Promise<ToStore> {
    await until(() => inbox.length > 0)
    return inbox.shift()!
  }

  /** Answers as the store thread does; gives when the sender has read the answer. */
  async function reply(message: FromStore, read: () => boolean): Promise<void> {
    store.postMessage(message)
    await until(read)
  }

  function record(times = 1): void {
    for (let i = 0; i < times; i++) recorder.add(new CallRecord(0))
  }

  it('keeps at most so many batches under way, and counts on meanwhile', async () => {
    record()
    sender.send()
    const first = await received()
    record(2)
    sender.send()
    record(3)
    sender.send()
    expect(sender.batchesUnderWay).toBe(2)
    expect(recorder.empty).toBe(false)
    const second = await received()
    expect([first, second]).toMatchObject([{ batch: { rows: [{ calls: 1 }] } }, { batch: { rows: [{ calls: 2 }] } }])
    const { sequence } = first as Extract<ToStore, { kind: 'batch' }>
    await reply({ kind: 'failed', sequence, calls: 1, message: 'full' }, () => sender.batchesUnderWay === 1)
    record()
    sender.send()
    expect(await received()).toMatchObject({ batch: { rows: [{ calls: 4 }] } })
  })

  it('sends by itself, several times a second', async () => {
    sender.start()
    record()
    expect(await received()).toMatchObject({ kind: 'batch', batch: { rows: [{ calls: 1 }] } })
    record()
    expect(await received()).toMatchObject({ kind: 'batch' })
  })

  it('flush sends all, whatever is under way, and waits for the answer', async () => {
    for (let i = 0; i < 3; i++) {
      record()
      sender.send()
    }
    const flushed = sender.flush()
    const messages = [await received(), await received(), await received(), await received()]
    expect(messages.map((message) => message.kind)).toEqual(['batch', 'batch', 'batch', 'flush'])
    store.postMessage({ kind: 'flushed', id: (messages[3] as { id: number }).id, problem: null } satisfies FromStore)
    await flushed
    expect(recorder.empty).toBe(true)
  })

  it('flush tells why nothing could be written', async () => {
    const flushed = sender.flush()
    const { id } = (await received()) as Extract<ToStore, { kind: 'flush' }>
    store.postMessage({ kind: 'flushed', id, problem: 'database or disk is full' } satisfies FromStore)
    await expect(flushed).rejects.toThrow('full')
  })

  it('goes on with another port when the store thread is gone', async () => {
    record(5)
    sender.send()
    const flushed = sender.flush()
    const gone = expect(flushed).rejects.toThrow('the store thread is gone')
    store.close()
    await gone
    expect(sender.unansweredCalls).toBe(5)
    record(2)
    sender.send()
    expect(recorder.empty).toBe(false)
    await expect(sender.flush()).rejects.toThrow('gone')

    const channel = new MessageChannel()
    storeAt(channel.port1)
    sender.attach(channel.port2)
    sender.send()
    expect(await received()).toMatchObject({ kind: 'batch', batch: { rows: [{ calls: 2 }] } })
  })
})
