import type { Locator } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import { rulesBrokenInBothThemes } from './panel-accessible.ts'
import { landmarks, type Scene, type View } from './panel-scene.ts'

export const describeOutage = (scene: () => Scene): void => {
  const card = (name: string): Locator => scene().panel.getByTestId(`cache-instance-${name}`)
  const status = (): Promise<string | null> => scene().panel.getByTestId('cache-status').getAttribute('data-status')
  const ways = (kind: string): Locator => scene().panel.locator(`[data-testid="cache-way"][data-kind="${kind}"]`)
  const happened = (kind: string): Locator =>
    scene().panel.locator(`[data-testid="cache-timeline"] [data-kind="${kind}"]`)

  describe('While an instance fails', () => {
    it('the picture, the cards and the timeline show who stands in', async () => {
      const { secondary, view } = scene()
      await view('overview')
      expect(await status()).toBe('ok')
      expect(await ways('stand-in').count()).toBe(0)

      await secondary.crash()
      await until('it is shown as away', async () => (await card('secondary').getAttribute('data-state')) !== 'up')
      await until('the whole is called degraded', async () => (await status()) === 'degraded')
      await ways('stand-in').first().waitFor({ state: 'attached' })
      await happened('failover').first().waitFor()
      expect(await card('primary').textContent()).toContain('menu')
      const advice = scene().panel.getByTestId('cache-advice').getByRole('listitem')
      await advice.filter({ hasText: /^secondary is down.*primary serves meanwhile\.$/ }).waitFor()
      await advice.filter({ hasText: 'primary stands in for user, menu and cache.' }).waitFor()
      expect(await advice.first().getAttribute('data-level')).toBe('error')
    })

    it('every view keeps the rules of accessibility, wide and narrow', async () => {
      const { page, view } = scene()
      const found: string[] = []
      for (const width of [1400, 360]) {
        await page.setViewportSize({ width, height: 900 })
        for (const id of Object.keys(landmarks) as View[]) {
          await view(id)
          found.push(...(await rulesBrokenInBothThemes(page)).map((rule) => `${id} at ${width} px, ${rule}`))
        }
      }
      await page.setViewportSize({ width: 1400, height: 900 })
      await view('overview')
      expect(found).toEqual([])
    })

    it('what is written meanwhile is shown as waiting, and served by the stand-in', async () => {
      const { app, panel, page } = scene()
      expect(await probe(app, 'cache', 'set', 'meanwhile', 'kept')).not.toHaveProperty('code')
      await until('the journal shows on the card', async () =>
        /[1-9]/.test((await card('secondary').getByTestId('cache-journal').textContent()) ?? ''),
      )
      await panel.getByTestId('cache-view-keys').click()
      await panel.getByTestId('cache-category').click()
      await page.getByRole('option', { name: 'cache', exact: true }).click()
      await panel.getByTestId('cache-notice').filter({ hasText: 'primary stands in for it' }).waitFor()
      await panel.locator('tr[data-key="meanwhile"]').click()
      const entry = panel.getByTestId('cache-entry')
      await entry.getByTestId('cache-tree').getByText('"kept"').waitFor()
      expect(await entry.locator('dl').textContent()).toMatch(/Source\s*primary/)
      await entry.getByLabel('Close details').click()
    })

    it('when it returns, what it missed is replayed, and everything is as before', async () => {
      const { secondary, view, app } = scene()
      await view('overview')
      await secondary.restart()
      await until('it is up again', async () => (await card('secondary').getAttribute('data-state')) === 'up', 30_000)
      await until('the whole is well again', async () => (await status()) === 'ok', 30_000)
      await happened('failback').first().waitFor()
      await until('no way leads to a stand-in', async () => (await ways('stand-in').count()) === 0)
      const { value } = await probe(app, 'cache', 'getEntry', 'meanwhile')
      expect(JSON.stringify(value ?? null)).not.toContain('"source":"primary"')
    })
  })
}
