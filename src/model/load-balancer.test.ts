import { expect, test } from 'vitest'
import { readXml } from '../dialects/apigee/xml-reader.ts'
import { httpConnectionOf } from './http-connection.ts'
import { Problems, problemLine } from './problem.ts'

function read(inside: string) {
  const problems = new Problems()
  const xml = readXml(`<HTTPTargetConnection>${inside}</HTTPTargetConnection>`, 'a.xml', problems)!
  const connection = httpConnectionOf(xml, problems)
  return { connection, lines: problems.list.map((problem) => problemLine(problem).replace(/^\S+ /, '')) }
}

const balancer = (inside: string, more = ''): string =>
  `<LoadBalancer><Server name="a"/><Server name="b"/>${inside}</LoadBalancer>${more}`
const monitor = (inside: string): string => `<HealthMonitor>${inside}</HealthMonitor>`

test('what is not said is as on Edge', () => {
  expect(read(balancer('', '<Path>/get</Path>')).connection).toMatchObject({
    url: null,
    balancer: {
      algorithm: 'RoundRobin',
      servers: [{ name: 'a', weight: 1, fallback: false, enabled: true }, { name: 'b' }],
      maxFailures: 0,
      retryEnabled: true,
      unhealthyStatuses: [],
      disableSeconds: null,
      path: { text: '/get' },
      monitor: null,
    },
  })
})

test('everything that can be said', () => {
  const text = `<LoadBalancer><Algorithm>Weighted</Algorithm>
    <Server name="a"><Weight>3</Weight></Server><Server name="b"><IsFallback>true</IsFallback></Server>
    <MaxFailures>5</MaxFailures><RetryEnabled>false</RetryEnabled><TargetDisableSecs>30</TargetDisableSecs>
    <ServerUnhealthyResponse><ResponseCode>500</ResponseCode><ResponseCode>503</ResponseCode></ServerUnhealthyResponse>
    </LoadBalancer>${monitor(`<IsEnabled>true</IsEnabled><IntervalInSec>2</IntervalInSec><HTTPMonitor><Request>
      <ConnectTimeoutInSec>1</ConnectTimeoutInSec><SocketReadTimeoutInSec>3</SocketReadTimeoutInSec><Port>81</Port>
      <Verb>post</Verb><Path>up</Path><Header name="A">1</Header><Payload>x</Payload><IsSSL>true</IsSSL>
      <TrustAllSSL>true</TrustAllSSL><IncludeHealthCheckIdHeader>true</IncludeHealthCheckIdHeader></Request>
      <SuccessResponse><ResponseCode>204</ResponseCode><Header name="OK">yes</Header></SuccessResponse></HTTPMonitor>`)}`
  const { connection, lines } = read(text)
  expect(lines).toEqual([])
  expect(connection?.balancer).toMatchObject({
    algorithm: 'Weighted',
    servers: [{ weight: 3 }, { fallback: true }],
    maxFailures: 5,
    retryEnabled: false,
    unhealthyStatuses: [500, 503],
    disableSeconds: 30,
    monitor: {
      intervalSeconds: 2,
      probe: {
        kind: 'http',
        connectTimeoutSeconds: 1,
        readTimeoutSeconds: 3,
        port: 81,
        verb: 'POST',
        path: '/up',
        headers: ['A', '1'],
        payload: 'x',
        secure: true,
        trustAll: true,
        withId: true,
        successStatuses: [204],
        successHeaders: ['OK', 'yes'],
      },
    },
  })
})

test('an empty LoadBalancer counts as absent; a monitor that is switched off is none', () => {
  expect(read('<URL>http://a.test</URL><LoadBalancer/><HealthMonitor/>').connection?.balancer).toBeNull()
  const off = monitor('<IsEnabled>false</IsEnabled><TCPMonitor/>')
  expect(read(balancer('<MaxFailures>1</MaxFailures>', off)).connection?.balancer?.monitor).toBeNull()
})

test.each([
  [`<URL>http://a.test</URL>${balancer('')}`, 'ConnectionConflict: <URL> together with <LoadBalancer>'],
  [
    '<LoadBalancer><Algorithm>RoundRobin</Algorithm></LoadBalancer>',
    'InvalidLoadBalancer: <LoadBalancer> names no <Server>',
  ],
  [balancer('<Algorithm>Random</Algorithm>'), 'InvalidLoadBalancer: <Algorithm> is Random, not one of RoundRobin'],
  [balancer('<Server name="a"/>'), 'InvalidLoadBalancer: server a is named twice'],
  [balancer('<Server/>'), 'InvalidLoadBalancer: <Server> needs the attribute name'],
  [balancer('<MaxFailures>-1</MaxFailures>'), 'InvalidLoadBalancer: <MaxFailures> must be a whole number from 0'],
  [balancer('<RetryEnabled>maybe</RetryEnabled>'), 'InvalidLoadBalancer: <RetryEnabled> must be true or false'],
  [
    balancer('<ServerUnhealthyResponse><ResponseCode>5xx</ResponseCode></ServerUnhealthyResponse>'),
    'must be a status from 100 to 599',
  ],
  [
    '<LoadBalancer><Server name="a"><IsFallback>true</IsFallback></Server></LoadBalancer>',
    'InvalidLoadBalancer: a fallback alone',
  ],
  [balancer('', monitor('<TCPMonitor/>')), 'InvalidHealthMonitor: <HealthMonitor> needs <MaxFailures> above 0'],
  [
    balancer('<MaxFailures>1</MaxFailures>', monitor('<IntervalInSec>5</IntervalInSec>')),
    'InvalidHealthMonitor: <HealthMonitor> needs <TCPMonitor> or',
  ],
  [
    balancer('<MaxFailures>1</MaxFailures>', monitor('<IntervalInSec>0</IntervalInSec><TCPMonitor/>')),
    'InvalidHealthMonitor: <IntervalInSec> must be a whole number from 1',
  ],
  [
    balancer('<MaxFailures>1</MaxFailures>', monitor('<TCPMonitor/><HTTPMonitor/>')),
    'InvalidHealthMonitor: <HTTPMonitor> together with',
  ],
  [
    `<URL>http://a.test</URL>${monitor('<IntervalInSec>5</IntervalInSec>')}`,
    'ConnectionConflict: <HealthMonitor> belongs to <LoadBalancer>',
  ],
  [`<URL>http://a.test</URL><Path>/a</Path>`, 'ConnectionConflict: <Path> belongs to <LoadBalancer>'],
  [balancer('', '<Path>/a b</Path>'), 'InvalidURL: a <Path> has no white space'],
])('%s is an error', (inside, line) => {
  const { connection, lines } = read(inside)
  expect(lines).toContainEqual(expect.stringContaining(line))
  expect(connection).toBeNull()
})
