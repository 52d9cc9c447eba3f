import { Command, Option } from 'commander'
import type { ManageOptions, Manager } from './manage.ts'

const NAME = 'name of the proxy, or of the shared flow where there is no such proxy'

type Work = (
  manager: Manager,
  args: readonly string[],
  options: Record<string, string | undefined>,
) => Promise<string[]>

/** `deploy`, `undeploy`, `ls`, `history`, `rollback`, `export`: they change a gateway that runs, over its admin door. */
export function manageCommands(): Command[] {
  return [
    command(
      'deploy',
      'Imports a bundle or shared flow as the next revision and serves it.',
      (manager, [path], { name }) => manager.deploy(path!, name),
    )
      .argument('<path>', 'an Apigee bundle or shared flow (folder or zip)')
      .option('--name <name>', 'its name, instead of the one in it'),
    command('undeploy', 'Takes a proxy or shared flow out of service; its revisions stay.', (manager, [name]) =>
      manager.undeploy(name!),
    ).argument('<name>', NAME),
    command('ls', 'Lists what is deployed, in all environments unless one is named.', (manager) => manager.list()),
    command('history', 'Lists what was deployed and undeployed, the latest first.', (manager, [name]) =>
      manager.history(name!),
    ).argument('<name>', NAME),
    command('rollback', 'Serves the revision that was served before this one.', (manager, [name]) =>
      manager.rollback(name!),
    ).argument('<name>', NAME),
    command('export', 'Writes a revision to a zip.', (manager, [name], { revision, out }) =>
      manager.export(name!, revision, out),
    )
      .argument('<name>', NAME)
      .option('--revision <number>', 'which one; else the one that is served')
      .option('--out <file>', 'where to; else NAME-REVISION.zip'),
  ]
}

function command(name: string, description: string, work: Work): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--admin <url>', 'the admin door of the gateway')
        .env('POSTERN_ADMIN')
        .default('http://127.0.0.1:9000'),
    )
    .addOption(new Option('--token <token>', 'its admin token').env('POSTERN_ADMIN_TOKEN'))
    .addOption(new Option('--environment <name>', "an environment beside the gateway's own").env('POSTERN_ENVIRONMENT'))
    .addOption(
      new Option('--data <folder>', 'its data folder, for the token in it').env('POSTERN_DATA').default('postern-data'),
    )
    .action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command
      const { Manager, ManageError } = await import('./manage.ts')
      try {
        const manager = new Manager(self.opts() as ManageOptions)
        for (const line of await work(manager, self.args, self.opts())) process.stdout.write(`${line}\n`)
      } catch (error) {
        if (!(error instanceof ManageError)) throw error
        process.stderr.write(`${error.message}\n`)
        process.exitCode = 1
      }
    })
}
