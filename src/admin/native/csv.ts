/** Lines of cells as RFC 4180 has them. No spreadsheet may take a text for a formula. */
export function csvOf(lines: readonly (readonly (string | number)[])[]): string {
  return `${lines.map((cells) => cells.map(cell).join(',')).join('\r\n')}\r\n`
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /^[\w .:+-]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}
