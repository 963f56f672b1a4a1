import type { Locator } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import type { Scene } from './panel-scene.ts'

export const describeFigures = (scene: () => Scene): void => {
  const row = (table: string, text: string): Locator =>
    scene().panel.getByTestId(`${table}-row`).filter({ hasText: text }).first()

  describe('Figures', () => {
    // Of reads only a sample is looked at, so there are many.
    beforeAll(async () => {
      const keys = Array.from({ length: 1_000 }, () => 'bread')
      expect(await probe(scene().app, 'cache', 'getMany', keys)).not.toHaveProperty('code')
    })

    it('of categories: what each is read, what lies where, and the policy, in one that is opened', async () => {
      const { panel, page, view, focused } = scene()
      await view('categories')
      const category = row('cache-categories', 'cache')
      await until('its reads are seen', async () => /\d+(\.\d)? %/.test((await category.textContent()) ?? ''))
      expect(await category.textContent()).toMatch(/^cachesecondary/)
      expect(await row('cache-categories', 'auth').textContent()).toMatch(/sensitive.*mirrored/)
      await until('what lies there is weighed', async () =>
        /home \d/.test(
          (await panel.getByTestId('cache-memory-secondary').getByRole('img').getAttribute('aria-label')) ?? '',
        ),
      )

      await category.click()
      const details = panel.getByTestId('cache-category-details')
      const fact = (name: string): Locator =>
        details.locator('dl > div').filter({ hasText: name }).getByRole('definition').first()
      expect(Number(await fact('read calls').textContent())).toBeGreaterThanOrEqual(4)
      expect(Number(await fact('keys hit').textContent())).toBeGreaterThanOrEqual(4)
      expect(await fact('ttl').textContent()).toBe('1 h')
      expect(await fact('in an outage').textContent()).toBe('another instance stands in')
      const [, other] = await details.getByRole('group', { name: 'What the chart shows' }).getByRole('button').all()
      await other?.click()
      expect(await other?.getAttribute('aria-pressed')).toBe('true')
      // This server may be too young for a chart.
      const young = details.getByText('It is drawn once two minutes are over.')
      await young
        .or(details.getByRole('img', { name: 'Hits of cache, by minute' }))
        .first()
        .waitFor()

      await details.getByTestId('cache-category-keys').press('Enter')
      await panel.getByRole('table', { name: 'Keys of cache' }).waitFor()
      await view('categories')
      await row('cache-categories', 'cache').getByRole('button').press('Enter')
      await focused(panel.getByTestId('cache-category-details'))
      await page.keyboard.press('Escape')
      await focused(row('cache-categories', 'cache').getByRole('button'))
    })

    it('of categories can be sorted, by names and by figures', async () => {
      const { panel } = scene()
      const names = (): Promise<(string | null)[]> =>
        panel
          .getByTestId('cache-categories-row')
          .all()
          .then((rows) => Promise.all(rows.map((each) => each.getAttribute('data-key'))))
      const head = (name: string): Locator =>
        panel.getByTestId('cache-categories').getByRole('button', { name, exact: true })
      await head('Category').click()
      const sorted = await names()
      expect(sorted).toEqual(sorted.toSorted())
      expect(sorted.length).toBeGreaterThanOrEqual(8)
      await head('Hit rate').click()
      expect((await names())[0]).toBe('cache')
    })

    it('of keys: the most read and the largest, and each leads to its entry', async () => {
      const { panel, view } = scene()
      await view('hot')
      await row('cache-hot-read', 'bread').waitFor()
      expect(await row('cache-hot-read', 'bread').textContent()).toMatch(/breadcache[\d.k]+ \/min$/)
      // Sampled as well, so which ones isn't certain; but they come largest first, and a sensitive category names none.
      const sizes = await panel.getByTestId('cache-hot-largest-row').locator('td:last-child').allTextContents()
      expect(sizes.length).toBeGreaterThan(10)
      const bytes = sizes.map(bytesIn)
      expect(bytes).toEqual(bytes.toSorted((a, b) => b - a))
      expect(await panel.getByTestId('cache-hot-largest').textContent()).not.toContain('ada')
      await panel
        .getByTestId('cache-hot-largest-row')
        .filter({ hasText: /^dish:.*ml/ })
        .first()
        .click()
      await panel
        .getByTestId('cache-entry')
        .getByRole('heading', { name: /^dish:\d+$/ })
        .waitFor()
      await panel.getByTestId('cache-entry').getByLabel('Close details').click()
      await view('hot')
      await row('cache-hot-read', 'bread').click()
      await panel.getByTestId('cache-entry').getByRole('heading', { name: 'bread', exact: true }).waitFor()
      await panel.getByTestId('cache-entry').getByLabel('Close details').click()
    })
  })
}

/** "1.5 KB" */
const bytesIn = (text = ''): number => {
  const [size, unit = ''] = text.split(' ')
  return Number(size) * 1_024 ** ['B', 'KB', 'MB'].indexOf(unit)
}
