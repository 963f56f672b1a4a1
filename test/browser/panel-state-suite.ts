import type { Locator } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import { rulesBrokenInBothThemes } from './panel-accessible.ts'
import { hostile, type Scene } from './panel-scene.ts'

export const describeState = (scene: () => Scene): void => {
  const groups = (): Locator => scene().panel.getByTestId('cache-groups-table-row')
  const items = (): Locator => scene().panel.getByTestId('cache-items-table-row')
  const search = (text: string): Promise<void> => scene().panel.getByTestId('cache-groups-search').fill(text)
  const confirm = (): Promise<void> => scene().panel.getByTestId('cache-confirm-action').click()

  describe('State', () => {
    beforeAll(() => scene().view('state'))

    it('says where state lies, and goes through all groups page by page', async () => {
      const { panel } = scene()
      expect(await panel.getByTestId('cache-state-where').textContent()).toMatch(/primary[\s\S]*mirrored on secondary/)
      const seen = new Set<string>()
      for (let page = 1; ; page++) {
        await panel
          .getByTestId('cache-page')
          .filter({ hasText: `Page ${page} ` })
          .waitFor()
        await until('the page is complete', async () => (await panel.getByLabel('Looking').count()) === 0)
        for (const row of await groups().all()) seen.add((await row.getAttribute('data-key')) ?? '')
        if (await panel.getByTestId('cache-next').isDisabled()) break
        await panel.getByTestId('cache-next').click()
      }
      expect(seen).toContain('order-119')
      expect(seen).toContain(hostile.group)
      expect(seen.size).toBeGreaterThanOrEqual(121)
    })

    it('is at the same page and row again after a group was open', async () => {
      const { panel, page, focused } = scene()
      const number = await panel.getByTestId('cache-page').textContent()
      expect(number).not.toContain('Page 1 ')
      const row = groups().last().getByRole('button')
      await row.press('Enter')
      await items().first().waitFor()
      expect(await groups().first().isVisible()).toBe(false)
      await page.getByTestId('cache-groups').press('Enter')
      await focused(row)
      expect(await panel.getByTestId('cache-page').textContent()).toBe(number)
    })

    it('finds groups by their name, and opens one', async () => {
      const { panel } = scene()
      await search('der-7')
      await until('order-7 and its tens are left', async () => (await groups().count()) === 11)
      await groups().and(panel.locator('[data-key="order-7"]')).click()
      await until('its three items are there', async () => (await items().count()) === 3)
    })

    it('shows an item, also a hostile one, and deletes it after asking', async () => {
      const { panel, page, app, focused } = scene()
      await items().filter({ hasText: 'lines' }).click()
      expect(await panel.getByTestId('cache-item').getByTestId('cache-tree').textContent()).toMatch(/dish: "soup"/)
      await items().filter({ hasText: '<img' }).click()
      await panel.getByTestId('cache-item').getByText('<script>window.hacked=1</script>\\u0007').waitFor()
      await panel.getByTestId('cache-delete-item').click()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await confirm()
      await until('two are left', async () => (await items().count()) === 2)
      await focused(panel.getByTestId('cache-list'))
      expect(await probe(app, 'state', 'get', 'order-7', hostile.key)).toMatchObject({ value: null })
      expect(await page.evaluate('window.hacked')).toBeUndefined()
    })

    it('finds items by their key', async () => {
      const { panel } = scene()
      await panel.getByTestId('cache-items-search').fill('ste')
      await until('one is left', async () => (await items().count()) === 1)
      await panel.getByTestId('cache-items-search').fill('')
      await until('both are there', async () => (await items().count()) === 2)
    })

    it('clears a group after a question that names the count, and no other group', async () => {
      const { page, panel, app, onPrimary, focused } = scene()
      await panel.getByTestId('cache-clear-group').click()
      await panel.getByTestId('cache-confirm').waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await panel.getByTestId('cache-confirm').getByRole('button', { name: 'Clear 2 items' }).click()
      await panel.getByText('This group is empty').waitFor()
      await focused(panel.getByTestId('cache-clear-group'))
      expect(await probe(app, 'state', 'getGroup', 'order-7')).toMatchObject({ value: [] })
      expect(await onPrimary.hkeys('~mr:state:order-70')).toEqual(['step'])
      await panel.getByTestId('cache-groups').click()
      await groups().first().waitFor()
    })
  })
}
