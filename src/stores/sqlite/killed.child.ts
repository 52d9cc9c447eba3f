import { argv, stdout } from 'node:process'
import { CallRecord } from '../../analytics/record.ts'
import { Recorder } from '../../analytics/rollup.ts'
import { silentLog } from '../../core/log.ts'
import { openStore } from './store.ts'

// Run by store.test.ts, which kills it: writes batch after batch and prints how many calls were acknowledged.
const store = await openStore({ dataFolder: argv[2]!, log: silentLog })
const recorder = new Recorder()
for (let acknowledged = 0; ; ) {
  for (let i = 0; i < 10; i++)
    recorder.add(Object.assign(new CallRecord(Date.now()), { proxy: 'p', application: `app${i}` }))
  await store.analytics.write(recorder.take()!)
  acknowledged += 10
  stdout.write(`${acknowledged}\n`)
}
