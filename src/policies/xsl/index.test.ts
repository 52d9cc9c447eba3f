import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import xsl from './index.ts'

const sheet = (inside: string, output = '<xsl:output method="text"/>'): string =>
  `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">${output}${inside}</xsl:stylesheet>`
const template = (inside: string): string => `<xsl:template match="/">${inside}</xsl:template>`
const DOCUMENT = '<r><a>1</a><a>é&lt;</a></r>'

const run = (body: string, text: string, more: RunOptions = {}) =>
  runPolicy(xsl, `<XSL name="X"><ResourceURL>xsl://main.xsl</ResourceURL>${body}</XSL>`, {
    request: { content: DOCUMENT },
    resources: {
      'xsl/main.xsl': text,
      'xsl/inc.xsl': sheet('<xsl:template name="t">included</xsl:template>', ''),
    },
    ...more,
  })
const OUT = '<OutputVariable>out</OutputVariable>'
const faultOf = (outcome: unknown): unknown => (outcome instanceof Fault ? [outcome.code, outcome.text] : outcome)

describe('XSL', () => {
  test('the content of the message becomes the result, in the way that xsl:output says', async () => {
    const count = template('<n><xsl:value-of select="count(//a)"/></n>')
    const { exchange, problemLines } = await run('', sheet(count, '<xsl:output omit-xml-declaration="yes"/>'))
    expect(problemLines).toEqual([])
    expect(exchange.request.content).toBe('<n>2</n>\n')
  })

  test('into a variable, from a variable with text; what is not ASCII stays', async () => {
    const all = sheet(template('<xsl:value-of select="//a[2]"/>'))
    const options = { variables: { xml: '<r><a/><a>ü€𝄞</a></r>' } }
    const { exchange } = await run(`<Source>xml</Source>${OUT}`, all, options)
    expect(exchange.get('out')).toBe('ü€𝄞')
    expect(exchange.request.content).toBe(DOCUMENT)
  })

  test('parameters are texts, whatever is in them', async () => {
    const all = sheet(
      `<xsl:param name="a"/><xsl:param name="b">own</xsl:param>${template('<xsl:value-of select="concat($a, \'|\', $b)"/>')}`,
    )
    const body = '<Parameters><Parameter name="a" ref="v" value="instead"/></Parameters>'
    for (const v of ["it's", 'say "x"', `both ' and "`, "' or 1=1", '', '{}']) {
      expect((await run(body + OUT, all, { variables: { v } })).exchange.get('out')).toBe(`${v}|own`)
    }
    expect((await run(body + OUT, all)).exchange.get('out')).toBe('instead|own')
  })

  test('a variable that is not set is a fault, unless it may be', async () => {
    const all = sheet(`<xsl:param name="a">own</xsl:param>${template('<xsl:value-of select="$a"/>')}`)
    const body = (ignore: string) => `<Parameters ${ignore}><Parameter name="a" ref="none"/></Parameters>${OUT}`
    expect(faultOf((await run(body(''), all)).outcome)).toEqual([
      'steps.xsl.XSLVariableResolutionFailed',
      'Failed to resolve variable none for XSL X',
    ])
    expect((await run(body('ignoreUnresolvedVariables="true"'), all)).exchange.get('out')).toBe('')
  })

  test('other stylesheets of the bundle may be included; nothing else is loaded', async () => {
    for (const href of ['inc.xsl', 'xsl://inc.xsl']) {
      const text = sheet(`<xsl:include href="${href}"/>${template('<xsl:call-template name="t"/>')}`, '')
      expect((await run(OUT, text)).exchange.get('out')).toContain('included')
    }
    for (const url of ['http://127.0.0.1:1/x', 'file:///etc/passwd', '/etc/passwd']) {
      const text = sheet(template(`[<xsl:copy-of select="document('${url}')"/>]`))
      const { exchange, outcome } = await run(OUT, text)
      expect(outcome instanceof Fault || exchange.get('out') === '[]').toBe(true)
    }
  })

  test.each([
    ['no XML', 'hello'],
    ['cut off', '<r>'],
    ['nothing', ''],
    ['a DTD', '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'],
    ['deep', '<a>'.repeat(100_000)],
  ])('a document that cannot be: %s', async (_, content) => {
    const { outcome, again, exchange } = await run(OUT, sheet(template('x')), { request: { content } })
    expect((outcome as Fault).code).toBe('steps.xsl.XSLEvaluationFailed')
    exchange.request.body.set(DOCUMENT)
    expect(await again()).toBeUndefined()
  })

  test('stylesheets that cannot be: the reason is told', async () => {
    const reason = async (text: string) => ((await run(OUT, text)).outcome as Fault).text
    expect(await reason(sheet(template('<xsl:value-of select="]["/>')))).toContain(
      'could not compile select expression',
    )
    expect(await reason(sheet(template('<xsl:message terminate="yes">stop</xsl:message>')))).toMatch(
      /^Evaluation of XSL X failed/,
    )
  })

  test('one that fills the stack does no harm to the next', async () => {
    const loop = sheet(
      `${template('<xsl:call-template name="l"/>')}<xsl:template name="l"><a><xsl:call-template name="l"/></a></xsl:template>`,
    )
    const [looped, waited] = await Promise.all([run(OUT, loop), run(OUT, sheet(template('fine')))])
    expect((looped.outcome as Fault).code).toBe('steps.xsl.XSLEvaluationFailed')
    expect(waited.exchange.get('out')).toBe('fine')
  })

  test('one that never ends is ended, and the next call works', { timeout: 30_000 }, async () => {
    const each = (inside: string): string => `<xsl:for-each select="//a">${inside}</xsl:for-each>`
    const loop = sheet(template(each(each(each(each(each('<xsl:if test="false()">x</xsl:if>')))))))
    const many = { request: { content: `<r>${'<a/>'.repeat(300)}</r>` } }
    const [looped, waited] = await Promise.all([run(OUT, loop, many), run(OUT, sheet(template('fine')))])
    expect((looped.outcome as Fault).text).toContain('it took longer than 5000 ms')
    expect(waited.exchange.get('out')).toBe('fine')
  })

  test('a source that is none', async () => {
    expect(faultOf((await run(`<Source>none</Source>${OUT}`, sheet(''))).outcome)).toEqual([
      'steps.xsl.XSLSourceMessageNotAvailable',
      'none message is not available for XSL: X',
    ])
  })

  test.each([
    ['', 'error: XSLEmptyResourceUrl'],
    ['<ResourceURL>jsc://a.js</ResourceURL>', 'error: XSLInvalidResourceType'],
    ['<ResourceURL>xsl://none.xsl</ResourceURL>', 'error: ResourceNotFound'],
    [
      '<ResourceURL>xsl://main.xsl</ResourceURL><Parameters><Parameter name="a b"/></Parameters>',
      'error: InvalidParameter',
    ],
    ['<ResourceURL>xsl://root.xsl</ResourceURL>', 'error: InvalidStylesheet: xsl://root.xsl: its root is <a>'],
    ['<ResourceURL>xsl://cut.xsl</ResourceURL>', 'error: InvalidStylesheet: xsl://cut.xsl: 1:'],
    ['<ResourceURL>xsl://v2.xsl</ResourceURL>', 'warning: XsltVersion'],
  ])('at deployment: %s is %s', async (body, line) => {
    const { problemLines } = await runPolicy(xsl, `<XSL name="X">${body}</XSL>`, {
      resources: {
        'xsl/main.xsl': sheet(''),
        'xsl/v2.xsl': sheet('').replace('1.0', '2.0'),
        'xsl/root.xsl': '<a/>',
        'xsl/cut.xsl': '<a>',
      },
    })
    expect(problemLines).toEqual([expect.stringContaining(line)])
  })
})
