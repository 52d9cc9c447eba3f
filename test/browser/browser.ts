import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

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

/** A door of a gateway, and who may come in. */
export interface Door {
  readonly origin: string
  readonly token: string
}

/** One Chromium for the tests of a file; pages tell what they complained about. */
export class TestBrowser {
  readonly #browser: Browser
  readonly #contexts = new Map<string, BrowserContext>()
  #pages: Page[] = []
  /** Errors of scripts, refusals of the content security policy, and what was asked for elsewhere. */
  complaints: string[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async launch(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath: browserPath!, args: quiet }))
  }

  /** An empty page. Pages with the same settings share their cookies, unless they are `fresh`. */
  async page(door: Door, settings: BrowserContextOptions = {}, fresh = false): Promise<Page> {
    const key = fresh ? `fresh ${this.#contexts.size}` : JSON.stringify(settings)
    let context = this.#contexts.get(key)
    if (context === undefined) {
      context = await this.#browser.newContext({
        timezoneId: 'UTC',
        viewport: { width: 1280, height: 900 },
        ...settings,
      })
      this.#contexts.set(key, context)
    }
    const page = await context.newPage()
    this.#pages.push(page)
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`))
    page.on('console', (message) => {
      // Chromium itself reports answers of 400 and more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(door.origin) && !request.url().startsWith('blob:'))
        this.complaints.push(`asked elsewhere: ${request.url()}`)
    })
    return page
  }

  /** Opens an address with a link as `start` prints it. */
  async open(door: Door, path: string, settings: BrowserContextOptions = {}, fresh = false): Promise<Page> {
    const page = await this.page(door, settings, fresh)
    await page.goto(`${door.origin}${path}${path.includes('?') ? '&' : '?'}token=${door.token}`)
    await page.locator('h1').waitFor()
    return page
  }

  /** Closes the pages of a test; what they complained about. */
  async endTest(): Promise<string[]> {
    const { complaints } = this
    await Promise.all(this.#pages.map((page) => page.close()))
    this.#pages = []
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
