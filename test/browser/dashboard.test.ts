import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildDashboard } from '../../scripts/build-dashboard.ts'
import { type Admin, startAdmin } from '../../src/admin/server.ts'
import { callsOf, demoNowMs, demoOptions, demoToken, fillDemo, runningClock } from './demo-gateway.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (browserPath === undefined)
  console.warn('SKIPPED: the dashboard was not seen in a browser, since no Chromium is installed')

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const responseCodes = '/analytics/response-codes'

describe.skipIf(browserPath === undefined)('the dashboard in a browser', () => {
  const options = demoOptions({ clock: runningClock() })
  let browser: Browser
  let admin: Admin
  let emptyAdmin: Admin
  let context: BrowserContext | undefined
  /** What the pages of the running test complained about, and what they asked for elsewhere. */
  let complaints: string[] = []

  beforeAll(async () => {
    const { folder } = await buildDashboard()
    fillDemo(options.analytics, { days: 9, hoursByMinute: 4 })
    admin = await startAdmin({ ...options, dashboardFolder: folder })
    emptyAdmin = await startAdmin(demoOptions({ dashboardFolder: folder }))
    browser = await chromium.launch({ executablePath: browserPath!, args: quiet })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await admin?.close(0)
    await emptyAdmin?.close(0)
  })

  afterEach(async () => {
    await context?.close()
    context = undefined
    expect(complaints).toEqual([])
  })

  const origin = (door: Admin = admin): string => `http://127.0.0.1:${door.port}`

  async function newPage(settings: BrowserContextOptions = {}, door: Admin = admin): Promise<Page> {
    complaints = []
    context = await browser.newContext({ timezoneId: 'UTC', viewport: { width: 1280, height: 900 }, ...settings })
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
    page.on('console', (message) => {
      // Chromium itself reports answers of 400 and more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(origin(door))) complaints.push(`asked elsewhere: ${request.url()}`)
    })
    return page
  }

  /** Opens with the link that `start` prints, and waits for what is drawn. */
  async function open(path: string, settings: BrowserContextOptions = {}, door: Admin = admin): Promise<Page> {
    const page = await newPage(settings, door)
    await page.goto(`${origin(door)}${path}${path.includes('?') ? '&' : '?'}token=${demoToken}`)
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
    for (const key of ['2XX', '4XX', '5XX']) {
      colours[key] = await legend(page, key)
        .locator('.swatch')
        .evaluate(
          (swatch: never) =>
            (globalThis as never as { getComputedStyle(e: never): { borderColor: string } }).getComputedStyle(swatch)
              .borderColor,
        )
    }
    expect(colours).toEqual({ '2XX': 'rgb(92, 184, 92)', '4XX': 'rgb(240, 173, 78)', '5XX': 'rgb(217, 83, 79)' })
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

  test('is dark where that is wanted, and remembers a choice', async () => {
    const ground = (page: Page) => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(await ground(await open(responseCodes))).toBe('rgb(245, 246, 248)')
    await context?.close()
    const page = await open(responseCodes, { colorScheme: 'dark' })
    expect(await ground(page)).toBe('rgb(15, 20, 25)')
    await button(page, 'Light').click()
    await page.reload()
    await page.locator('.uplot').waitFor()
    expect(await ground(page)).toBe('rgb(245, 246, 248)')
  })

  test.each([360, 414, 768, 1024])('fits a screen of %i pixels', async (width) => {
    const page = await open(`${responseCodes}?from=2026-11-20&until=2026-11-21`, { viewport: { width, height: 800 } })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
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
    const page = await newPage()
    await page.goto(origin() + responseCodes)
    await page.getByLabel('Admin token').fill('wrong')
    await button(page, 'Open the dashboard').click()
    expect(await page.getByRole('alert').innerText()).toContain('not the admin token')
    await page.getByLabel('Admin token').fill(demoToken)
    await page.keyboard.press('Enter')
    await page.locator('.uplot').waitFor()
    expect(addressOf(page)).toBe(responseCodes)
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
      complaints = complaints.filter((complaint) => !complaint.includes('http://localhost'))
      site.close()
    }
  })
})
