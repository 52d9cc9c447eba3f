// Installs what is missing: before `npm start` and `npm test` on a fresh checkout. Runs on any Node.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${home}node_modules/.postern-lock`
const lock = createHash('sha256')
  .update(readFileSync(`${home}package-lock.json`))
  .digest('hex')

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) process.exit(0)
if (isInstalled()) {
  writeFileSync(stamp, lock)
  process.exit(0)
}
process.stderr.write('installing dependencies (once) ...\n')
const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
  cwd: home,
  stdio: ['ignore', 2, 2],
})
if (npm.status !== 0) {
  process.stderr.write('npm ci failed: postern needs the npm registry for its first start\n')
  process.exit(npm.status ?? 1)
}
writeFileSync(stamp, lock)

/** Somebody ran `npm ci`: npm's own list in node_modules has every package of the lock, those for other platforms aside. */
function isInstalled() {
  const list = `${home}node_modules/.package-lock.json`
  if (!existsSync(list)) return false
  const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
  const there = packages(list)
  return Object.entries(packages(`${home}package-lock.json`)).every(
    ([path, { version, optional }]) => path === '' || optional === true || there[path]?.version === version,
  )
}
