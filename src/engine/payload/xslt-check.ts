import { SaxesParser } from 'saxes'

const XSLT = 'http://www.w3.org/1999/XSL/Transform'

/** Why a text is no stylesheet: not well-formed, or something else at its root. Null: it may be one; its XPaths show when it is used. */
export function stylesheetFault(text: string): string | null {
  let root: string | null = null
  let isSheet = false
  let fault: string | null = null
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    fault ??= error.message
  })
  parser.on('opentag', ({ name, local, uri, attributes }) => {
    if (root !== null) return
    root = name
    // A literal result element is a whole stylesheet, too.
    const simplified = Object.values(attributes).some((one) => one.uri === XSLT && one.local === 'version')
    isSheet = (uri === XSLT && (local === 'stylesheet' || local === 'transform')) || simplified
  })
  try {
    parser.write(text).close()
  } catch (error) {
    fault ??= (error as Error).message
  }
  if (fault !== null) return fault
  return isSheet ? null : `its root is <${String(root)}>, not xsl:stylesheet`
}
