import { describe, expect, test } from 'vitest'
import { type Answerers, answerTo, NoAnswerError, OpenQuestions, type QuestionMessage } from './questions.ts'

const LOAD = {
  generation: 3,
  connections: 7,
  doorAnswers: [],
  backendCalls: [],
  reports: { waiting: 0, lost: 0 },
}

describe('questions to a gateway thread', () => {
  test('an answer finds its question, in whatever order they come', async () => {
    const posted: QuestionMessage[] = []
    const open = new OpenQuestions((message) => posted.push(message))
    const first = open.ask('load', null, 1_000)
    const second = open.ask('load', null, 1_000)
    expect(posted.map(({ name }) => name)).toEqual(['load', 'load'])
    open.answered({ kind: 'answer', id: posted[1]!.id, answer: LOAD, error: null })
    open.answered({ kind: 'answer', id: posted[0]!.id, answer: { ...LOAD, connections: 8 }, error: null })
    expect(await second).toEqual(LOAD)
    expect(await first).toEqual({ ...LOAD, connections: 8 })
    expect(open.size).toBe(0)
  })

  test('a late thread is given up, and what it says later is dropped', async () => {
    const posted: QuestionMessage[] = []
    const open = new OpenQuestions((message) => posted.push(message))
    await expect(open.ask('load', null, 1)).rejects.toThrow("no answer to 'load' for 1 ms")
    open.answered({ kind: 'answer', id: posted[0]!.id, answer: LOAD, error: null })
    expect(open.size).toBe(0)
  })

  test('a thread that ends answers nothing that is open, and nothing later', async () => {
    const open = new OpenQuestions(() => {})
    const asked = open.ask('load', null, 60_000)
    open.end()
    await expect(asked).rejects.toThrow(NoAnswerError)
    await expect(open.ask('load', null, 60_000)).rejects.toThrow('the thread has ended')
  })

  test('only so many questions wait for one thread', async () => {
    const open = new OpenQuestions(() => {})
    const asked = Array.from({ length: 64 }, () =>
      open.ask('load', null, 60_000).catch((error: Error) => error.message),
    )
    await expect(open.ask('load', null, 60_000)).rejects.toThrow('64 questions wait for this thread already')
    open.end()
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['the thread has ended']))
  })

  test('what a thread throws is told as no answer', async () => {
    const failing = (): never => {
      throw new Error('not now')
    }
    const answerers: Answerers = { load: failing, recentCalls: failing, recentCall: failing }
    const message = await answerTo(answerers, { kind: 'ask', id: 5, name: 'load', ask: null })
    expect(message).toEqual({ kind: 'answer', id: 5, answer: null, error: 'not now' })
  })
})
