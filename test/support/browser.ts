import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chromium, type Page } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Path of a Chromium on this machine, or undefined. */
export const findChromium = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path))

export interface Browser {
  readonly page: Page
  /** What the page's own scripts complained about, without the requests we block. */
  readonly errors: readonly string[]
  /** What was written to the console as an error, with where it came from. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export interface BrowserOptions {
  /** Host names that lead to this machine, as a foreign name does once its owner points it there. */
  readonly hosts?: readonly string[]
}

/** A headless Chromium with a fresh profile. Requests that would leave this machine are refused. */
export const openBrowser = async (executablePath: string, { hosts = [] }: BrowserOptions = {}): Promise<Browser> => {
  const profile = mkdtempSync(join(tmpdir(), 'motia-redis-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1400, height: 900 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(hosts.length > 0 ? [`--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')}`] : []),
    ],
  })
  await context.route(
    (url) => !['127.0.0.1', 'localhost', ...hosts].includes(url.hostname) && /^https?:$/.test(url.protocol),
    (route) => route.abort(),
  )
  const page = context.pages()[0] ?? (await context.newPage())
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`)
  })
  return {
    page,
    errors,
    complaints,
    close: async () => {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/** Opens the Workbench at a tab. Its first load compiles the page, which takes seconds. */
export const openWorkbench = async (page: Page, url: string, tab: string): Promise<void> => {
  await page.goto(url, { waitUntil: 'commit' })
  await page.getByTestId(`${tab}-link`).first().click({ timeout: 90_000 })
}
