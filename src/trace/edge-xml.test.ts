import { expect, test } from 'vitest'
import { edgeTime } from './edge-points.ts'
import { edgeXml } from './edge-xml.ts'

const head = { organization: 'o', environment: 'e', proxy: 'p', revision: 1, session: 's', retrievedAtMs: 0 }

test('what calls bring cannot leave its place', () => {
  const xml = edgeXml(head, [
    [
      'id"<&',
      {
        completed: true,
        point: [
          {
            id: 'StateChange',
            results: [
              {
                ActionResult: 'RequestMessage',
                verb: 'GET',
                uRI: '/a?b=1&c="2"',
                headers: [{ name: 'X-"Q"', value: '</Header><Evil/>' }],
                content: 'a\u0000b\r\n]]>\ud800',
              },
              { ActionResult: 'VariableAccess', accessList: [{ Set: { name: 'v', value: '"<&>', success: true } }] },
            ],
          },
        ],
      },
    ],
  ])
  expect(xml).toContain('<DebugId>id"&lt;&amp;</DebugId>')
  expect(xml).toContain('<Header name="X-&quot;Q&quot;">&lt;/Header&gt;&lt;Evil/&gt;</Header>')
  expect(xml).toContain('<URI>/a?b=1&amp;c="2"</URI>')
  expect(xml).toContain('<Content>a\ufffdb&#13;\n]]&gt;\ufffd</Content>')
  expect(xml).toContain('<Set name="v" value="&quot;&lt;&amp;&gt;" success="true"/>')
})

test('times are written as Edge writes them', () => {
  expect(edgeTime(Date.UTC(2015, 9, 29, 23, 22, 59, 7))).toBe('29-10-15 23:22:59:007')
})
