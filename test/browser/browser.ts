import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's Chromium, or another that is installed; undefined: there is none. */
export const browserPath: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => existsSync(path))

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

const usual = { timezoneId: 'UTC', viewport: { width: 1280, height: 900 } } as const

/** A door of a gateway, and who may come in. */
export interface Door {
  readonly origin: string
  readonly token: string
}

/** One Chromium for the tests of a file; its pages tell what they complained about. */
export class TestBrowser {
  readonly #browser: Browser
  readonly #pages = new Map<string, Page>()
  readonly #own = new Set<string>()
  /** Errors of scripts, refusals of the content security policy, and what was asked for elsewhere. */
  complaints: string[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async launch(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath: browserPath!, args: quiet }))
  }

  /** A page with these settings: the one that there is, with its session, or a new one. */
  async page(door: Door, settings: BrowserContextOptions = {}): Promise<Page> {
    this.#own.add(door.origin)
    const key = JSON.stringify(settings)
    const known = this.#pages.get(key)
    if (known !== undefined) return known
    const context = await this.#browser.newContext({ ...usual, ...settings })
    const page = await context.newPage()
    this.#pages.set(key, page)
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`))
    page.on('console', (message) => {
      // Chromium itself reports answers of 400 and more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text())
    })
    page.on('request', (request) => {
      const url = request.url()
      if (!this.#own.has(new URL(url).origin) && !url.startsWith('blob:'))
        this.complaints.push(`asked elsewhere: ${url}`)
    })
    return page
  }

  /** Opens an address with a link as `start` prints it. */
  async open(door: Door, path: string, settings: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.page(door, settings)
    await page.setViewportSize(settings.viewport ?? usual.viewport)
    await page.goto(`${door.origin}${path}${path.includes('?') ? '&' : '?'}token=${door.token}`)
    await page.locator('h1').waitFor()
    return page
  }

  /** What the pages complained about since the last test. */
  endTest(): readonly string[] {
    const { complaints } = this
    this.complaints = []
    return complaints
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }
}

/** What a style sheet makes of an element. */
export function styleOf(page: Page, selector: string, property: string): Promise<string> {
  const script = `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).getPropertyValue(${JSON.stringify(property)})`
  return page.evaluate(script) as Promise<string>
}
