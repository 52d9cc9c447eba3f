import { describe, expect, test } from 'vitest'
import type { RecordedCall, TraceOrder } from './orders.ts'
import { DebugSessions, KEPT_MS, type NewSession, RING_CALLS_MAX, SessionError } from './sessions.ts'

const NONE = { headers: [], query: [] }
const made = (with_: Partial<NewSession> = {}): NewSession => ({
  name: 's',
  environment: 'test',
  proxy: 'p',
  revision: 1,
  filter: NONE,
  count: 2,
  seconds: 600,
  ...with_,
})

function setUp() {
  const told: (readonly TraceOrder[])[] = []
  const timers: { ms: number; run: () => void; on: boolean }[] = []
  const world = { now: 1_000, deployed: true, deaf: false }
  const sessions = new DebugSessions({
    now: () => world.now,
    after: (ms, run) => {
      const timer = { ms, run, on: true }
      timers.push(timer)
      return () => {
        timer.on = false
      }
    },
    tell: async (orders) => {
      if (world.deaf) throw new Error('a thread does not compile it')
      told.push(orders)
    },
    isDeployed: () => world.deployed,
  })
  return { sessions, told, timers, world }
}

function recorded(session: string, requestId: string, with_: Partial<RecordedCall['summary']> = {}): RecordedCall {
  const summary = {
    requestId,
    receivedAtMs: 1,
    totalMs: 2,
    verb: 'GET',
    uri: '/p',
    status: 200,
    errorCode: '',
    answeredBy: 'target',
    masked: [],
    unmatched: [],
    ...with_,
  }
  const points = [
    { kind: 'step', name: 'A', tookMs: 3, outcome: 'done' },
    { kind: 'step', name: 'B', tookMs: 0, outcome: 'skipped' },
  ]
  return { sessions: [session], summary, text: JSON.stringify({ ...summary, points }), skipped: 0 }
}

describe('debug sessions', () => {
  test('threads are told of a session, and again when it is full; what comes later is not kept', async () => {
    const { sessions, told, timers } = setUp()
    const { id } = await sessions.create(made())
    expect(told.at(-1)).toEqual([{ session: id, environment: 'test', proxy: 'p', revision: 1, filter: NONE, left: 2 }])
    sessions.add(recorded(id, 'a'))
    expect(sessions.orders[0]!.left).toBe(1)
    sessions.add(recorded(id, 'b'))
    expect(told.at(-1)).toEqual([])
    sessions.add(recorded(id, 'c'))
    expect(sessions.byId(id)).toMatchObject({ state: 'full', dropped: 0 })
    expect(sessions.byId(id)!.transactions.map((one) => one.id)).toEqual(['a__1', 'b__2'])
    expect(timers[0]!.on).toBe(false)
  })

  test('it ends when its time is over, can be read for a while, and is forgotten', async () => {
    const { sessions, timers, told, world } = setUp()
    const { id } = await sessions.create(made())
    sessions.add(recorded(id, 'a'))
    expect(timers[0]!.ms).toBe(600_000)
    timers[0]!.run()
    expect(told.at(-1)).toEqual([])
    expect(sessions.byId(id)).toMatchObject({ state: 'expired', transactions: [{ id: 'a__1' }] })
    world.now += KEPT_MS + 1
    expect(sessions.list).toEqual([])
  })

  test('it belongs to its revision: it waits while that is not deployed', async () => {
    const { sessions, world } = setUp()
    world.deployed = false
    await expect(sessions.create(made())).rejects.toThrow('revision 1 of p is not deployed in environment test')
    world.deployed = true
    const { id } = await sessions.create(made())
    world.deployed = false
    expect(sessions.byId(id)!.state).toBe('undeployed')
    world.deployed = true
    expect(sessions.byId(id)!.state).toBe('recording')
  })

  test('a name is taken as long as its session records', async () => {
    const { sessions } = setUp()
    const { id } = await sessions.create(made())
    await expect(sessions.create(made())).rejects.toThrow('a session called s records revision 1 of p already')
    await sessions.stop(id)
    const next = await sessions.create(made())
    expect(sessions.list.map((one) => one.id)).toEqual([next.id])
  })

  test('there may be so many; those that are over make room', async () => {
    const { sessions } = setUp()
    const all = []
    for (let i = 0; i < 32; i++) all.push(await sessions.create(made({ name: `s${i}` })))
    await expect(sessions.create(made({ name: 'more' }))).rejects.toThrow(SessionError)
    await sessions.stop(all[3]!.id)
    await sessions.create(made({ name: 'more' }))
    expect(sessions.list).toHaveLength(32)
    expect(sessions.byId(all[3]!.id)).toBeNull()
  })

  test('without a count the latest calls are kept', async () => {
    const { sessions } = setUp()
    const { id } = await sessions.create(made({ count: null, seconds: null }))
    for (let i = 0; i < RING_CALLS_MAX + 5; i++) sessions.add(recorded(id, `r${i}`))
    const session = sessions.byId(id)!
    expect(session).toMatchObject({ state: 'recording', dropped: 5, expiresAtMs: null })
    expect(session.transactions).toHaveLength(RING_CALLS_MAX)
    expect(session.transactions[0]!.id).toBe('r5__6')
    const big = { ...recorded(id, 'big'), text: 'x'.repeat(10 * 1024 * 1024) }
    sessions.add(big)
    sessions.add(big)
    expect(sessions.byId(id)!.transactions).toHaveLength(1)
  })

  test('masks that never hid anything are told', async () => {
    const { sessions } = setUp()
    const { id } = await sessions.create(made({ count: 5 }))
    sessions.add(recorded(id, 'a', { masked: ['x'], unmatched: ['y', 'z'] }))
    sessions.add(recorded(id, 'b', { masked: ['y'], unmatched: ['x', 'z'] }))
    expect(sessions.byId(id)).toMatchObject({ masked: ['x', 'y'], unmatched: ['z'] })
  })

  test('steps of a call by its request id', async () => {
    const { sessions } = setUp()
    const { id } = await sessions.create(made())
    sessions.add(recorded(id, 'a'))
    expect(sessions.stepsOf('a')).toEqual([{ name: 'A', ms: 3 }])
    expect(sessions.stepsOf('b')).toBeNull()
  })

  test('a session that no thread can record is none', async () => {
    const { sessions, world, timers } = setUp()
    world.deaf = true
    await expect(sessions.create(made())).rejects.toThrow('a thread does not compile it')
    expect(sessions.list).toEqual([])
    expect(timers[0]!.on).toBe(false)
  })
})
