import { readFileSync } from 'node:fs'
import v8 from 'node:v8'
import { Command } from 'commander'
import { manageCommands } from './manage-commands.ts'
import { startCommand } from './options.ts'

const NODE_MAJOR_MIN = 24

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(`postern needs Node ${NODE_MAJOR_MIN} or later; this is ${process.version}\n`)
  process.exit(1)
}

// The launcher keeps the nursery of this thread small; the threads that it starts name their own limits.
v8.setFlagsFromString('--max-semi-space-size=0')

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('postern')
  .description(
    'An API gateway that you run yourself: Apigee bundles, 3scale response codes, APIG headers and throttles.',
  )
  .version(version)
  .showHelpAfterError('(postern --help tells more)')

// Each command loads its own part of the house: `check` needs no gateway, `--help` needs nothing.
program.addCommand(
  startCommand().action(async (paths: string[], options) => {
    const { start } = await import('./start.ts')
    await start(paths, options)
  }),
)

program
  .command('check')
  .description('Prints every error and warning of bundles and configuration files; exit code 1 when there are errors.')
  .argument('<path...>', 'Apigee bundles (folder or zip), OpenAPI files, APIcast configurations or postern.yaml files')
  .action(async (paths: string[]) => {
    const { runCheck } = await import('./run-check.ts')
    process.exitCode = runCheck(paths)
  })

for (const command of manageCommands()) program.addCommand(command)

await program.parseAsync()
