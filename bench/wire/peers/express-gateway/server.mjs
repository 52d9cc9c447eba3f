// Express Gateway with its proxy policy. It reads a folder of YAML, so one is written to the run folder: our two files
// and the models that the package brings.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const here = path.dirname(fileURLToPath(import.meta.url))
const packageDir = path.dirname(require.resolve('express-gateway/package.json'))
const configDir = path.join(process.env.RUN_DIR, 'express-gateway')

fs.cpSync(path.join(here, 'config'), configDir, { recursive: true })
fs.cpSync(path.join(packageDir, 'lib', 'config', 'models'), path.join(configDir, 'models'), { recursive: true })

process.env.EG_CONFIG_DIR = configDir
process.env.EG_DISABLE_CONFIG_WATCH = 'true'
process.env.EG_SVC_PLUGIN = path.join(here, 'svc-plugin.cjs')
process.env.LOG_LEVEL = 'error'
await require('express-gateway')().load(configDir).run()
