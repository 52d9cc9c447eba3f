import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend } from '../kit/backend.ts'
import { hotDeployment } from '../kit/hot-deploy.ts'
import { Postern } from '../kit/postern.ts'

// A deployment drops no call: each is answered, and wholly by the revision that it began with. The bench does the same at 2,000 a second.

const TIMES = 50
/** Two cores may be shared with other tests. */
const RATE_PER_SECOND = 500

let postern: Postern
let target: Backend

beforeAll(async () => {
  // Calls are on their way while revisions change.
  target = await Backend.start((_, response) => setTimeout(() => response.end('from the target'), 15))
  postern = await Postern.start([], { workers: 2 })
})

afterAll(async () => {
  await postern.stop()
  await target.stop()
})

test('calls go on while a proxy is deployed again and again, every other time with a broken revision', async () => {
  const run = await hotDeployment(postern, target.url, { times: TIMES, ratePerSecond: RATE_PER_SECOND })
  expect(run.wrong.slice(0, 5)).toEqual([])
  expect([run.deployed, run.refused]).toEqual([TIMES / 2, TIMES / 2])
  expect(run.sent).toBeGreaterThan(TIMES)
  // Several revisions answered, and none that is broken.
  const answered = [...run.texts.keys()].map((text) => Number(text.split(' ')[0]))
  expect(answered.length).toBeGreaterThan(TIMES / 4)
  expect(answered.filter((number) => number % 2 === 0 && number > 0)).toEqual([])
  const rate = Math.round(run.sent / run.seconds)
  process.stdout.write(`hot deployment: ${run.sent} calls at ${rate} a second, ${TIMES} deployments, none failed\n`)
}, 120_000)
