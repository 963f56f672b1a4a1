import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CategoriesView, Overview } from '../../src/sight/contract.ts'
import { openWorkbench } from '../support/browser.ts'
import { until } from '../support/until.ts'
import { rulesBrokenInBothThemes } from './panel-accessible.ts'
import { FOREIGN, type Scene, TOKEN } from './panel-scene.ts'

/**
 * What the panel shows where less is allowed, or less is well, than in the scene: in a page of its own, whose console may
 * complain. The app is the same one. Where that isn't as it would have to be, its answers are changed on their way: that
 * the server gives such answers is tested with the routes.
 */
export const describeLimits = (scene: () => Scene): void => {
  describe('In a page that may do less', () => {
    let page: Page
    let panel: Locator
    beforeAll(async () => {
      const { app, browser } = scene()
      page = await browser.page.context().newPage()
      page.setDefaultTimeout(20_000)
      panel = page.getByTestId('cache-panel')
      // By a name that isn't this machine's: so the token is needed.
      await openWorkbench(page, `http://${FOREIGN}:${app.port}`, 'cache')
    })
    afterAll(async () => {
      await page?.unrouteAll({ behavior: 'ignoreErrors' })
      await page?.close()
    })

    const view = (id: string): Promise<void> => panel.getByTestId(`cache-view-${id}`).click()
    const answering = async (path: string, change: (answer: never) => unknown): Promise<() => Promise<void>> => {
      await page.route(new RegExp(`/__motia/redis/${path}(\\?|$)`), async (route) => {
        // That name leads here in the browser only.
        const response = await route.fetch({ url: route.request().url().replace(FOREIGN, '127.0.0.1') })
        await route.fulfill({ response, json: change((await response.json()) as never) })
      })
      return () => page.unrouteAll({ behavior: 'wait' })
    }
    const overviewWith = (change: (overview: Overview) => object): Promise<() => Promise<void>> =>
      answering('overview', (overview: Overview) => ({ ...overview, ...change(overview) }))

    it('asks for the token, says that another one is refused, and opens by the right one', async () => {
      const locked = panel.getByTestId('cache-locked')
      await locked.getByRole('alert').filter({ hasText: 'the token of MOTIA_REDIS_TOKEN is needed' }).waitFor()
      const field = locked.getByLabel('Token')
      expect(await field.getAttribute('type')).toBe('password')
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await field.fill('not that one')
      await field.press('Enter')
      await locked.getByRole('status').filter({ hasText: 'The server refused this token.' }).waitFor()
      expect(await field.getAttribute('aria-invalid')).toBe('true')
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await field.fill(TOKEN)
      await field.press('Enter')
      await panel.getByTestId('cache-instance-primary').waitFor()
      await view('keys')
      await panel.getByTestId('cache-shown').waitFor()
      // For as long as this tab is open, and nowhere that another page or a later day could find it.
      const kept = await page.evaluate('[JSON.stringify({ ...localStorage }), document.cookie, location.href].join()')
      expect(kept).not.toContain(TOKEN)
    })

    it('shows everything and changes nothing where it is read-only', async () => {
      const buttons = (): Promise<string[]> =>
        panel.getByRole('button', { name: /delete|expire|clear|invalidate|pull the plug/i }).allTextContents()
      const open = async (key: string): Promise<void> => {
        await panel.getByTestId('cache-category').click()
        await page.getByRole('option', { name: 'cache', exact: true }).click()
        await panel.locator(`tr[data-key="${key}"]`).click()
        await panel.getByTestId('cache-entry').getByTestId('cache-tree').waitFor()
      }
      await open('rich')
      expect((await buttons()).length).toBeGreaterThanOrEqual(3)

      const asBefore = await overviewWith(({ server }) => ({ server: { ...server, readOnly: true } }))
      await panel.getByTestId('cache-status').getByText('read-only').waitFor()
      expect(await buttons()).toEqual([])
      expect(await panel.getByTestId('cache-entry').textContent()).toContain('lunch')
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await panel.getByTestId('cache-entry').getByLabel('Close details').click()
      await view('state')
      await panel.getByTestId('cache-groups-table-row').first().click()
      await panel.getByTestId('cache-items-table-row').first().click()
      await panel.getByTestId('cache-item').waitFor()
      expect(await buttons()).toEqual([])
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await view('overview')
      await panel.getByTestId('cache-instance-primary').waitFor()
      expect(await buttons()).toEqual([])
      await asBefore()
      await panel.getByTestId('cache-pull-plug').first().waitFor()
    })

    it('pulls no plug in production, and says why where it is tried all the same', async () => {
      const words = 'drills are for development: in production users would notice if something fails'
      await panel.getByTestId('cache-pull-plug').first().click()
      await page.route(/\/__motia\/redis\/change$/, (route) => route.fulfill({ status: 403, json: { error: words } }))
      await panel.getByTestId('cache-confirm-action').click()
      await panel
        .getByTestId('cache-confirm-refused')
        .filter({ hasText: words.slice(1) })
        .waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await page.keyboard.press('Escape')
      await panel.getByTestId('cache-confirm').waitFor({ state: 'detached' })
      await page.unrouteAll()

      const asBefore = await overviewWith(({ server }) => ({ server: { ...server, production: true } }))
      await until('no plug is there', async () => (await panel.getByTestId('cache-pull-plug').count()) === 0)
      await asBefore()
    })

    it('shows how far the replay is, on the card and in the picture', async () => {
      const asBefore = await overviewWith(({ instances }) => ({
        instances: instances.map((instance) =>
          instance.name === 'secondary'
            ? {
                ...instance,
                state: 'catching-up',
                journal: { ...instance.journal, entries: 60, bytes: 6_000 },
                recovery: { step: 'replays what waited', done: 40, total: 100 },
              }
            : instance,
        ),
      }))
      const card = panel.getByTestId('cache-instance-secondary')
      const meter = card.getByRole('meter', { name: 'Replay to secondary' })
      await meter.waitFor({ state: 'attached' })
      expect(await meter.getAttribute('aria-valuenow')).toBe('40')
      expect(await card.getByTestId('cache-journal').textContent()).toMatch(
        /^replays what waited40 of 10060 entries in the journal/,
      )
      const widths = await panel
        .getByTestId('cache-target-secondary')
        .locator('rect[height="5"]')
        .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute('width'))))
      expect(widths).toHaveLength(2)
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(0.4, 2)
      await asBefore()
      await until('all is as before', async () => (await meter.count()) === 0)
    })

    it('draws the last hour of a category, and says what a minute of it was', async () => {
      const asBefore = await answering('categories', ({ now, categories, ...rest }: CategoriesView) => ({
        ...rest,
        now,
        categories: categories.map((category) => ({
          ...category,
          hour: [5, 4, 3, 2, 1, 0].flatMap((ago) =>
            category.hour.slice(-1).map((minute) => ({ ...minute, at: minute.at - ago * 60_000, reads: 7, writes: 3 })),
          ),
        })),
      }))
      await view('categories')
      await panel.getByTestId('cache-categories-row').filter({ hasText: 'orders' }).click()
      const details = panel.getByTestId('cache-category-details')
      const chart = details.getByRole('img', { name: 'Calls of orders, by minute' })
      await chart.locator('canvas').waitFor()
      const { width = 0, height = 0 } = (await chart.boundingBox()) ?? {}
      await chart.hover({ position: { x: width - 40, y: height / 2 } })
      await details.getByText(/^\d\d:\d\d {2}reads 7 \/min, writes 3 \/min$/).waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await asBefore()
    })

    it('keeps the rules of accessibility while an answer is awaited, and when the next one fails', async () => {
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => (release = resolve))
      const hot = /\/__motia\/redis\/hot(\?|$)/
      await page.route(hot, async (route) => {
        await held
        await route.fallback()
      })
      await view('hot')
      await panel.getByTestId('cache-loading').waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      release()
      await panel.getByTestId('cache-hot-largest').waitFor()
      await page.route(hot, (route) => route.fulfill({ body: 'no answer' }))
      await panel.getByTestId('cache-outdated').waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await page.unrouteAll({ behavior: 'wait' })
      await panel.getByRole('button', { name: 'Ask again' }).click()
      await panel.getByTestId('cache-outdated').waitFor({ state: 'detached' })
    })

    it('keeps a fault in a view to that view, and draws it again', async () => {
      const asBefore = await answering('hot', (answer: object) => ({ ...answer, read: null }))
      await view('hot')
      const broken = panel.getByTestId('cache-broken')
      await broken.filter({ hasText: 'The view Hot keys could not be drawn.' }).waitFor()
      await view('categories')
      await panel.getByTestId('cache-categories').waitFor()
      await page.getByTestId('logs-link').first().waitFor()
      await view('hot')
      await broken.waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await asBefore()
      await broken.getByRole('button', { name: 'Draw it again' }).click()
      await panel.getByTestId('cache-hot-largest').waitFor()
    })
  })
}
