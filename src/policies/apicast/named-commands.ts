import type { NamedCommand } from '../../model/apicast-policies.ts'

/** Headers or query parameters, as commands change them. */
export interface NamedValues {
  has(name: string): boolean
  set(name: string, value: string): void
  add(name: string, value: string): void
  remove(name: string): void
}

/** Does the commands in their order (APIcast, policies "headers" and "url_rewriting"). */
export function runCommands(commands: readonly NamedCommand[], values: NamedValues): void {
  for (const { op, name, value } of commands) {
    switch (op) {
      case 'set':
        values.set(name, value)
        break
      case 'push':
        values.add(name, value)
        break
      case 'add':
        if (values.has(name)) values.add(name, value)
        break
      case 'delete':
        values.remove(name)
    }
  }
}
