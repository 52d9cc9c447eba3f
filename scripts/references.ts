// The references that are made from the tables in the code: docs/reference/*.md and the marked part of each policy's README.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startCommand } from '../src/cli/options.ts'
import { configKeys } from '../src/dialects/postern/keys.ts'
import { type ConfigKey, expected, type Shape } from '../src/dialects/postern/shape.ts'
import { APIG_FAULTS, type ApigFaultRow } from '../src/engine/apig-faults.ts'
import { APIG_FAULTS_NEVER } from '../src/engine/apig-faults-never.ts'
import type { FaultRow } from '../src/engine/fault.ts'
import { TEMPLATE_FUNCTIONS } from '../src/engine/language/template-functions.ts'
import { PLATFORM_FAULTS } from '../src/engine/platform-faults.ts'
import { PREDEFINED } from '../src/engine/predefined.ts'
import { DIAGNOSTIC_HEADERS } from '../src/gateway/diagnostics.ts'
import { POLICY_KINDS } from '../src/policies/index.ts'
import { managementReference } from './management-reference.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const NOTE = '<!-- Made from the code by `npm run docs`. Do not edit. -->\n'
const BEGIN = '<!-- generated -->'
const END = '<!-- /generated -->'

const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replace(/`[^`]*`|</g, (part) => (part === '<' ? '&lt;' : part))

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map((row) => line(row.map(cell))).join('')
}

const codeRow = (code: string, row: FaultRow): string[] => [`\`${code}\``, String(row.status), row.message, row.cause]

function policyFaults(prefix: string, faults: Readonly<Record<string, FaultRow>>): string {
  const rows = Object.entries(faults).map(([name, row]) => codeRow(row.code ?? `steps.${prefix}.${name}`, row))
  return rows.length === 0 ? 'None of its own.\n' : table(['errorcode', 'status', 'faultstring', 'when'], rows)
}

function policies(): string {
  const parts = [...POLICY_KINDS.values()].map(
    (kind) =>
      `## ${kind.element}\nVariables: \`${kind.prefix}.{policy}.failed\`. More: [README](../../src/policies/${folderOf(kind.element)}/README.md).\n\n${policyFaults(kind.prefix, kind.faults)}`,
  )
  return `# Policies\n\n${parts.join('\n')}`
}

function faults(): string {
  const rows = Object.entries(PLATFORM_FAULTS).map(([code, row]) => codeRow(code, row))
  return `# Faults of the runtime\n\nThose of policies are in [policies.md](policies.md).\n\n${table(['errorcode', 'status', 'faultstring', 'when'], rows)}`
}

function apigErrors(): string {
  const answered: [ApigFaultRow, string][] = Object.values(APIG_FAULTS).map((row) => [row, row.cause])
  const never: [ApigFaultRow, string][] = APIG_FAULTS_NEVER.map((row) => [
    row,
    `${row.cause} Never answered here: ${row.never}.`,
  ])
  const rows = [...answered, ...never]
    .sort(([a], [b]) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0))
    .map(([row, when]) => [`\`${row.code}\``, String(row.status), row.message, row.type ?? '', when])
  return `# Error codes of the apig dialect\n\nAnswered as \`{"error_msg", "error_code", "request_id"}\`. A detail may follow the message after a colon.\n\n${table(['code', 'status', 'message', 'gateway response', 'when'], rows)}`
}

function variables(): string {
  const rows = Object.entries(PREDEFINED).map(([name, row]) => [
    `\`${name}\``,
    row.set === null ? 'read' : 'read, write',
    row.doc,
  ])
  const functions = [...TEMPLATE_FUNCTIONS.values()].map((row) => [`\`${row.usage}\``, row.doc])
  return `# Flow variables and template functions\n\n## Variables\nProperties of messages (\`request.header.X\`, \`response.content\`, ...) come on top.\n\n${table(['variable', 'access', 'what'], rows)}\n## Functions\n${table(['function', 'what'], functions)}`
}

function headers(): string {
  const rows = DIAGNOSTIC_HEADERS.map((row) => [`\`${row.name}\``, row.example, row.when])
  return `# Diagnostic headers\n\nOf answers. The same headers from a client or a backend are replaced, but for the RateLimit fields and Retry-After: those of a backend stay,\nand the gateway adds its own behind them (a gateway may not hide a limit).\n\n${table(['header', 'example', 'when'], rows)}`
}

function config(): string {
  const keyRows = (keys: readonly ConfigKey[], before: string): string[][] =>
    keys.flatMap((key) => {
      const path = before + key.name
      if (key.shape.type === 'later') return [[`\`${path}\``, 'not supported yet: refused', '', key.doc]]
      const { keys: inner, suffix } = innerKeys(key.shape)
      const kind = inner === null ? expected(key.shape) : suffix === '' ? 'keys' : 'a list'
      const otherwise = key.required ? 'required' : (key.otherwise ?? '')
      return [[`\`${path}\``, kind, otherwise, key.doc], ...(inner === null ? [] : keyRows(inner, `${path}${suffix}.`))]
    })
  const options = startCommand().options.map((option) => [
    `\`${option.flags}\``,
    option.envVar === undefined ? '' : `\`${option.envVar}\``,
    option.flags.startsWith('--workers')
      ? 'cores'
      : (option.defaultValueDescription ?? (option.defaultValue === undefined ? '' : String(option.defaultValue))),
    option.description,
  ])
  return (
    '# Configuration\n\nAn option wins over the environment, that over the file, that over the default.\n\n' +
    `## \`postern start\`\n${table(['option', 'environment', 'default', 'what'], options)}\n` +
    `\`POSTERN_ADMIN_TOKEN\` replaces the admin token that the first start makes. \`APICAST_RESPONSE_CODES\` replaces \`responseCodes\`.\n\n` +
    `## \`postern.yaml\`\n${table(['key', 'value', 'default', 'what'], keyRows(configKeys, ''))}`
  )
}

function innerKeys(shape: Shape): { keys: readonly ConfigKey[] | null; suffix: string } {
  if (shape.type === 'keys') return { keys: shape.keys, suffix: '' }
  if (shape.type === 'list' && shape.of.type === 'keys') return { keys: shape.of.keys, suffix: '[]' }
  return { keys: null, suffix: '' }
}

const folderOf = (element: string): string =>
  element
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()

function policyReadme(file: string, prefix: string, rows: Readonly<Record<string, FaultRow>>): string {
  const text = readFileSync(home + file, 'utf8')
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${file} lacks ${BEGIN} ... ${END}`)
  return `${text.slice(0, begin + BEGIN.length)}\n## Faults\n${policyFaults(prefix, rows)}${text.slice(end)}`
}

/** Every file that is made, as it should be: path from the checkout's root to text. */
export async function references(): Promise<Map<string, string>> {
  const made = new Map<string, string>([
    ['docs/reference/policies.md', NOTE + policies()],
    ['docs/reference/faults.md', NOTE + faults()],
    ['docs/reference/apig-errors.md', NOTE + apigErrors()],
    ['docs/reference/variables.md', NOTE + variables()],
    ['docs/reference/headers.md', NOTE + headers()],
    ['docs/reference/config.md', NOTE + config()],
    ['docs/reference/management-api.md', NOTE + (await managementReference())],
  ])
  for (const kind of POLICY_KINDS.values()) {
    const file = `src/policies/${folderOf(kind.element)}/README.md`
    made.set(file, policyReadme(file, kind.prefix, kind.faults))
  }
  return made
}
