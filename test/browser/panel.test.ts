import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../support/browser.ts'
import { probe } from '../support/http.ts'
import { until } from '../support/until.ts'
import { rulesBroken } from './panel-accessible.ts'
import { describeDoors } from './panel-doors-suite.ts'
import { describeDrill } from './panel-drill-suite.ts'
import { describeFigures } from './panel-figures-suite.ts'
import { describeKeys } from './panel-keys-suite.ts'
import { describeLimits } from './panel-limits-suite.ts'
import { describeOutage } from './panel-outage-suite.ts'
import { landmarks, openScene, type Scene, type View } from './panel-scene.ts'
import { describeState } from './panel-state-suite.ts'

const executable = findChromium()
const missing = executable === undefined ? ' (skipped: no chromium on PATH)' : ''
const views = Object.keys(landmarks) as View[]

/** How far the panel reaches beyond its place to the right. */
const overflow = ({ panel }: Scene): Promise<number> =>
  panel.evaluate((element) => Math.max(0, element.scrollWidth - element.clientWidth))

describe.skipIf(executable === undefined)(`The panel in the Workbench${missing}`, () => {
  const endings: (() => unknown)[] = []
  let opened: Scene | undefined
  const scene = (): Scene => {
    if (opened === undefined) throw new Error('the panel is not open')
    return opened
  }

  beforeAll(async () => {
    opened = await openScene(executable ?? '', (end) => endings.push(end))
    // So that there are runs, reads and a trace to show.
    for (let n = 0; n < 3; n++) await probe(opened.app, 'cache', 'get', 'bread')
  })
  afterAll(async () => {
    for (const end of endings.reverse()) await end()
  })

  it('shows both instances, and that all is well', async () => {
    const { panel, view } = scene()
    await view('overview')
    for (const name of ['primary', 'secondary'])
      await until(
        `${name} is up`,
        async () => (await panel.getByTestId(`cache-instance-${name}`).getAttribute('data-state')) === 'up',
      )
    await until(
      'all is well',
      async () => (await panel.getByTestId('cache-status').getAttribute('data-status')) === 'ok',
    )
  })

  for (const [width, height] of [
    [1600, 900],
    [360, 740],
  ] as const)
    for (const theme of ['light', 'dark'] as const)
      it(`is readable and in its place at ${width} px, ${theme}`, async () => {
        const { page, panel, view } = scene()
        await page.setViewportSize({ width, height })
        const toggle = page.getByRole('button', { name: `Switch to ${theme} theme` })
        if (await toggle.isVisible()) await toggle.click()
        const other = theme === 'light' ? 'dark' : 'light'
        await page.getByRole('button', { name: `Switch to ${other} theme` }).waitFor()
        mkdirSync('test-results', { recursive: true })
        const found: string[] = []
        for (const id of views) {
          await view(id)
          await page.screenshot({ path: `test-results/panel-${id}-${width}-${theme}.png` })
          found.push(...(await rulesBroken(page)).map((rule) => `${id}: ${rule}`))
          if ((await overflow(scene())) > 0) found.push(`${id}: wider than its place`)
        }
        await page.setViewportSize({ width: 1400, height: 900 })
        expect(found).toEqual([])
        expect(await panel.getByTestId('cache-failed').count()).toBe(0)
      })

  it('can be used with the keyboard alone', async () => {
    const { page, panel, view, focused } = scene()
    await view('overview')
    await panel.getByTestId('cache-view-overview').focus()
    while ((await panel.getByTestId('cache-view-state').getAttribute('aria-selected')) !== 'true')
      await page.keyboard.press('ArrowRight')
    const first = panel.getByTestId('cache-groups-table-row').first().getByRole('button')
    await first.focus()
    await page.keyboard.press('Enter')
    await focused(panel.getByTestId('cache-group'))
    const item = panel.getByTestId('cache-items-table-row').first().getByRole('button')
    await item.focus()
    await page.keyboard.press('Enter')
    await panel.getByTestId('cache-item').waitFor()
    await page.keyboard.press('Escape')
    await panel.getByTestId('cache-item').waitFor({ state: 'detached' })
    await focused(item)
    await panel.getByTestId('cache-groups').press('Enter')
    await focused(first)
    // A group that is found open, on the way through the tabs, leaves the focus there.
    await page.keyboard.press('Enter')
    await focused(panel.getByTestId('cache-group'))
    await panel.getByTestId('cache-view-state').press('ArrowLeft')
    await panel.getByTestId('cache-page-keys').waitFor()
    await page.keyboard.press('ArrowRight')
    await panel.getByTestId('cache-group').waitFor()
    await focused(panel.getByTestId('cache-view-state'))
    await panel.getByTestId('cache-groups').press('Enter')
    await focused(panel.getByTestId('cache-state'))
  })

  it('shows what steps did with the cache, and leads to the trace of a run', async () => {
    const { page, panel, view } = scene()
    await view('workflows')
    const steps = panel.getByTestId('cache-steps-table-row')
    await steps.filter({ hasText: 'Probe' }).waitFor()
    await panel.getByTestId('cache-runs-table-row').filter({ hasText: 'Probe' }).first().click()
    const run = panel.getByTestId('cache-run')
    expect(await run.textContent()).toMatch(/Calls\s*1\D[\s\S]*get in cache/)
    const trace = await run
      .getByText(/^[A-Z0-9]+-[A-Z0-9]+$/i)
      .first()
      .textContent()
    await run.getByTestId('cache-open-trace').click()
    await page.getByTestId(`trace-${trace}`).waitFor()
    await until('it is chosen', async () => (await page.getByTestId('trace-details').textContent())?.includes('Probe'))
    await page.getByTestId('cache-link').click()
    await panel.getByTestId('cache-runs-table').waitFor()
  })

  it('shows the processes, and the figures of one or of all', async () => {
    const { panel, view, app } = scene()
    await view('processes')
    const mine = panel.getByTestId('cache-processes-table-row').filter({ hasText: `:${app.pid}` })
    const figures = panel.getByTestId('cache-processes-figures')
    expect(await figures.textContent()).not.toContain(`process ${app.pid}`)
    await mine.click()
    expect(await figures.textContent()).toContain(`process ${app.pid}`)
    await figures.getByRole('button', { name: 'Show all' }).click()
    expect(await figures.textContent()).not.toContain(`process ${app.pid}`)
  })

  describeFigures(scene)
  describeLimits(scene)
  describeKeys(scene)
  describeState(scene)
  describeDoors(scene)
  describeDrill(scene)
  describeOutage(scene)

  it('broke nothing in the page, and complained of nothing', () => {
    const { browser, app } = scene()
    expect(browser.errors).toEqual([])
    expect(browser.complaints.filter((line) => line.includes(app.url))).toEqual([])
  })
})
