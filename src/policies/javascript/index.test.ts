import { describe, expect, test } from 'vitest'
import type { Message } from '../../engine/message.ts'
import { OutboundError } from '../../engine/policy.ts'
import { outboundStub, type RunOptions, runPolicy } from '../test-kit.ts'
import javascript from './index.ts'

// Source of the rules: Apigee's JavaScript policy and its object model, as far as the documentation tells.

const run = (script: string, options: RunOptions & { attributes?: string; children?: string } = {}) =>
  runPolicy(
    javascript,
    `<Javascript name="JS" ${options.attributes ?? ''}>${options.children ?? ''}<ResourceURL>jsc://main.js</ResourceURL></Javascript>`,
    { ...options, resources: { 'jsc/main.js': script, ...options.resources } },
  )

const failed = (error: string): object => ({
  code: 'steps.javascript.ScriptExecutionFailed',
  status: 500,
  text: `Execution of JS failed with error: Javascript runtime error: "${error}"`,
})

describe('the object model', () => {
  test('variables are read, written and removed', async () => {
    const { exchange, problemLines } = await run(
      `var n = context.getVariable('n');
       context.setVariable('twice', n * 2);
       context.setVariable('kind', typeof context.getVariable('text') + typeof n);
       context.setVariable('none', context.getVariable('nothing') === null);
       context.removeVariable('text');`,
      { variables: { n: 21, text: 'x' } },
    )
    expect(problemLines).toEqual([])
    expect(['twice', 'kind', 'none', 'text'].map((name) => exchange.get(name))).toEqual([
      42,
      'stringnumber',
      true,
      null,
    ])
  })

  test('headers and query parameters are hashes, names of headers in any case', async () => {
    const { exchange } = await run(
      `context.setVariable('seen', [request.headers['x-one'], request.queryParams['a'],
         request.queryParams.b.length, request.headers['None'] === undefined, 'X-One' in request.headers].join());
       request.headers['X-Two'] = 'two'; delete request.headers['X-One']; request.queryParams['c d'] = '3';
       context.setVariable('names', Object.keys(request.headers).join());`,
      { request: { uri: '/test?a=1&b=2&b=3', headers: { 'X-One': 'one, and more' } } },
    )
    expect(exchange.get('seen')).toBe('one, and more,1,2,true,true')
    expect(exchange.request.headers.raw).toEqual(['X-Two', 'two'])
    expect(exchange.request.uri).toBe('/test?a=1&b=2&b=3&c%20d=3')
    expect(exchange.get('names')).toBe('X-Two')
  })

  test('content is text that parses itself; what a script changes in it goes out', async () => {
    const { exchange } = await run(
      `var body = request.content.asJSON; body.list.push(3);
       context.setVariable('text', JSON.parse(request.content).list.length);
       context.setVariable('same', request.body.asJSON === body);`,
      { request: { verb: 'POST', content: '{"list":[1,2]}', headers: { 'Content-Type': 'application/json' } } },
    )
    expect(exchange.request.content).toBe('{"list":[1,2,3]}')
    expect([exchange.get('text'), exchange.get('same')]).toEqual([2, true])
  })

  test('an emptied message is filled as JSON', async () => {
    const { exchange } = await run(`response.content = ''; var r = response.content.asJSON; r.a = {b: 1}`, {
      phase: 'proxy-response',
      response: { status: 200, content: '<old/>' },
    })
    expect(exchange.response?.content).toBe('{"a":{"b":1}}')
  })

  test('a response is written', async () => {
    const { exchange } = await run(
      `response.content = JSON.stringify({was: response.status.code, flow: context.flow});
       response.headers['Content-Type'] = 'application/json'; response.status = 201; context.proxyResponse.status.message = 'Made';`,
      { phase: 'proxy-response', response: { status: 200, content: 'old' } },
    )
    expect(exchange.response).toMatchObject({
      status: 201,
      reason: 'Made',
      content: '{"was":200,"flow":"PROXY_RESP_FLOW"}',
    })
    expect(exchange.response!.headers.raw).toEqual(['Content-Type', 'application/json'])
  })

  test('form parameters', async () => {
    const { exchange } = await run(
      `context.setVariable('a', request.formParams.a); context.setVariable('b', request.content.asForm.b); request.formParams['c'] = 'x y';`,
      {
        request: {
          verb: 'POST',
          content: 'a=1&b=2+2',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        },
      },
    )
    expect([exchange.get('a'), exchange.get('b')]).toEqual(['1', '2 2'])
    expect(exchange.request.content).toMatch(/^a=1&b=2\+2&c=x(%20|\+)y$/)
  })

  test('properties, print, crypto', async () => {
    const { exchange } = await run(
      `print('a', 1); print(properties.greeting);
       context.setVariable('hash', crypto.getSHA1().update('a').update('bc').digest());
       context.setVariable('hash64', crypto.getMD5().update('abc').digest64());
       context.setVariable('b64', crypto.base64Encode('hé'));
       context.setVariable('date', crypto.dateFormat('yyyy-MM-dd', 'UTC', 0));`,
      { children: '<Properties><Property name="greeting"> hello </Property></Properties>' },
    )
    expect(exchange.get('javascript.JS.stdout')).toBe('a 1\nhello\n')
    expect(['hash', 'hash64', 'b64', 'date'].map((name) => exchange.get(name))).toEqual([
      'a9993e364706816aba3e25717850c26c9cd0d89d',
      'kAFQmDzST7DWlj99KOF/cg==',
      'aMOp',
      '1970-01-01',
    ])
  })

  test('lists answer as those of Java do', async () => {
    const { exchange } = await run(
      `var names = context.getVariable('request.headers.names'); context.setVariable('r', [names.size(), '' + names, names.get(1)].join('|'))`,
      { request: { headers: { A: '1', B: '2' } } },
    )
    expect(exchange.get('r')).toBe('2|[A, B]|B')
  })

  test('what cannot be written stays as it is', async () => {
    const { exchange, outcome } = await run(`context.setVariable('client.ip', 'x'); context.setVariable('on', true)`)
    expect(outcome).toBeUndefined()
    expect(exchange.get('on')).toBe(true)
  })
})

describe('scripts', () => {
  test('includes come first, in the same scope', async () => {
    const { exchange } = await run(`context.setVariable('r', twice(base))`, {
      children: '<IncludeURL>jsc://a.js</IncludeURL><IncludeURL>jsc://b.js</IncludeURL>',
      resources: { 'jsc/a.js': 'var base = 4 // no end of line', 'jsc/b.js': 'function twice(n) { return n * 2 }' },
    })
    expect(exchange.get('r')).toBe(8)
  })

  test('may stand in the policy itself', async () => {
    const { exchange } = await runPolicy(
      javascript,
      `<Javascript name="JS"><Source>context.setVariable('r', 1 &lt; 2);</Source></Javascript>`,
    )
    expect(exchange.get('r')).toBe(true)
  })

  test('names without var are those of one call', async () => {
    const { exchange, again } = await run(
      `leaked = typeof leaked === 'undefined' ? 1 : 2; var mine = typeof mine; this.other = (this.other || 0) + 1;
       context.setVariable('r', leaked + mine + other)`,
    )
    expect(exchange.get('r')).toBe('1undefined1')
    await again()
    expect(exchange.get('r')).toBe('1undefined1')
  })

  test('context.session is shared by the scripts of one message', async () => {
    const { exchange } = await runPolicy(javascript, [
      `<Javascript name="A"><Source>context.session['n'] = {a: [1]}</Source></Javascript>`,
      `<Javascript name="B"><Source>context.setVariable('r', context.session.n.a[0])</Source></Javascript>`,
    ])
    expect(exchange.get('r')).toBe(1)
  })
})

describe('httpClient', () => {
  const answer = {
    status: 201,
    reason: 'Created',
    headers: ['X-A', 'b', 'Content-Type', 'application/json'],
    body: '{"n":7}',
  }

  test.each([
    ['later', true],
    ['at once', false],
  ])('a script waits for an answer that comes %s, and has each effect once', async (_, later) => {
    const stub = outboundStub(answer, later)
    const { exchange } = await run(
      `context.setVariable('runs', (context.getVariable('runs') || 0) + 1);
       try {
         var req = new Request('http://up.test/x', 'POST', {'X-H': 'v'}, 'body');
         var exchange = httpClient.send(req);
         exchange.waitForComplete();
         if (exchange.isSuccess()) {
           var r = exchange.getResponse();
           context.setVariable('r', [r.status, r.status.code, r.headers['x-a'], r.content.asJSON.n, String(r.content)].join());
         } else context.setVariable('r', 'error: ' + exchange.getError());
       } catch (e) { context.setVariable('caught', '' + e) }
       context.setVariable('after', true);`,
      { outbound: stub.outbound },
    )
    expect(stub.requests).toMatchObject([
      { url: 'http://up.test/x', method: 'POST', headers: ['X-H', 'v'], body: 'body' },
    ])
    expect(['runs', 'r', 'caught', 'after'].map((name) => exchange.get(name))).toEqual([
      1,
      '201,201,b,7,{"n":7}',
      null,
      true,
    ])
  })

  test('two calls run at the same time; a third waits for both', async () => {
    const stub = outboundStub({ body: 'x' })
    const { exchange } = await run(
      `var a = httpClient.get('http://up.test/a'), b = httpClient.get('http://up.test/b');
       a.waitForComplete(); b.waitForComplete();
       var c = httpClient.get('http://up.test/' + a.getResponse().content + b.getResponse().content); c.waitForComplete();
       context.setVariable('r', c.isComplete() + String(c.getResponse().status.message))`,
      { outbound: stub.outbound },
    )
    expect(exchange.get('r')).toBe('trueOK')
    expect(stub.requests.map(({ url }) => url)).toEqual(['http://up.test/a', 'http://up.test/b', 'http://up.test/xx'])
  })

  test('an answer that never comes', async () => {
    const call = (): Promise<never> => new Promise(() => {})
    const { exchange } = await run(
      `var e = httpClient.get('http://up.test'); e.waitForComplete(20); context.setVariable('r', [e.isComplete(), e.isSuccess(), e.isError()].join())`,
      { outbound: { call } },
    )
    expect(exchange.get('r')).toBe('false,false,false')
  })

  test('no answer', async () => {
    const stub = outboundStub(new OutboundError('unreachable', 'nobody there'))
    const { exchange } = await run(
      `var e = httpClient.get('http://up.test'); e.waitForComplete(); context.setVariable('r', [e.isSuccess(), e.isError(), e.getError(), e.getResponse()].join())`,
      { outbound: stub.outbound },
    )
    expect(exchange.get('r')).toBe('false,true,nobody there,')
  })

  test('callbacks run before the flow goes on, and may call again', async () => {
    const stub = outboundStub({ body: '5' })
    const { exchange, outcome } = await run(
      `var sum = 0;
       function done(response, error) {
         sum += Number(response.content);
         context.setVariable('sum', sum);
         if (sum < 12) httpClient.send('http://up.test/again', done);
       }
       httpClient.send(new Request('http://up.test/1'), done); httpClient.send('http://up.test/2', done);`,
      { outbound: stub.outbound },
    )
    expect(outcome).toBeUndefined()
    expect(exchange.get('sum')).toBe(20)
    expect(stub.requests).toHaveLength(4)
  })

  test('time and chance are the same when a script that waited runs again', async () => {
    const stub = outboundStub({ body: '1' })
    const { exchange, outcome } = await run(
      `var sent = [Date.now(), +new Date(), Math.random(), Math.random()];
       httpClient.get('http://up.test/' + sent).waitForComplete();
       context.setVariable('sent', 'http://up.test/' + sent);
       context.setVariable('differ', sent[2] !== sent[3] && sent[2] >= 0 && sent[2] < 1);
       context.setVariable('kinds', [new Date() instanceof Date, new Date(0).constructor === Date, typeof Date(), Date.UTC(1970, 0)].join());
       context.setVariable('age', Date.now() - sent[0]);`,
      { outbound: stub.outbound },
    )
    expect(outcome).toBeUndefined()
    expect(stub.requests).toMatchObject([{ url: exchange.get('sent') }])
    expect(exchange.get('differ')).toBe(true)
    expect(exchange.get('kinds')).toBe('true,true,string,0')
    expect(exchange.get('age')).toBeGreaterThanOrEqual(0)
  })

  test('what is kept for a script that may wait is bounded', async () => {
    const { outcome } = await run(`for (;;) context.getVariable('a'); httpClient.get('').waitForComplete()`, {
      outbound: outboundStub().outbound,
      attributes: 'timeLimit="20000"',
    })
    expect(outcome).toMatchObject(failed('Error: a script that waits may ask at most 100000 times. (main.js:1)'))
  })

  test('get takes a callback too', async () => {
    const { exchange } = await run(
      `httpClient.get('http://up.test/', function (response, error) { context.setVariable('r', response.content + error) })`,
      { outbound: outboundStub({ body: 'got' }).outbound },
    )
    expect(exchange.get('r')).toMatch(/^got(null|undefined)$/)
  })

  test('a text that begins with a NUL is a text, as a client may send it', async () => {
    const { exchange } = await run(
      `context.setVariable('r', typeof context.getVariable('request.queryparam.n') + request.content.length)`,
      { request: { verb: 'POST', uri: '/?n=%00', content: '\0[' } },
    )
    expect(exchange.get('r')).toBe('string2')
  })

  test('a header name that could not be sent is refused, or has no effect as a variable', async () => {
    const { outcome } = await run(`response.headers['A B'] = '1'`, {
      phase: 'proxy-response',
      response: { status: 200 },
    })
    expect(outcome).toMatchObject(failed('Error: "A B" is not a header name. (main.js:1)'))
    const { exchange } = await run(`context.setVariable('response.header.A\\nB', '1')`, {
      phase: 'proxy-response',
      response: { status: 200 },
    })
    expect(exchange.response!.headers.raw).toEqual([])
  })

  test('one script sends, a later one waits', async () => {
    const stub = outboundStub({ body: 'late' })
    const { exchange } = await runPolicy(
      javascript,
      [
        `<Javascript name="A"><Source>context.session['call'] = httpClient.get('http://up.test/')</Source></Javascript>`,
        `<Javascript name="B"><Source>var e = context.session['call']; e.waitForComplete(1000); context.setVariable('r', '' + e.getResponse().content)</Source></Javascript>`,
      ],
      { outbound: stub.outbound },
    )
    expect(exchange.get('r')).toBe('late')
    expect(stub.requests).toHaveLength(1)
  })

  test('a throw in a callback is a fault', async () => {
    const { outcome } = await run(`httpClient.send('http://up.test', function (r) { r.none.x })`, {
      outbound: outboundStub().outbound,
    })
    expect(outcome).toMatchObject(failed('TypeError: Cannot read property "x" from undefined. (main.js:1)'))
  })

  test('calls of one message are bounded', async () => {
    const { outcome } = await run(`for (;;) httpClient.get('http://up.test')`, { outbound: outboundStub().outbound })
    expect(outcome).toMatchObject(failed('Error: one message may call at most 50 times. (main.js:1)'))
  })
})

describe('what goes wrong', () => {
  test.each([
    ['throws', `\n\nthrow new Error('no')`, 'Error: no. (main.js:3)'],
    ['throws text', `throw 'no'`, 'no.'],
    ['names what is not there', `context.setVariable('a', b)`, 'ReferenceError: "b" is not defined. (main.js:1)'],
    ['throws null', `throw null`, 'null.'],
    ['throws what throws', `throw {get message() { throw new Error('x') }}`, null],
    ['recurses without end', `function f() { f() } f()`, 'RangeError: Maximum call stack size exceeded. (main.js:1)'],
  ])('a script that %s', async (_, script, error) => {
    const { outcome, exchange } = await run(script)
    expect(outcome).toMatchObject(error === null ? { code: 'steps.javascript.ScriptExecutionFailed' } : failed(error))
    expect(exchange.get('javascript.JS.failed')).toBe(true)
  })

  test('the line is that of the file, behind includes too', async () => {
    const { outcome } = await run(`var a = 1\nnothing()`, {
      children: '<IncludeURL>jsc://a.js</IncludeURL>',
      resources: { 'jsc/a.js': 'var x = 1\nvar y = 2\n' },
    })
    expect(outcome).toMatchObject(failed('ReferenceError: "nothing" is not defined. (main.js:2)'))
  })

  const endless = [
    ['loops', `while (true) {}`],
    ['loops in a catch', `while (true) { try { while (true) {} } catch (e) {} }`],
    ['has a pattern that backtracks', `/^(a+)+$/.test(new Array(40).join('a') + 'b')`],
  ] as const
  test.each(endless)('a script that %s is ended, and the next call runs', async (_, script) => {
    const { outcome, again } = await run(
      `if (!context.getVariable('second')) { context.setVariable('second', true); ${script} }`,
      {
        attributes: 'timeLimit="30"',
      },
    )
    expect(outcome).toMatchObject(failed('it runs longer than 30 ms.'))
    expect(await again()).toBeUndefined()
  })

  const hungry = [
    ['objects', `var a = []; for (;;) a.push(new Array(1000).join('x').split(''))`],
    ['a string', `var s = 'x'; for (;;) s += s + Math.random()`],
    ['buffers', `var a = []; for (;;) a.push(new Uint8Array(8 << 20).fill(1))`],
  ] as const
  test.each(hungry)('a script that fills memory with %s is ended, and the next call runs', async (_, script) => {
    const { outcome, again } = await run(
      `if (!context.getVariable('second')) { context.setVariable('second', true); ${script} }`,
      {
        attributes: 'timeLimit="5000"',
      },
    )
    expect(outcome).toMatchObject({ code: 'steps.javascript.ScriptExecutionFailed' })
    expect(await again()).toBeUndefined()
  })

  test('nothing of the host is within reach', async () => {
    const { exchange, outcome } = await run(
      `var reach = ['process', 'require', 'globalThis.process', 'fetch', 'setTimeout', 'Buffer', 'host', 'scripts', 'calls'];
       var found = reach.filter(function (name) { try { return eval(name) !== undefined } catch (e) { return false } });
       var way = [context.getVariable, print, httpClient.get, request, response.headers, crypto, Request, context].filter(function (f) {
         try { return f.constructor.constructor('return typeof process')() !== 'undefined' } catch (e) { return false } });
       context.setVariable('found', found.join() + way.length)`,
    )
    expect(outcome).toBeUndefined()
    expect(exchange.get('found')).toBe('0')
  })

  test('a script cannot break the object model for the next call', async () => {
    const { exchange, again } = await run(
      `context.setVariable('r', (context.getVariable('r') || 0) + 1);
       JSON.parse = null; JSON.stringify = null; Object.keys = Object.assign = null; Array.prototype.push = null; String = null;`,
    )
    await again()
    expect(exchange.get('r')).toBeGreaterThanOrEqual(1)
  })
})

describe('deployment', () => {
  const problems = async (xml: string, resources: Record<string, string> = {}) =>
    (await runPolicy(javascript, xml, { resources })).problemLines

  test.each([
    ['<Javascript name="JS"/>', 'InvalidResourceUrlFormat: Javascript wants either <ResourceURL> or <Source>'],
    [
      '<Javascript name="JS"><ResourceURL>main.js</ResourceURL></Javascript>',
      'InvalidResourceUrlFormat: <ResourceURL> is "main.js"; a script is named like jsc://file.js',
    ],
    [
      '<Javascript name="JS"><ResourceURL>jsc://none.js</ResourceURL></Javascript>',
      'NoResourceForURL: there is no resources/jsc/none.js',
    ],
    [
      '<Javascript name="JS" timeLimit="-1"><Source>1</Source></Javascript>',
      'InvalidTimeLimit: timeLimit="-1" is no number of milliseconds from 1 to 60000',
    ],
    [
      '<Javascript name="JS"><Source>var a = ;</Source></Javascript>',
      "ScriptCompilationFailed: Source: Unexpected token ';'",
    ],
    [
      '<Javascript name="JS"><SSLInfo><Enabled>true</Enabled></SSLInfo><Source>1</Source></Javascript>',
      'NotSupported: <SSLInfo> of a script is not supported: use ServiceCallout for calls with it',
    ],
    [
      '<Javascript name="JS"><Source>var x = response.content.asXML;</Source></Javascript>',
      'UnsupportedScript: Source: asXML needs E4X, which only Edge has: use XMLToJSON, ExtractVariables or XSL before the script',
    ],
    [
      '<Javascript name="JS"><Source>importPackage(java.io);</Source></Javascript>',
      'UnsupportedScript: Source: scripts cannot reach Java here: write it in JavaScript, or call a service',
    ],
  ])('%s', async (xml, line) => {
    expect((await problems(xml)).join('\n')).toContain(line)
  })

  test('the line of a syntax error is that of the file', async () => {
    const placeOf = async (script: string): Promise<unknown> => {
      const policy = '<Javascript name="JS"><ResourceURL>jsc://a.js</ResourceURL></Javascript>'
      const { problems: list } = await runPolicy(javascript, policy, { resources: { 'jsc/a.js': script } })
      expect(list).toMatchObject([{ code: 'ScriptCompilationFailed' }])
      return list![0]!.at
    }
    expect(await placeOf('var a = 1\n\nvar b = ;\n')).toMatchObject({
      file: expect.stringMatching(/resources.jsc.a\.js$/),
      line: 3,
    })
    expect(await placeOf('var a = 1\nvar b = (2\n')).toMatchObject({ line: 2 })
  })
})

test('a body is loaded only for scripts that read one', async () => {
  const { exchange } = await run(`context.setVariable('r', request.verb)`)
  expect((exchange.request as Message).isLoading).toBe(false)
  expect(exchange.get('r')).toBe('GET')
})
