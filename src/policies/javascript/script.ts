import { Script as VmScript } from 'node:vm'
import { FILE_NAME, type ScriptPart, sourceOf } from './sandbox.ts'

/** What shows of a script before it runs. */
export interface ScriptReads {
  /** Messages whose content it may read, by name; null: that of the segment. */
  readonly contents: readonly (string | null)[]
  /** It may wait for an exchange. */
  readonly waits: boolean
  readonly session: boolean
}

const CONTENT = /\b(content|body|formParams|formparam|formstring|asJSON|asForm)\b/

/**
 * Names are made up at run time, so this errs on the side of reading: a script that says `content` or `body` anywhere gets the
 * bodies of the messages that it names.
 */
export function scriptReads(parts: readonly ScriptPart[]): ScriptReads {
  const text = parts.map((part) => part.text).join('\n')
  const contents: (string | null)[] = []
  if (CONTENT.test(text)) {
    if (/\b(request|proxyRequest|targetRequest)\b/.test(text)) contents.push('request')
    if (/\b(response|proxyResponse|targetResponse)\b/.test(text)) contents.push('response')
    if (/\bmessage\b/.test(text) || contents.length === 0) contents.push(null)
  }
  return { contents, waits: /\bhttpClient\b|\bsession\b/.test(text), session: /\bsession\b/.test(text) }
}

export interface ScriptProblem {
  readonly code: string
  /** Counted from 0. */
  readonly line: number
  readonly text: string
}

const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\.asXML\b/, 'asXML needs E4X, which only Edge has: use XMLToJSON, ExtractVariables or XSL before the script'],
  [
    /\b(importPackage|importClass|JavaImporter)\s*\(|\bPackages\s*\.|\bjava\.(lang|util|io|net|security|text)\./,
    'scripts cannot reach Java here: write it in JavaScript, or call a service',
  ],
]

/** What is wrong with a script: it does not parse, or needs what is not here. The script is not run. */
export function scriptProblem(part: ScriptPart): ScriptProblem | null {
  const lineOf = (offset: number): number => part.text.slice(0, offset).split('\n').length - 1
  for (const [pattern, text] of REFUSED) {
    const found = pattern.exec(part.text)
    if (found !== null && !isComment(part.text, found.index)) {
      return { code: 'UnsupportedScript', line: lineOf(found.index), text: `${part.name}: ${text}` }
    }
  }
  try {
    new VmScript(sourceOf([part]), { filename: FILE_NAME })
    return null
  } catch (error) {
    const { message, stack = '' } = error as Error
    const line = Number(new RegExp(`${FILE_NAME}:(\\d+)`).exec(stack)?.[1] ?? 2) - 2
    // What is not closed shows only behind the end.
    const last = lineOf(part.text.trimEnd().length)
    return { code: 'ScriptCompilationFailed', line: Math.min(line, last), text: `${part.name}: ${message}` }
  }
}

/** Behind `//` on its line, or between the signs of a comment. */
function isComment(text: string, at: number): boolean {
  const lineStart = text.lastIndexOf('\n', at) + 1
  if (/(^|\s)\/\//.test(text.slice(lineStart, at))) return true
  return text.lastIndexOf('/*', at) > text.lastIndexOf('*/', at)
}
