import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildDashboard } from '../../scripts/build-dashboard.ts'
import { browserPath, styleOf, TestBrowser } from './browser.ts'
import { markup, type ShopGateway, startShopGateway } from './shop-gateway.ts'

test('the bundle is under 150 kB, packed', async () => {
  const { folder } = await buildDashboard()
  const packed = ['index.html', 'app.js', 'app.css'].map((file) => gzipSync(readFileSync(join(folder, file))).length)
  expect(Math.min(...packed)).toBeGreaterThan(0)
  expect(packed.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(150_000)
})

/** Every page of the menu, and what it shows of the calls that were made. */
const pages: readonly (readonly [path: string, heading: string, shows: string])[] = [
  ['/overview', 'Overview', 'Last hour'],
  ['/analytics/usage?service=43', 'Usage', 'Products'],
  ['/analytics/response-codes', 'Response codes', 'Client errors'],
  ['/analytics/top-applications?service=43', 'Top applications', 'Web shop'],
  ['/applications', 'Applications', 'Price robot'],
  ['/applications/103', 'Price robot', '3 of 3'],
  ['/throttles', 'Throttles', 'silver'],
  ['/proxies', 'Proxies', '/weather'],
  ['/proxies/weather', 'Weather', 'Ask the geocoder'],
  ['/explain', 'Explain', '/shop/orders'],
  ['/trace', 'Trace', 'Sessions'],
]

describe.skipIf(browserPath === undefined)('the pages of a running gateway', () => {
  let browser: TestBrowser
  let shop: ShopGateway

  beforeAll(async () => {
    await buildDashboard()
    ;[shop, browser] = await Promise.all([startShopGateway(), TestBrowser.launch()])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await shop?.stop()
  })

  afterEach(() => {
    expect(browser.endTest()).toEqual([])
  })

  const open = (path: string, settings = {}): Promise<Page> => browser.open(shop.door, path, settings)
  const main = (page: Page): Promise<string> => page.locator('main').innerText()
  const addressOf = (page: Page): string => page.url().slice(shop.door.origin.length)
  const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })

  test.each(pages)('%s shows what it is for, light and dark, and fits a phone', async (path, heading, shows) => {
    const page = await open(path)
    await expect.poll(() => main(page)).toContain(shows)
    expect(await page.locator('h1').innerText()).toBe(heading)
    expect(await page.title()).toBe(`${heading} · Postern`)
    expect(await page.getByRole('alert').allInnerTexts()).toEqual([])
    expect(await page.locator('nav a[aria-current]').count()).toBe(1)
    expect(await styleOf(page, 'html', 'background-color')).toBe('rgb(245, 246, 248)')
    await page.setViewportSize({ width: 360, height: 740 })
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await styleOf(page, 'html', 'background-color')).toBe('rgb(15, 20, 25)')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await page.emulateMedia({ colorScheme: 'light' })
  })

  test('goes from page to page without a load, and Back leads home', async () => {
    const page = await open('/')
    expect(addressOf(page)).toBe('/overview')
    await page.evaluate('window.same = true')
    await link(page, 'Response codes').click()
    await page.getByRole('button', { name: 'Last 7 days' }).click()
    await link(page, 'Usage').click()
    // The time bar is one for all pages of statistics.
    expect(addressOf(page)).toBe('/analytics/usage?last=7d')
    await expect.poll(() => page.title()).toBe('Usage · Postern')
    await link(page, 'Proxies').click()
    await page.getByRole('link', { name: 'weather', exact: true }).click()
    await expect.poll(() => addressOf(page)).toBe('/proxies/weather')
    expect(await page.evaluate('window.same')).toBe(true)
    for (const path of ['/proxies', '/analytics/usage?last=7d', '/analytics/response-codes?last=7d']) {
      await page.goBack()
      await expect.poll(() => addressOf(page)).toBe(path)
    }
    await expect.poll(() => page.title()).toBe('Response codes · Postern')
  })

  test('from the red of the chart to the codes, to a call, to why', async () => {
    const page = await open('/analytics/response-codes?last=1h&hide=2XX,3XX,4XX,499')
    const chart = page.getByRole('slider')
    await page.locator('.chart-canvas canvas').waitFor()
    // The newest step with calls that is drawn: found with the keys, then clicked near its foot.
    await chart.focus()
    await page.keyboard.press('End')
    while (/no shown/.test((await chart.getAttribute('aria-valuetext'))!)) await page.keyboard.press('ArrowLeft')
    const band = (await page.locator('.chart-band.picked').boundingBox())!
    await page.mouse.click(band.x + band.width / 2, band.y + band.height - 6)
    await expect.poll(() => addressOf(page)).toContain('class=5XX')
    const behind = page.getByRole('region', { name: /^Behind/ })
    await behind.getByRole('button', { name: '503' }).click()
    await expect.poll(() => addressOf(page)).toContain('status=503')
    const rows = behind.getByRole('row').filter({ hasText: '/weather/forecast' })
    await rows.first().waitFor()
    const call = rows.first().getByRole('link')
    const id = (await call.innerText()).trim()
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    await call.click()
    await expect.poll(() => addressOf(page)).toBe(`/explain/${id}`)
    await expect.poll(() => main(page)).toContain('SC-Geocode (ServiceCallout)')
    const words = await main(page)
    expect(words).toContain('Execution of ServiceCallout SC-Geocode failed')
    expect(words).toContain('came after the callout SC-Geocode had failed')
    expect(await page.getByLabel('How far the call went').locator('.answered').innerText()).toContain('answered 503')
    await page.goBack()
    await expect.poll(() => addressOf(page)).toContain('status=503')
    await behind.waitFor()
  })

  test('a pasted request id tells which limit refused, how much was used and when it starts anew', async () => {
    const { body } = await shop.ask('/api/calls?status=429&application=103')
    const id = (body as { calls: { requestId: string }[] }).calls[0]!.requestId
    const page = await open('/explain')
    await page.getByLabel('Request id').fill(`  ${id} `)
    await page.keyboard.press('Enter')
    await expect.poll(() => main(page)).toContain('A limit refused it')
    const refusal = await page.locator('.refusal').innerText()
    expect(refusal).toContain('plan Trial')
    expect(refusal).toContain('3 of 3')
    expect(refusal).toMatch(/Start(s|ed) anew/)
    expect(await main(page)).not.toContain('robot-demo-key')
    await page.getByLabel('Request id').fill('0'.repeat(32))
    await page.getByRole('button', { name: 'Explain' }).click()
    expect(await page.getByRole('alert').innerText()).toContain('No call with this request id is known')
  })

  test('the list of calls is filtered by class, by who answered and by proxy', async () => {
    const page = await open('/explain')
    await page.getByRole('button', { name: '4XX' }).click()
    await page.getByLabel('Answered by').selectOption('gateway')
    await expect.poll(() => addressOf(page)).toBe('/explain?class=4XX&answeredBy=gateway')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    expect(await page.locator('tbody').innerText()).toContain('/nothing/here')
    await page.getByLabel('Proxy').selectOption('weather')
    await expect.poll(() => main(page)).toContain('None of the calls that are held is one of these')
  })

  test('usage stacks the methods of the metric, adds them up, and gives a file', async () => {
    const page = await open('/analytics/usage?service=43')
    const row = page.getByRole('row').filter({ hasText: 'products' })
    await row.waitFor()
    const { body } = await shop.ask('/api/usage?service=43')
    const { metrics } = body as { metrics: { name: string; total: number }[] }
    const products = metrics.find(({ name }) => name === 'products')!
    expect(products.total).toBeGreaterThan(5)
    expect(await row.innerText()).toContain(String(products.total))
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ])
    expect(file.suggestedFilename()).toBe('usage-shop.csv')
    const lines = readFileSync(await file.path(), 'utf8')
      .replace('\uFEFF', '')
      .trim()
      .split('\r\n')
    expect(lines[0]).toBe('"datetime","Hits","Products","Orders","Search"')
    expect(lines.length).toBe(25)
    expect(lines[1]).toMatch(/^"\d\d \w{3} \d{4} \d\d:00:00 UTC",0,0,0,0$/)
    const sum = lines.slice(1).reduce((total, line) => total + Number(line.split(',')[2]), 0)
    expect(sum).toBe(products.total)
  })

  test('an application shows its limits, its keys only in part, and its codes', async () => {
    const page = await open('/applications')
    await page.getByPlaceholder('Name, id or account').fill('robot')
    await expect.poll(() => addressOf(page)).toBe('/applications?q=robot')
    await link(page, 'Price robot').click()
    await expect.poll(() => main(page)).toContain('3 of 3')
    expect(await page.locator('.meter.full').count()).toBe(1)
    const text = await main(page)
    expect(text).toContain('Globex')
    expect(text).not.toContain('robot-demo-key')
    await page.locator('.uplot').waitFor()
    expect(await page.locator('.legend').innerText()).toMatch(/2XX\s+3\s/)
  })

  test('the picture of the flows has every step where it runs', async () => {
    const page = await open('/proxies/weather')
    const request = page.locator('.flow-down .flow-step')
    await request.first().waitFor()
    // By its display name, where it has one.
    expect((await request.allInnerTexts()).map((step) => step.split('\n')[0])).toContain('Ask the geocoder')
    const { body } = await shop.ask('/api/proxies/weather')
    const { flows } = body as { flows: { flows: { name: string; request: { step: string }[] }[] }[] }
    const named = flows.flatMap((endpoint) => endpoint.flows.map(({ name }) => name))
    expect(named.length).toBeGreaterThan(1)
    for (const name of named) expect(await page.locator('.flow').innerText()).toContain(name)
    expect(await page.locator('.flow-apart').first().innerText()).toContain('geocoder-failed')
  })

  test('names, paths and headers that are markup are text', async () => {
    for (const path of ['/applications', '/applications/104', '/analytics/top-applications?service=43']) {
      const page = await open(path)
      await expect.poll(() => main(page)).toContain(markup)
    }
    const { body } = await shop.ask('/api/calls?proxy=weather&limit=100')
    const { calls } = body as { calls: { requestId: string; path: string }[] }
    const call = calls.find(({ path }) => decodeURIComponent(path).includes(markup))!
    const page = await open(`/explain/${call.requestId}`)
    await expect.poll(() => main(page)).toContain('/weather/about/')
    for (const path of ['/proxies/', '/explain/', '/applications/']) {
      await page.goto(shop.door.origin + path + encodeURIComponent(markup))
      await page.getByRole('alert').waitFor()
    }
    await page.goto(`${shop.door.origin}/analytics/response-codes?proxy=${encodeURIComponent(markup)}`)
    await page.locator('.empty').waitFor()
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.title()).not.toContain('owned')
  })

  test('is used with the keys alone', async () => {
    const page = await open('/overview')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.goto(`${shop.door.origin}/analytics/response-codes?last=1h`)
    const chart = page.getByRole('slider')
    await page.locator('.chart-canvas canvas').waitFor()
    await chart.focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: /^Behind/ }).waitFor()
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2')
    await page.setViewportSize({ width: 390, height: 800 })
    await page.getByRole('button', { name: 'Menu' }).focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Overview')
    await page.keyboard.press('Enter')
    await expect.poll(() => addressOf(page)).toBe('/overview')
  })

  test('every second is live, and remembers the theme that was chosen', async () => {
    const page = await browser.open(shop.door, '/overview', { colorScheme: 'dark' })
    await expect.poll(() => page.locator('.live').innerText()).toMatch(/^Live · /)
    await page.getByRole('button', { name: 'Light' }).click()
    await page.reload()
    expect(await styleOf(page, 'html', 'background-color')).toBe('rgb(245, 246, 248)')
  })

  test('is drawn within a second', async () => {
    const page = await open('/overview')
    const times: number[] = []
    for (let run = 0; run < 3; run++) {
      await page.goto(`${shop.door.origin}/analytics/response-codes`)
      await page.locator('h1').waitFor()
      const painted = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`
      times.push(
        await expect
          .poll(() => page.evaluate(painted))
          .toBeGreaterThan(0)
          .then(() => page.evaluate(painted) as Promise<number>),
      )
    }
    // The best of three: the machine may be busy with other tests.
    expect(Math.min(...times)).toBeLessThan(1_000)
  })
})
