import type { Locator } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import { rulesBrokenInBothThemes } from './panel-accessible.ts'
import type { Scene } from './panel-scene.ts'

export const describeDrill = (scene: () => Scene): void => {
  const card = (): Locator => scene().panel.getByTestId('cache-instance-secondary')
  const plug = (): Locator => card().getByTestId('cache-pull-plug')
  const state = (): Promise<string | null> => card().getAttribute('data-state')

  describe('Pull the plug', () => {
    it('asks first, and does nothing when that is left', async () => {
      const { page, panel, view, focused } = scene()
      await view('overview')
      await plug().press('Enter')
      const question = panel.getByTestId('cache-confirm')
      expect(await question.textContent()).toContain('This server treats secondary as gone: 4 categories move')
      expect(await question.getByRole('radio', { name: '15 s' }).isChecked()).toBe(true)
      await question.getByText('1 min', { exact: true }).click()
      await question.getByRole('button', { name: 'Pull it for 1 min' }).waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await page.keyboard.press('Escape')
      await question.waitFor({ state: 'detached' })
      await focused(plug())
      expect(await state()).toBe('up')
    })

    it('takes the instance away, counts down, and brings it back by itself', async () => {
      const { panel, app, onSecondary } = scene()
      await plug().click()
      await panel.getByTestId('cache-confirm-action').click()
      await panel.getByTestId('cache-confirm').waitFor({ state: 'detached' })

      await until('it is away', async () => (await state()) === 'down')
      const told = card().getByText('A drill: it is treated as gone, and comes back in')
      const first = await told.textContent()
      await until('it counts down', async () => (await told.textContent()) !== first)
      await panel.getByTestId('cache-advice').getByText('A drill is going on at secondary.').waitFor()
      await panel.locator('[data-testid="cache-way"][data-kind="stand-in"]').first().waitFor({ state: 'attached' })
      expect(await probe(app, 'cache', 'set', 'drilled', 1)).not.toHaveProperty('code')
      expect(await onSecondary.ping()).toBe('PONG')
      expect(await onSecondary.exists('cache:drilled')).toBe(0)

      // Another drill takes the place of this one: nothing is learnt from waiting for its end.
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Motia-Redis': 'test' } }
      const body = JSON.stringify({ do: 'drill', instance: 'secondary', seconds: 1 })
      expect((await app.fetch('/__motia/redis/change', { ...init, body })).status).toBe(200)
      await until('it is back', async () => (await state()) === 'up')
      await panel.locator('[data-testid="cache-timeline"] [data-kind="drill"]').first().waitFor()
      await until(
        'all is well',
        async () => (await panel.getByTestId('cache-status').getAttribute('data-status')) === 'ok',
      )
    })
  })
}
