import { describe, expect, test } from 'vitest'
import { type Access, type AccessQuestion, type Admission, Refusal } from '../../engine/access.ts'
import { Fault } from '../../engine/fault.ts'
import { runPolicy } from '../test-kit.ts'
import authRep from './index.ts'

const RULES = `<MappingRules>
  <MappingRule method="GET" pattern="/a/{x}?size={s}&amp;unit=mm" metric="sized" delta="2" last="true"/>
  <MappingRule pattern="/a" metric="hits"/>
</MappingRules>`

const policy = (inner: string): string =>
  `<AuthRep name="AR"><Service>42</Service><UserKey ref="request.queryparam.user_key"/>${inner}</AuthRep>`

/** Keeps what is asked, gives `answer`. */
function stub(answer: Admission | Refusal): Access & { asked: AccessQuestion[] } {
  const asked: AccessQuestion[] = []
  return {
    asked,
    open: () => ({
      ask: (question) => {
        asked.push(question)
        return Promise.resolve(answer)
      },
    }),
  }
}

const admission: Admission = { service: '42', application: 'app', account: 'acme', limit: null, ended: () => {} }

describe('AuthRep', () => {
  test('asks with credentials and usage, and lets pass', async () => {
    const access = stub(admission)
    const { outcome, exchange } = await runPolicy(authRep, policy(RULES), {
      access,
      request: { uri: '/a/b?user_key=k&size=3&unit=m&unit=mm' },
    })
    expect(outcome).toBeUndefined()
    expect(access.asked).toMatchObject([{ userKey: 'k', appId: null, appKey: null, referrer: null }])
    expect([...access.asked[0]!.deltas]).toEqual([['sized', 2]])
    expect(exchange.admissions).toEqual([admission])
    expect(exchange.refused).toBe(false)
  })

  test.each([
    ['/a', [['hits', 1]]],
    ['/a?user_key=k&unit=mm', [['hits', 1]]],
    ['//a//x%20y/../b', [['hits', 1]]],
  ])('what %s uses', async (uri, deltas) => {
    const access = stub(admission)
    const separator = uri.includes('?') ? '&' : '?'
    await runPolicy(authRep, policy(RULES), { access, request: { uri: `${uri}${separator}user_key=k` } })
    expect([...access.asked[0]!.deltas]).toEqual(deltas)
  })

  test('a form takes part in the rules, and wins over the query', async () => {
    const access = stub(admission)
    const rules = RULES.replace('method="GET"', 'method="POST"')
    await runPolicy(authRep, policy(rules), {
      access,
      request: {
        verb: 'POST',
        uri: '/a/b?user_key=k&unit=inch',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        content: 'size=1&unit=mm',
      },
    })
    expect([...access.asked[0]!.deltas]).toEqual([['sized', 2]])
  })

  test.each([
    ['', '/a', 'AuthMissing', 401],
    [RULES, '/b?user_key=k', 'NoMatch', 404],
  ])('refuses what it need not ask about: %s %s', async (inner, uri, name, status) => {
    const access = stub(admission)
    const { outcome, exchange } = await runPolicy(authRep, policy(inner), { access, request: { uri } })
    expect(outcome).toMatchObject({ code: `steps.authrep.${name}`, status })
    expect([access.asked.length, exchange.refused]).toEqual([0, true])
  })

  test.each([
    [new Refusal('authFailed', 'application_not_active'), 'AuthFailed', 403, undefined],
    [new Refusal('limitsExceeded', 'limits_exceeded', 60), 'LimitsExceeded', 429, '60'],
    [new Refusal('limitsExceeded', 'limits_exceeded', -1), 'LimitsExceeded', 429, undefined],
  ])('refuses what the accounts refuse: %j', async (refusal, name, status, retryAfter) => {
    const { outcome, exchange } = await runPolicy(authRep, policy(''), {
      access: stub(refusal),
      request: { uri: '/a?user_key=k' },
    })
    expect(outcome).toBeInstanceOf(Fault)
    const fault = outcome as Fault
    expect([fault.name, fault.status, exchange.answerHeaders?.[1]]).toEqual([name, status, retryAfter])
    expect(exchange.get('authrep.AR.reason')).toBe(refusal.reason)
    expect([exchange.refused, exchange.admissions]).toEqual([true, null])
  })

  test('tells limits when it is asked to', async () => {
    const limit = { remaining: 4, resetSeconds: 30, max: 10 }
    const { exchange } = await runPolicy(authRep, policy('<RateLimitHeaders>true</RateLimitHeaders>'), {
      access: stub({ ...admission, limit }),
      request: { uri: '/a?user_key=k' },
    })
    expect(exchange.answerHeaders).toEqual([
      'RateLimit-Limit',
      '10',
      'RateLimit-Remaining',
      '4',
      'RateLimit-Reset',
      '30',
    ])
  })

  test.each([
    ['<AuthRep name="AR"/>', ['MissingCredentials', 'MissingService']],
    [policy('<Caching>lax</Caching>'), ['InvalidCaching']],
    [policy('<Backend><Endpoint>ftp://x</Endpoint></Backend>'), ['InvalidBackend', 'InvalidBackend']],
    [
      policy(
        '<Backend><Endpoint>http://x</Endpoint><ServiceToken>a</ServiceToken><ProviderKey>b</ProviderKey></Backend>',
      ),
      ['InvalidBackend'],
    ],
    [policy('<MappingRules><MappingRule pattern="a" delta="-1"/></MappingRules>'), ['InvalidPattern', 'InvalidDelta']],
    [policy('<Usage metric="hits">some</Usage>'), ['InvalidDelta']],
    [policy('<Usage metric="hits" delta="2"/>'), ['InvalidUsage']],
    [policy('<Usage><Metric name="hits">1</Metric></Usage>'), ['InvalidUsage']],
  ])('is checked at deployment: %s', async (xml, codes) => {
    const { problems } = await runPolicy(authRep, xml, { request: { uri: '/' } })
    expect(problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual(codes)
  })
})
