import { Command, Option } from 'commander'
import type { ManageOptions, Manager } from './manage.ts'

type Work = (
  manager: Manager,
  args: readonly string[],
  options: Record<string, string | undefined>,
) => Promise<string[]>

/** `deploy`, `undeploy`, `ls`, `rollback`, `export`: they change a gateway that runs, over its admin door. */
export function manageCommands(): Command[] {
  return [
    command(
      'deploy',
      'Imports a bundle or shared flow as the next revision and serves it.',
      (manager, [path], { name }) => manager.deploy(path!, name),
    )
      .argument('<path>', 'an Apigee bundle or shared flow (folder or zip)')
      .option('--name <name>', 'its name, instead of the one in it'),
    command('undeploy', 'Takes a proxy out of service; its revisions stay.', (manager, [name]) =>
      manager.undeploy(name!),
    ).argument('<name>', 'name of the proxy'),
    command('ls', 'Lists what is deployed.', (manager) => manager.list()),
    command('rollback', 'Serves the revision before the one that is served.', (manager, [name]) =>
      manager.rollback(name!),
    ).argument('<name>', 'name of the proxy'),
    command('export', 'Writes a revision to a zip.', (manager, [name], { revision, out }) =>
      manager.export(name!, revision, out),
    )
      .argument('<name>', 'name of the proxy')
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
