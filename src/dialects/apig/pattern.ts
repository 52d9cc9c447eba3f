import { RE2JS } from 're2js'

/** Why a text is no pattern that can be matched in linear time; null: it is one. */
export function patternFault(text: string): string | null {
  try {
    RE2JS.compile(text)
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    return `a regular expression without look-around and back references: ${reason.slice(0, 200)}`
  }
}
