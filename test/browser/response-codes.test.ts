import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildDashboard } from '../../scripts/build-dashboard.ts'
import { type Admin, startAdmin } from '../../src/admin/server.ts'
import { browserPath, type Door, styleOf, TestBrowser } from './browser.ts'
import { callsOf, demoNowMs, demoOptions, demoToken, fillDemo, runningClock } from './demo-gateway.ts'

const responseCodes = '/analytics/response-codes'

describe.skipIf(browserPath === undefined)('response codes in a browser', () => {
  const options = demoOptions({ clock: runningClock() })
  let browser: TestBrowser
  let admin: Admin
  let emptyAdmin: Admin

  beforeAll(async () => {
    const { folder } = await buildDashboard()
    fillDemo(options.analytics, { days: 9, hoursByMinute: 4 })
    admin = await startAdmin({ ...options, dashboardFolder: folder })
    emptyAdmin = await startAdmin(demoOptions({ dashboardFolder: folder }))
    browser = await TestBrowser.launch()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await admin?.close(0)
    await emptyAdmin?.close(0)
  })

  afterEach(() => {
    expect(browser.endTest()).toEqual([])
  })

  const origin = (door: Admin = admin): string => `http://127.0.0.1:${door.port}`
  const doorOf = (door: Admin): Door => ({ origin: origin(door), token: demoToken })

  /** Opens with the link that `start` prints, and waits for what is drawn. */
  async function open(path: string, settings: BrowserContextOptions = {}, door: Admin = admin): Promise<Page> {
    const page = await browser.open(doorOf(door), path, settings)
    await page.locator('.uplot, .empty, .problem').first().waitFor()
    return page
  }

  const addressOf = (page: Page): string => page.url().slice(origin().length)
  const figure = async (page: Page, title: string): Promise<string> =>
    page.locator('.totals > div', { hasText: title }).locator('.figure').innerText()
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const legend = (page: Page, key: string) => page.locator('.legend button', { hasText: key })
  const drawn = (page: Page) => page.getByRole('slider')

  /** What a client with the token reads for the same range. */
  async function read(query: string): Promise<{ calls: number; statuses: { status: number; calls: number }[] }> {
    const headers = { authorization: `Bearer ${demoToken}` }
    return (await fetch(`${origin()}/api/response-codes?${query}`, { headers })).json() as never
  }

  test('opens by the link, keeps no token in the address, and shows every call', async () => {
    const page = await open(responseCodes)
    expect(addressOf(page)).toBe(responseCodes)
    expect(await page.title()).toBe('Response codes · Postern')
    const { calls, statuses } = await read('last=24h')
    expect(await figure(page, 'Calls')).toBe(calls.toLocaleString('en-GB'))
    const rows = page.locator('section', { hasText: 'Meaning' }).locator('tbody tr')
    expect(await rows.count()).toBe(statuses.length)
    expect(await rows.first().innerText()).toContain(statuses[0]!.calls.toLocaleString('en-GB'))
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  test("has 3scale's colours", async () => {
    const page = await open(responseCodes)
    const colours: Record<string, string> = {}
    for (const [at, key] of ['2XX', '3XX', '4XX', '499', '5XX'].entries())
      colours[key] = await styleOf(page, `.legend li:nth-child(${at + 1}) .swatch`, 'border-top-color')
    expect(colours).toMatchObject({ '2XX': 'rgb(92, 184, 92)', '4XX': 'rgb(240, 173, 78)', '5XX': 'rgb(217, 83, 79)' })
  })

  test('the time bar changes range and step, and Back undoes each', async () => {
    const page = await open(responseCodes)
    await button(page, 'Last 7 days').click()
    await expect.poll(() => addressOf(page)).toBe(`${responseCodes}?last=7d`)
    await expect.poll(async () => figure(page, 'Calls')).toBe((await read('last=7d')).calls.toLocaleString('en-GB'))
    await page.getByLabel('per').selectOption('hour')
    expect(addressOf(page)).toBe(`${responseCodes}?last=7d&per=hour`)
    await expect.poll(() => drawn(page).getAttribute('aria-valuemax')).toBe('167')
    await page.goBack()
    await expect.poll(() => drawn(page).getAttribute('aria-valuemax')).toBe('6')
    await page.goBack()
    await expect.poll(() => drawn(page).getAttribute('aria-valuemax')).toBe('23')
    expect(addressOf(page)).toBe(responseCodes)
    expect(await button(page, 'Last 24 hours').getAttribute('aria-pressed')).toBe('true')
    await page.goForward()
    await expect.poll(() => drawn(page).getAttribute('aria-valuemax')).toBe('6')
  })

  test('two dates are a range, both days included', async () => {
    const page = await open(responseCodes)
    await button(page, 'Dates, from one until another').click()
    expect(addressOf(page)).toBe(`${responseCodes}?from=2026-11-16&until=2026-11-22`)
    await page.getByLabel('from', { exact: true }).fill('2026-11-20')
    await page.getByLabel('until', { exact: true }).fill('2026-11-21')
    await expect.poll(() => addressOf(page)).toBe(`${responseCodes}?from=2026-11-20&until=2026-11-21`)
    await expect.poll(() => drawn(page).getAttribute('aria-valuemax')).toBe('47')
  })

  test('the legend hides and shows, in the address too', async () => {
    const page = await open(responseCodes)
    await legend(page, '2XX').click()
    await legend(page, '3XX').click()
    expect(addressOf(page)).toBe(`${responseCodes}?hide=2XX,3XX`)
    await page.reload()
    await page.locator('.uplot').waitFor()
    expect(await legend(page, '2XX').getAttribute('aria-pressed')).toBe('false')
    expect(await legend(page, '4XX').getAttribute('aria-pressed')).toBe('true')
    await drawn(page).focus()
    await page.keyboard.press('End')
    expect(await page.locator('.chart-card').innerText()).toMatch(/5XX[\s\S]*499[\s\S]*4XX[\s\S]*Shown/)
    expect(await page.locator('.chart-card').innerText()).not.toContain('2XX')
    await page.goBack()
    await expect.poll(() => legend(page, '3XX').getAttribute('aria-pressed')).toBe('true')
  })

  test('the second view is by who answered', async () => {
    const page = await open(responseCodes)
    await button(page, 'By who answered').click()
    expect(addressOf(page)).toBe(`${responseCodes}?by=answerer`)
    const rows = await page.locator('section', { hasText: 'What it means' }).locator('tbody th').allInnerTexts()
    expect(rows.map((row) => row.trim()).sort()).toEqual(['Callout', 'Client', 'Gateway', 'Policy', 'Target'])
  })

  test('keys and the pointer read single steps', async () => {
    const page = await open(responseCodes)
    await drawn(page).focus()
    await page.keyboard.press('Home')
    expect(await drawn(page).getAttribute('aria-valuetext')).toMatch(/^Sat, 21 Nov 2026, 12:00–13:00: 2XX [\d,]+/)
    await page.keyboard.press('ArrowRight')
    expect(await drawn(page).getAttribute('aria-valuetext')).toMatch(/13:00–14:00/)
    expect(await page.locator('.chart-card').isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    expect(await page.locator('.chart-card').count()).toBe(0)
    const box = (await drawn(page).boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 100)
    await page.locator('.chart-card').waitFor()
    expect(await page.locator('.chart-card').innerText()).toMatch(/Calls\s+[\d,]+/)
  })

  test('new calls show without a reload', async () => {
    const page = await open(`${responseCodes}?last=1h&proxy=fresh`)
    expect(await page.locator('.empty').innerText()).toContain('There can be three reasons')
    const minuteMs = Math.floor(demoNowMs / 60_000) * 60_000
    await options.analytics.write({ rows: [callsOf({ minuteMs, calls: 3, proxy: 'fresh' })], droppedCalls: 0 })
    await page.locator('.uplot').waitFor()
    expect(await figure(page, 'Calls')).toBe('3')
  })

  test('a service is picked by name, and a name is text, never markup', async () => {
    const page = await open(responseCodes)
    await page.getByLabel('Calls of').selectOption({ label: 'Weather' })
    expect(addressOf(page)).toBe(`${responseCodes}?service=42`)
    await expect.poll(async () => figure(page, 'Calls')).toBe((await read('service=42')).calls.toLocaleString('en-GB'))
    await page.getByLabel('Calls of').selectOption({ label: '<script>document.title="owned"</script>' })
    await page.locator('.empty').waitFor()
    expect(await page.title()).toBe('Response codes · Postern')
  })

  test('nothing to show says why, and what to do', async () => {
    const page = await open(responseCodes, {}, emptyAdmin)
    const text = await page.locator('.empty').innerText()
    expect(text).toContain('There was no traffic.')
    expect(text).toContain('The codes were not reported here.')
    expect(text).toContain('The range is the wrong one.')
    await button(page, 'Show the last 12 months').click()
    await expect.poll(() => page.url()).toContain('?last=12m')
  })

  test('an address that asks too much gets the reason and a way out', async () => {
    const page = await open(`${responseCodes}?last=12m&per=minute`)
    expect(await page.getByRole('alert').innerText()).toContain('it can be day or month')
    await button(page, 'Show the last 24 hours of all traffic').click()
    await page.locator('.uplot').waitFor()
    expect(addressOf(page)).toBe(responseCodes)
  })

  test('fits screens of every size', async () => {
    const page = await open(`${responseCodes}?from=2026-11-20&until=2026-11-21`)
    for (const width of [360, 414, 768, 1024]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    }
  })

  test('counts in the zone of whoever looks, or in UTC', async () => {
    const page = await open(`${responseCodes}?last=7d`, { timezoneId: 'America/St_Johns' })
    await drawn(page).focus()
    await page.keyboard.press('End')
    expect(await drawn(page).getAttribute('aria-valuetext')).toMatch(/^Sun, 22 Nov 2026: /)
    await page.getByLabel('times in').selectOption('UTC')
    expect(addressOf(page)).toBe(`${responseCodes}?last=7d&zone=UTC`)
    await page.locator('.uplot').waitFor()
  })

  test('asks for the token when there is no session, and takes it by the form', async () => {
    const page = await browser.page(doorOf(admin), { locale: 'en-GB' })
    await page.goto(`${origin()}${responseCodes}?last=7d`)
    await page.getByLabel('Admin token').fill('wrong')
    await button(page, 'Open the dashboard').click()
    expect(await page.getByRole('alert').innerText()).toContain('not the admin token')
    await page.getByLabel('Admin token').fill(demoToken)
    await page.keyboard.press('Enter')
    await page.locator('.uplot').waitFor()
    expect(addressOf(page)).toBe(`${responseCodes}?last=7d`)
  })

  test('a shared link on another site opens for who has a session', async () => {
    const page = await open(responseCodes)
    const link = `${origin()}${responseCodes}?last=7d&by=answerer`
    const site: Server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end(`<a href="${link}">look</a>`)
    })
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    try {
      // Another name is another site, although it is the same machine.
      await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`)
      await page.getByRole('link').click()
      await page.locator('.uplot').waitFor()
      expect(page.url()).toBe(link)
    } finally {
      browser.complaints = browser.complaints.filter((complaint) => !complaint.includes('http://localhost'))
      site.close()
    }
  })
})
