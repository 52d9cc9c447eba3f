/** Lines of cells as RFC 4180 has them, but for the end of a line where a vendor has another. No spreadsheet may take a text for a formula. */
export function csvOf(lines: readonly (readonly (string | number)[])[], lineEnd: '\r\n' | '\n' = '\r\n'): string {
  return lines.map((cells) => cells.map(cell).join(',') + lineEnd).join('')
}

function cell(value: string | number): string {
  const text = String(value)
  if (typeof value === 'number' || /^[\w ][\w :.+-]*$/.test(text)) return text
  return `"${/^[=+\-@\t\r]/.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`
}
