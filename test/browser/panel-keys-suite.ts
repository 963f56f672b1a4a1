import type { Locator } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import { rulesBrokenInBothThemes } from './panel-accessible.ts'
import { hostile, type Scene, SECRET } from './panel-scene.ts'

export const describeKeys = (scene: () => Scene): void => {
  const rows = (): Locator => scene().panel.getByTestId('cache-keys-table-row')
  const row = (key: string): Locator => scene().panel.locator(`tr[data-key=${JSON.stringify(key)}]`)
  const entry = (): Locator => scene().panel.getByTestId('cache-entry')
  const said = (): Locator => scene().panel.getByTestId('cache-said')
  const fact = (name: string): Locator =>
    entry().locator('dl > div').filter({ hasText: name }).getByRole('definition').first()
  const confirm = (): Promise<void> => scene().panel.getByTestId('cache-confirm-action').click()

  const choose = async (category: string): Promise<void> => {
    const { page, panel } = scene()
    await panel.getByTestId('cache-category').click()
    await page.getByRole('option', { name: category, exact: true }).click()
    await panel.getByRole('table', { name: `Keys of ${category}` }).waitFor()
  }
  const search = (text: string): Promise<void> => scene().panel.getByTestId('cache-keys-search').fill(text)

  describe('Keys', () => {
    beforeAll(async () => {
      await scene().panel.getByTestId('cache-view-keys').click()
    })

    it('goes through a category page by page, each key once, and back', async () => {
      const { panel } = scene()
      await choose('ml')
      const seen = new Set<string>()
      for (let page = 1; ; page++) {
        await panel
          .getByTestId('cache-page')
          .filter({ hasText: `Page ${page} ` })
          .waitFor()
        await until('the page is complete', async () => (await panel.getByLabel('Looking').count()) === 0)
        for (const text of await rows().allTextContents()) seen.add(text)
        const next = panel.getByTestId('cache-next')
        if (await next.isDisabled()) break
        await next.click()
      }
      expect(seen.size).toBe(120)
      await panel.getByTestId('cache-previous').click()
      await panel
        .getByTestId('cache-page')
        .filter({ hasText: /Page [1-9]/ })
        .waitFor()
    })

    it('is paged by the keyboard alone, and leads back from a page that fails', async () => {
      const { page, panel, focused, refuse } = scene()
      const [previous, next] = [panel.getByTestId('cache-previous'), panel.getByTestId('cache-next')]
      const turn = async (button: Locator): Promise<void> => {
        await button.press('Enter')
        await until('the page is complete', async () => (await panel.getByLabel('Looking').count()) === 0)
        await focused(button)
      }
      while (!(await previous.isDisabled())) await turn(previous)
      await turn(next)
      expect(await panel.getByTestId('cache-page').textContent()).toContain('Page 2 ')
      await turn(previous)
      const answerAgain = await refuse('keys')
      await next.press('Enter')
      await panel.getByTestId('cache-failed').waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await answerAgain()
      await focused(next)
      await turn(previous)
      await page.getByTestId('cache-shown').waitFor()
      expect(await panel.getByTestId('cache-page').textContent()).toContain('Page 1 ')
    })

    it('keeps the head of its table in sight', async () => {
      const { panel } = scene()
      const list = panel.getByTestId('cache-list')
      const scrolled = await list.evaluate((element) => {
        element.scrollTop = 200
        return element.scrollTop
      })
      expect(scrolled).toBe(200)
      const head = await list.locator('thead').boundingBox()
      expect(head?.y).toBeCloseTo((await list.boundingBox())?.y ?? -1, 0)
    })

    it('finds keys by what they begin with, taken literally, and is found again as it was left', async () => {
      await search('dish:11')
      await until('eleven are left', async () => (await rows().count()) === 11)
      await scene().view('state')
      await scene().panel.getByTestId('cache-view-keys').click()
      await until('the eleven are there again', async () => (await rows().count()) === 11)
      await search('dish:*')
      await scene().panel.getByText('No key begins with this').waitFor()
      await search('')
      await row('dish:1').or(rows().first()).first().waitFor()
    })

    it('gives the focus back to the row that was opened last, also where it was covered', async () => {
      const { page, panel, focused } = scene()
      await choose('cache')
      const opened = async (key: string): Promise<void> => {
        await row(key).click()
        await focused(entry().filter({ has: page.getByRole('heading', { name: key, exact: true }) }))
      }
      await opened('soup')
      await opened('bread')
      await page.keyboard.press('Escape')
      await focused(row('bread').getByRole('button'))
      await page.setViewportSize({ width: 360, height: 740 })
      try {
        await opened('soup')
        expect(await panel.getByTestId('cache-keys-table').isVisible()).toBe(false)
        await page.keyboard.press('Escape')
        await focused(row('soup').getByRole('button'))
      } finally {
        await page.setViewportSize({ width: 1400, height: 900 })
      }
    })

    it('shows what an entry is: types as they are, its life counting down, its tags, source and size', async () => {
      await choose('cache')
      await row('rich').click()
      const tree = entry().getByTestId('cache-tree')
      await tree.waitFor()
      const text = await tree.textContent()
      for (const part of ['name', '"soup"', '2026-01-02T03:04:05.000Z', 'Date', 'Map (1)', '10', 'bigint', 'undefined'])
        expect(text).toContain(part)
      expect(await fact('Source').textContent()).toContain('secondary')
      expect(await fact('Size').textContent()).toMatch(/\d+ B stored/)
      expect(await entry().getByText('<b>tag</b>', { exact: true }).count()).toBe(1)
      const left = await fact('Turns stale').textContent()
      expect(left).toMatch(/^in \d+ min/)
      await until('it counts down', async () => (await fact('Turns stale').textContent()) !== left)
    })

    it('expires an entry, after asking', async () => {
      await entry().getByTestId('cache-expire').click()
      await confirm()
      await said().filter({ hasText: 'Expired.' }).waitFor()
      await entry().getByText("It isn't there").waitFor()
      expect(await rulesBrokenInBothThemes(scene().page)).toEqual([])
      await entry().getByLabel('Close details').click()
    })

    it('invalidates a tag, and says how many entries it took', async () => {
      const { app } = scene()
      await row('soup').click()
      await entry().getByLabel('Invalidate the tag lunch').click()
      await confirm()
      await said()
        .filter({ hasText: /invalidated/i })
        .waitFor()
      expect(await probe(app, 'cache', 'get', 'soup')).toMatchObject({ value: null })
      expect(await probe(app, 'cache', 'get', 'bread')).toMatchObject({ value: 2 })
      await entry().getByLabel('Close details').click()
    })

    it('says a refusal in the question, whatever is pressed meanwhile', async () => {
      const { page, panel, focused, refuse } = scene()
      await row('bread').click()
      await entry().getByTestId('cache-delete').click()
      let answer = (): void => undefined
      const answerAgain = await refuse('change', new Promise((resolve) => (answer = resolve)))
      await confirm()
      for (let n = 0; n < 3; n++) await page.keyboard.press('Escape')
      answer()
      await panel.getByTestId('cache-confirm-refused').waitFor()
      await answerAgain()
      await page.keyboard.press('Escape')
      await panel.getByTestId('cache-confirm').waitFor({ state: 'detached' })
      await focused(entry().getByTestId('cache-delete'))
    })

    it('deletes an entry after asking, and not without', async () => {
      const { app, page, panel, focused } = scene()
      await entry().getByTestId('cache-delete').click()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await page.keyboard.press('Escape')
      await panel.getByTestId('cache-confirm').waitFor({ state: 'detached' })
      await focused(entry().getByTestId('cache-delete'))
      expect(await probe(app, 'cache', 'get', 'bread')).toMatchObject({ value: 2 })
      await entry().getByTestId('cache-delete').click()
      await confirm()
      await row('bread').waitFor({ state: 'detached' })
      expect(await probe(app, 'cache', 'get', 'bread')).toMatchObject({ value: null })
      // What had the focus is gone, and then the row too: it stays as near as can be.
      await focused(entry())
      await page.keyboard.press('Escape')
      await focused(panel.getByTestId('cache-list'))
    })

    it('shows a hostile key and value as the text they are', async () => {
      const { page } = scene()
      await page.getByText('<img src=x onerror="window.hacked=1">\\r\\n\\0\\u202egnp.exe', { exact: true }).click()
      const tree = entry().getByTestId('cache-tree')
      await tree.getByText('<script>window.hacked=1</script>\\u0007').waitFor()
      expect((await tree.textContent())?.length).toBeLessThan(11_000)
      expect(await tree.textContent()).toContain(`of ${hostile.value.length.toLocaleString('en-US')} in all`)
      expect(await page.evaluate('window.hacked')).toBeUndefined()
      await entry().getByLabel('Close details').click()
    })

    it('shows of a sensitive category what an entry is like, but never its value', async () => {
      const { page } = scene()
      await choose('user')
      const answered = page.waitForResponse((response) => response.url().includes('/__motia/redis/entry'))
      const urls: string[] = []
      const note = (request: { url(): string }): unknown => urls.push(request.url())
      page.on('request', note)
      await search('ad')
      await scene().panel.getByText('There is no such key').waitFor()
      await search('ada')
      await until('it is found', async () => (await rows().count()) === 1)
      page.off('request', note)
      expect(urls.filter((url) => url.includes('/redis/keys')).length).toBeGreaterThan(1)
      expect(urls.filter((url) => url.includes('ada'))).toEqual([])
      expect(await rows().textContent()).toMatch(/^3 characters #[\w-]{8}$/)
      await rows().click()
      await entry().getByTestId('cache-masked').waitFor()
      await entry()
        .getByRole('heading', { name: /^3 characters #/ })
        .waitFor()
      expect(await fact('Redis key').textContent()).toMatch(/^user:3 characters #/)
      expect(await fact('Size').textContent()).toMatch(/\d+ B stored/)
      expect(await (await answered).text()).not.toContain(SECRET)
      expect(await page.content()).not.toContain(SECRET)
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await entry().getByLabel('Close details').click()
    })

    it('clears a category after a question that names the count, and says how many went', async () => {
      const { page, panel, onSecondary, focused } = scene()
      await choose('ml')
      await panel.getByTestId('cache-clear-category').click()
      const question = panel.getByTestId('cache-confirm')
      await question.getByText('ml has 120 entries, stale ones included.').waitFor()
      expect(await rulesBrokenInBothThemes(page)).toEqual([])
      await question.getByRole('button', { name: 'Clear 120 entries' }).click()
      await said().filter({ hasText: '120 entries cleared.' }).waitFor()
      await panel.getByText('Nothing is cached in ml').waitFor()
      await focused(panel.getByTestId('cache-clear-category'))
      expect(await onSecondary.keys('ml:*')).toEqual([])
      expect(await onSecondary.exists('user:ada')).toBe(1)
    })
  })
}
