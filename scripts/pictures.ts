import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium, openBrowser, openWorkbench } from '../test/support/browser.ts'
import { exampleApp } from '../test/support/example-app.ts'
import { ask, login } from '../test/support/http.ts'
import { type MotiaApp, startMotia } from '../test/support/motia-app.ts'
import { openRedis } from '../test/support/redis-process.ts'
import { until } from '../test/support/until.ts'

/**
 * `npm run pictures`: those of docs/observability.md, of the example app with visitors, before and while one of its two
 * instances is away. MINUTES of visits come first, for the charts to have something to show. @default 4
 */

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url))
const minutes = Number(process.env.MINUTES ?? 4)
const small = ['--maxmemory', '30mb', '--maxmemory-policy', 'volatile-lru']
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** As much of an element as is used here, where no types of a browser are. */
interface Scrolled {
  scrollTop: number
  readonly parentElement: Scrolled | null
}

const visit = async (app: MotiaApp, session: string): Promise<void> => {
  await ask(app, 'GET /menu')
  await ask(app, 'GET /users/ada')
  await ask(app, 'GET /users/bob')
  await ask(app, 'GET /auth/session', { session })
  await ask(app, 'POST /analytics/visits', { body: { page: 'home' } })
  await ask(app, 'POST /orders', { session, body: { lines: [{ dish: 'pasta', quantity: 2 }] } })
}

const chromium = findChromium()
if (chromium === undefined) throw new Error('no Chromium on PATH')
const [primary, secondary] = await Promise.all([openRedis({ args: small }), openRedis({ args: small })])
const copy = exampleApp()
const app = await startMotia({
  dir: copy.dir,
  env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url },
  workbench: true,
})
const browser = await openBrowser(chromium)
let visiting = true
let visitors: Promise<void> | undefined
try {
  const session = await login(app, 'ada')
  visitors = (async () => {
    while (visiting) {
      await visit(app, session)
      await rest(1_000)
    }
  })().catch((error) => console.error('the visits ended:', error))
  const { page } = browser
  // The Workbench gives the tab the lower half.
  await page.setViewportSize({ width: 1280, height: 1_700 })
  await openWorkbench(page, app.url, 'cache')
  mkdirSync(folder, { recursive: true })
  const shoot = async (name: string): Promise<void> => {
    await rest(500) // what moves has come to rest
    await page.getByTestId('cache-panel').screenshot({ path: join(folder, `${name}.png`) })
    console.log(name)
  }
  const theme = async (name: string): Promise<void> => {
    const toggle = page.getByRole('button', { name: `Switch to ${name} theme` })
    if (await toggle.isVisible()) await toggle.click()
  }
  const view = (id: string): Promise<void> => page.getByTestId(`cache-view-${id}`).click()

  await rest(minutes * 60_000)
  await view('overview')
  await theme('light')
  await shoot('panel-overview-light')
  await theme('dark')
  await view('categories')
  await page.getByTestId('cache-categories').getByText('menu', { exact: true }).first().click()
  await shoot('panel-categories')
  await view('workflows')
  const runs = page.getByTestId('cache-runs-table')
  await runs.getByRole('row').filter({ hasText: 'NotifyGuest' }).filter({ hasText: 'ok' }).first().click()
  // What was clicked had been scrolled to; the picture begins at the top.
  await runs.evaluate((table) => {
    for (let at: Scrolled | null = table as unknown as Scrolled; at !== null; at = at.parentElement) at.scrollTop = 0
  })
  await shoot('panel-workflows')
  await view('overview')
  await secondary.crash()
  await until('it is missed', () => app.output().includes('secondary  DOWN'))
  await rest(15_000)
  await shoot('panel-overview-dark')
} finally {
  visiting = false
  await visitors
  await browser.close()
  await app.stop()
  copy.remove()
  await Promise.all([primary.remove(), secondary.remove()])
}
