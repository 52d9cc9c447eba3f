export function xpathText(expr: string, xml: string, rest: string[]): string | null {
  return expr === '' || xml === '' || rest.length > 11 ? null : null
}
