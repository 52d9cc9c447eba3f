// `npm run build`: what the published package holds, in dist/: the program as JavaScript and the built dashboard.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildDashboard } from './build-dashboard.ts'

const home = fileURLToPath(new URL('..', import.meta.url))

rmSync(`${home}dist`, { recursive: true, force: true })
const tsc = spawnSync(`${home}node_modules/.bin/tsc`, ['-p', 'tsconfig.build.json'], { cwd: home, stdio: 'inherit' })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)
await buildDashboard(`${home}dist/dashboard`)
