import { mkdirSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, findChromium, openBrowser, openWorkbench } from '../support/browser.ts'
import { exampleApp } from '../support/example-app.ts'
import { probe } from '../support/http.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const executable = findChromium()
const missing = executable === undefined ? ' (skipped: no chromium on PATH)' : ''

describe.skipIf(executable === undefined)(`Motia's States tab over our adapter${missing}`, () => {
  const endings: (() => unknown)[] = []
  afterAll(async () => {
    for (const end of endings.reverse()) await end()
  })

  let app: MotiaApp
  let redis: Redis
  let browser: Browser
  let tab: Locator

  const row = (group: string, key: string): Locator =>
    tab
      .getByRole('row')
      .filter({ hasText: group })
      .filter({ has: browser.page.getByRole('cell', { name: key, exact: true }) })

  beforeAll(async () => {
    const { url } = await startTestRedis()
    redis = new Redis(url)
    endings.push(() => redis.disconnect())
    const copy = exampleApp({ flows: [], fixtures: ['probe'] })
    endings.push(copy.remove)
    app = await startMotia({ dir: copy.dir, env: { REDIS_PRIMARY_URL: url }, workbench: true })
    endings.push(app.stop)
    for (const [group, key, value] of [
      ['orders-1', 'order', { dish: 'soup', quantity: 2 }],
      ['orders-1', 'step', 'priced'],
      ['orders-2', 'paid', false],
      ['orders-2', 'with:colon', [1, 2]],
    ] as const)
      await probe(app, 'state', 'set', group, key, value)

    browser = await openBrowser(executable ?? '')
    endings.push(browser.close)
    await openWorkbench(browser.page, app.url, 'states')
    tab = browser.page.getByTestId('states-container')
    await row('orders-1', 'order').waitFor()
  })

  it('lists every item with its group, key and type', async () => {
    const cells = await tab.getByRole('row').allInnerTexts()
    expect(
      cells
        .slice(1)
        .map((text) => text.trim().split(/\s+/))
        .sort(),
    ).toEqual([
      ['orders-1', 'order', 'object'],
      ['orders-1', 'step', 'string'],
      ['orders-2', 'paid', 'boolean'],
      ['orders-2', 'with:colon', 'array'],
    ])
  })

  it('shows an item', async () => {
    await row('orders-1', 'order').getByRole('cell').nth(2).click()
    await browser.page.getByText('State Details').waitFor()
    const page = await browser.page.locator('body').textContent()
    expect(page).toMatch(/dish:?\s*"soup"/)
    expect(page).toMatch(/quantity:?\s*2/)
    mkdirSync('test-results', { recursive: true })
    await browser.page.screenshot({ path: 'test-results/states-tab.png' })
  })

  it('finds items by group or key', async () => {
    const search = tab.getByPlaceholder('Search by Group ID or Key')
    await search.fill('colon')
    await until('one row is left', async () => (await tab.getByRole('row').count()) === 2)
    await search.fill('')
    await row('orders-1', 'step').waitFor()
  })

  it('deletes exactly the items that are ticked, a key with a colon too', async () => {
    await row('orders-1', 'step').getByRole('checkbox').click()
    await row('orders-2', 'with:colon').getByRole('checkbox').click()
    await tab.getByRole('button', { name: 'Delete' }).click()
    await row('orders-1', 'step').waitFor({ state: 'detached' })
    await row('orders-2', 'with:colon').waitFor({ state: 'detached' })
    expect(await redis.hkeys('~mr:state:orders-1')).toEqual(['order'])
    expect(await redis.hkeys('~mr:state:orders-2')).toEqual(['paid'])
  })

  it('sees after a refresh what a step wrote since', async () => {
    await probe(app, 'state', 'set', 'orders-3', 'order', null)
    await probe(app, 'state', 'set', 'orders-3', 'note', 'late')
    await tab.getByRole('button').last().click()
    await row('orders-3', 'note').waitFor()
  })

  it('broke nothing in the page', () => {
    expect(browser.errors).toEqual([])
  })
})
