import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildDashboard } from '../../scripts/build-dashboard.ts'
import { until } from '../kit/postern.ts'
import { browserPath, TestBrowser } from './browser.ts'
import { type ShopGateway, startShopGateway } from './shop-gateway.ts'

// The trace page on the demo's gateway: a session is started by hand, and its calls are read.

const shots = process.env['POSTERN_SHOTS']

describe.skipIf(browserPath === undefined)('trace in a browser', () => {
  let browser: TestBrowser
  let shop: ShopGateway

  beforeAll(async () => {
    await buildDashboard()
    shop = await startShopGateway()
    browser = await TestBrowser.launch()
  }, 90_000)

  afterAll(async () => {
    await browser?.close()
    await shop?.stop()
  })

  afterEach(async () => {
    expect(await browser.endTest()).toEqual([])
  })

  const row = (page: Page, text: string) => page.locator('.waterfall-row', { hasText: text })
  const details = (page: Page) => page.locator('.trace-details')
  const shoot = async (page: Page, name: string): Promise<void> => {
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png` })
  }

  /** Starts a session for calls with this query, makes the calls, and waits until they are listed. */
  async function record(page: Page, query: string, calls: readonly string[]): Promise<void> {
    await page.getByLabel('Proxy').selectOption({ label: 'weather revision 1' })
    await page.getByLabel(/^Only with query/).fill(query)
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('None yet.').waitFor()
    for (const call of calls) await fetch(`${shop.gateway}${call}`)
    await until(async () => (await page.locator('tbody tr').count()) === calls.length)
  }

  test('a session is started, and its calls are listed and read step by step', async () => {
    const page = await browser.open(shop.door, '/trace')
    await record(page, 'country=DE', [
      '/weather/forecast?postalcode=10115&country=DE',
      '/weather/forecast?postalcode=00000&country=DE',
    ])
    await shoot(page, 'session')
    expect(await page.locator('tbody tr').first().innerText()).toContain('404')
    await page.locator('tbody tr').nth(1).getByRole('link').click()
    await row(page, 'Waiting for the target').waitFor()

    const callout = page.locator('.waterfall-row', { hasText: 'ServiceCallout' }).first()
    await callout.click()
    expect(page.url()).toMatch(/\?point=\d+$/)
    const text = await details(page).innerText()
    expect(text).toMatch(/Call to\s+http:\/\/geocoder\.example/)
    expect(text).toMatch(/Took\s+[\d.]+ (µs|ms|s), waiting included/)
    expect(await details(page).locator('.pair').first().innerText()).toMatch(
      /Request[\s\S]+GET[\s\S]+Answer[\s\S]+200 OK/,
    )
    await shoot(page, 'callout')

    // Down with the keyboard: the next row, and its details.
    const before = await details(page).locator('h2').innerText()
    await callout.press('ArrowDown')
    expect(await details(page).locator('h2').innerText()).not.toBe(before)
    await page.goBack()
    await page.locator('h1', { hasText: 'trace ' }).waitFor()

    // Explain leads to the trace.
    await page.locator('tbody tr').nth(1).getByRole('link').click()
    await page.locator('.trace-notes a').click()
    await page.getByRole('link', { name: 'Show the trace of this call' }).click()
    await row(page, 'Waiting for the target').waitFor()
  })

  test('a fault is what one sees first', async () => {
    const page = await browser.open(shop.door, '/trace?proxy=weather')
    await record(page, 'mode=fault', ['/weather/forecast?mode=fault'])
    await page.locator('tbody tr').getByRole('link').click()
    await details(page).waitFor()
    expect(await details(page).locator('.tag').first().innerText()).toBe('fault')
    expect(await page.locator('.waterfall-row[aria-pressed="true"]').getAttribute('class')).toContain('fault')
    await shoot(page, 'fault')
  })

  test('it is stopped, exported and deleted', async () => {
    const page = await browser.open(shop.door, '/trace')
    await record(page, 'q=stop', ['/weather/about?q=stop'])
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Offline trace (XML)' }).click(),
    ])
    expect(file.suggestedFilename()).toMatch(/^trace-weather-1-trace_.+\.xml$/)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.tag', { hasText: 'stopped' }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.locator('h1', { hasText: /^Trace$/ }).waitFor()
  })

  test('what calls bring is text, in both themes and on a phone', async () => {
    const page = await browser.open(shop.door, '/trace', { colorScheme: 'dark' })
    const markup = encodeURIComponent('<img src=x onerror="document.title=\'owned\'">')
    await record(page, 'q=x', [`/weather/about?q=x&m=${markup}`])
    await page.locator('tbody tr').getByRole('link').click()
    await details(page).waitFor()
    await row(page, 'Request received').click()
    await page.locator('.trace-details', { hasText: 'proxy.basepath' }).waitFor()
    expect(await page.title()).toBe('A traced call · Postern')
    await shoot(page, 'dark')
    await page.setViewportSize({ width: 390, height: 800 })
    await shoot(page, 'phone')
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(overflow).toBe(0)
  })

  test('what is wrong in the form is said', async () => {
    const page = await browser.open(shop.door, '/trace')
    await page.getByLabel(/^Only with header/).fill('no colon')
    await page.getByRole('button', { name: 'Start' }).click()
    expect(await page.getByRole('alert').innerText()).toBe('Write the header as NAME: VALUE.')
    await shoot(page, 'list')
  })
})
