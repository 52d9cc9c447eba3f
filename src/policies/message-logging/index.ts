import type { LogFile } from '../../core/log-files.ts'
import { Fault } from '../../engine/fault.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { type Config, type FileDestination, parse } from './config.ts'
import { ENTRY_BYTES_MAX, openSink, type Sink } from './sink.ts'

/**
 * Sends a line to a syslog server, or writes it to a file. The call neither waits for it nor fails by it.
 *
 *     <MessageLogging name="ML-Calls">
 *       <Syslog>
 *         <Message>{request.verb} {request.uri} {response.status.code}</Message>
 *         <Host>logs.example.com</Host><Port>514</Port><Protocol>TCP</Protocol>
 *         <FormatMessage>true</FormatMessage>
 *       </Syslog>
 *     </MessageLogging>
 *
 * Source: Apigee's reference of the MessageLogging policy; RFC 5424.
 */
function compile(config: Config, env: CompileEnv<never>): Step {
  const message = env.template(config.message, { ignoreUnresolved: true })
  const send = config.to.protocol === 'file' ? fileSink(config.to, env) : openSink(config.to, env.now)
  const priority = USER_FACILITY + config.severity
  return (x) => {
    const text = message(x)
    if (text instanceof Fault) return undefined
    // A line end would begin an entry of somebody else's choosing.
    const line = text.slice(0, ENTRY_BYTES_MAX).replace(/[\r\n]+/g, ' ')
    const head = config.formatted ? `<${priority}>1 ${new Date(env.now()).toISOString()} ${x.id} Apigee - - - ` : ''
    send(head + line)
    return undefined
  }
}

/** Edge's folders below those of all logs: organisation, environment, proxy, revision, policy. */
function fileSink({ name, protocol: _, ...rotation }: FileDestination, env: CompileEnv<never>): Sink {
  const { organization, environment, proxy, revision, policy } = env
  const folders = [organization, environment, proxy, String(revision), policy.name]
  const path = [...folders.map((folder) => folder.replace(/[^\w.-]|^\.+/g, '_')), name].join('/')
  const file: LogFile = { path, ...rotation }
  return (entry) => env.logFiles.write(file, entry)
}

const USER_FACILITY = 8

const faults = {}

const messageLogging: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'MessageLogging',
  prefix: 'messagelogging',
  faults,
  parse,
  compile,
})

export default messageLogging
