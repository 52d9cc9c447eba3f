import { describe, expect, test } from 'vitest'
import { Problems, problemLine } from '../../model/problem.ts'
import type { ApiDoc, GroupDoc } from '../apig/docs.ts'
import { runtimeOfResources } from '../apig/runtime.ts'
import { openApiOf } from './export.ts'
import { readOpenApiFile } from './file.ts'
import { looksLikeOpenApi } from './index.ts'

function read(text: string) {
  const problems = new Problems()
  const resources = readOpenApiFile(text, 'api.yaml', problems)
  return { apis: runtimeOfResources(resources).apis, lines: problems.list.map(problemLine) }
}

describe('a plain file', () => {
  test('OpenAPI 3: the server is the backend, its path stays', () => {
    const { apis, lines } = read(`openapi: 3.1.0
info: {title: Pet store, version: "1"}
servers: [{url: "https://{host}/v1/", variables: {host: {default: pets.example:8443}}}]
paths:
  /pets/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    get:
      operationId: getPet
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 10, default: 5}}
        - {name: Authorization, in: header, schema: {type: string}}
      responses: {200: {description: "ok \${x}"}}
    delete: {}
components:
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string, pattern: "^[a-z]+$"}}}
`)
    expect(lines).toEqual([])
    expect(apis.map(({ apiName, method, path, stage }) => [apiName, method, path, stage])).toEqual([
      ['getPet', 'GET', '/v1/pets/{id}', 'RELEASE'],
      ['DELETE_/pets/_id_', 'DELETE', '/v1/pets/{id}', 'RELEASE'],
    ])
    expect(apis[0]!.backend).toMatchObject({
      origin: 'https://pets.example:8443',
      path: '/v1/pets/{id}',
      method: 'GET',
    })
    expect(apis[0]!.parameters).toMatchObject([
      { name: 'id', location: 'PATH', required: true, validation: { pattern: '(?:^[a-z]+$)' } },
      { name: 'limit', location: 'QUERY', defaultValue: '5', validation: { type: 'NUMBER', min: 1, max: 10 } },
    ])
  })

  test('Swagger 2 in JSON', () => {
    const { apis, lines } = read(
      JSON.stringify({
        swagger: '2.0',
        info: { title: 'Old' },
        host: 'old.example',
        basePath: '/api/',
        schemes: ['http'],
        paths: {
          '/a': {
            post: { parameters: [{ name: 'q', in: 'query', type: 'string', enum: ['x', 'y'], required: true }] },
          },
        },
      }),
    )
    expect(lines).toEqual([])
    expect(apis[0]).toMatchObject({
      path: '/api/a',
      groupName: 'Old',
      backend: { origin: 'http://old.example', path: '/api/a' },
    })
    expect(apis[0]!.parameters[0]).toMatchObject({ required: true, validation: { oneOf: ['x', 'y'] } })
  })

  test('what cannot be checked is pointed out and passes', () => {
    const { apis, lines } = read(`openapi: 3.0.0
info: {title: Api}
servers: [{url: "http://a.example"}]
paths:
  /a:
    get:
      parameters:
        - {name: "filter[x]", in: query, schema: {type: string}}
        - {name: p, in: query, schema: {type: string, pattern: "(?=a)"}}
        - {$ref: "other.yaml#/x"}
`)
    expect(apis[0]!.parameters.map(({ name }) => name)).toEqual(['p'])
    expect(lines.map((line) => line.slice(0, 60))).toEqual([
      'api.yaml:7:7: warning: NotChecked: a $ref that leads nowhere',
      'api.yaml:7:7: warning: NotChecked: the query parameter filte',
      'api.yaml:7:7: warning: NotChecked: the pattern of p is not c',
    ])
  })
})

test('x-apigateway: backends, mocks, throttles, lists, any method, match mode, security', () => {
  const { apis, lines } = read(`openapi: 3.0.0
info: {title: Api}
paths:
  /http:
    x-apigateway-any-method:
      operationId: any
      x-apigateway-match-mode: SWA
      x-apigateway-cors: true
      x-apigateway-ratelimit: few
      x-apigateway-access-control: inside
      security: [{app: []}]
      x-apigateway-backend:
        type: HTTP
        parameters: [{name: X-Ip, value: "$context.sourceIp", in: HEADER, origin: SYSTEM}]
        httpEndpoints: {address: "b.example", scheme: http, method: GET, path: /b, timeout: 100, retry-count: 2}
  /mock:
    get:
      operationId: mock
      x-apigateway-response: mine
      x-apigateway-backend: {type: MOCK, mockEndpoints: {result-content: hello, status-code: 201, headers: [{name: X-A, value: b}]}}
x-apigateway-ratelimits:
  few: {api-limit: 3, ip-limit: 1, interval: 2, unit: minute, shared: true, special: [{type: USER, limit: 2, instance: p1}]}
x-apigateway-access-controls:
  inside: {acl-type: PERMIT, entity-type: IP, value: [127.0.0.1, 10.0.0.0/8]}
x-apigateway-responses:
  mine: {NOT_FOUND: {status: 410, body: gone}}
components:
  securitySchemes: {app: {type: apiKey, name: Authorization, in: header, x-apigateway-auth-type: AppSigv1, x-apigateway-auth-opt: {appcode-auth-type: header}}}
`)
  expect(lines).toEqual([])
  expect(apis[0]).toMatchObject({
    method: 'ANY',
    prefix: true,
    cors: true,
    auth: { type: 'APP', appCode: true },
    throttle: {
      name: 'few',
      unit: 'minute',
      intervalCount: 2,
      shared: true,
      limits: { api: 3, ip: 1 },
      specials: [{ type: 'user', id: 'p1', limit: 2 }],
    },
    access: [{ of: 'ip', permit: true, values: ['127.0.0.1', '10.0.0.0/8'] }],
    backend: { kind: 'http', origin: 'http://b.example', path: '/b', method: 'GET', timeoutMs: 100, retries: 2 },
  })
  expect(apis[1]).toMatchObject({
    backend: { kind: 'mock', status: 201, body: 'hello', headers: ['X-A', 'b'] },
    responses: { NOT_FOUND: { status: 410, body: 'gone' } },
  })
})

test("backend policies in the vendor's words, exported and read again", () => {
  const { apis, lines } = read(`openapi: 3.0.0
info: {title: Api}
paths:
  /a:
    get:
      operationId: one
      parameters: [{name: X-Kind, in: header, schema: {type: string}}]
      x-apigateway-backend: {type: MOCK, mockEndpoints: {result-content: usual}}
      x-apigateway-backend-policies:
        - type: MOCK
          name: listed
          mockEndpoints: {result-content: listed}
          conditions:
            - {type: enum, value: "a,b", origin: request, parameter: X-Kind}
            - {type: pattern, value: "z.*", origin: request, parameter_name: q}
            - {type: equal, value: 10.0.0.0/8, origin: source}
`)
  expect(lines).toEqual([])
  expect(apis[0]!.branches[0]!.conditions).toMatchObject([
    { origin: 'param', name: 'X-Kind', location: 'HEADER', type: 'enum', value: 'a,b' },
    { origin: 'param', name: 'q', location: null, type: 'pattern', value: 'z.*' },
    { origin: 'source', type: 'exact', value: '10.0.0.0/8' },
  ])
  const resources = readOpenApiFile(
    `openapi: 3.0.0
info: {title: Api}
paths:
  /a:
    get:
      operationId: one
      x-apigateway-backend: {type: MOCK}
      x-apigateway-backend-policies:
        - {type: MOCK, name: p, conditions: [{type: pattern, value: z, origin: cookie, parameter: c}, {type: enum, value: "a", origin: request, parameter: q}]}
`,
    'api.yaml',
    new Problems(),
  )
  const docs = (kind: string): unknown[] => resources.filter((one) => one.kind === kind).map(({ doc }) => doc)
  const text = JSON.stringify(openApiOf(docs('group')[0] as GroupDoc, docs('api') as ApiDoc[], '1'))
  const again = runtimeOfResources(readOpenApiFile(text, 'again.json', new Problems())).apis
  expect(again[0]!.branches).toEqual(runtimeOfResources(resources).apis[0]!.branches)
})

test('mistakes have their place', () => {
  const { apis, lines } = read(`openapi: 3.0.0
info: {title: Api}
paths:
  /a/{id}.json:
    get: {x-apigateway-backend: {type: MOCK}}
  /b:
    get: {}
  /c:
    get: {x-apigateway-backend: {type: FUNCTION}}
  /d:
    get: {x-apigateway-backend: {type: MOCK}, x-apigateway-ratelimit: none}
  /e:
    get: {x-apigateway-backend: {type: HTTP-VPC, httpVpcEndpoints: {name: channel}}}
`)
  expect(apis).toEqual([])
  expect(lines).toEqual([
    'api.yaml:7:10: error: BadApi: paths./b.get: what is behind it is not said: name servers with a whole URL, as in http://127.0.0.1:8080/v1, or x-apigateway-backend',
    'api.yaml:5:10: error: BadApi: paths./a/{id}.json.get: invalid parameter value: {name} stands for a whole segment, as in /a/{id}',
    'api.yaml:9:10: error: BadApi: paths./c.get: invalid parameter value: HTTP or MOCK: FUNCTION is not supported; put an HTTP server before it',
    'api.yaml:11:10: error: BadApi: paths./d.get: invalid parameter value: the name of one of the throttles above; none is none',
    'api.yaml:13:10: error: BadApi: paths./e.get: invalid parameter value: 2: load balance channels are not supported; name the host in url_domain',
  ])
})

test('other versions, circles and junk end soon', () => {
  expect(read('openapi: 4.0.0\n').lines[0]).toContain('neither OpenAPI 3 nor Swagger 2')
  expect(read('openapi: 3.0.0\npaths: {/a: {$ref: "#/paths/~1a"}}\n').apis).toEqual([])
  expect(read('openapi: 3.0.0\npaths: 5\n').lines).toEqual([])
  expect(read('openapi: "3.0.0"\npaths: {/a: {get: 5}}\n').lines[0]).toContain('BadApi')
})

test('what looks like one', () => {
  for (const text of ['openapi: 3.0.0', '{"swagger":"2.0"}', '{\n  "openapi": "3"', '# x\nswagger: "2.0"']) {
    expect(looksLikeOpenApi(text), text).toBe(true)
  }
  for (const text of ['version: 1', '{"services": []}', 'description: "openapi: 3"'])
    expect(looksLikeOpenApi(text), text).toBe(false)
})
