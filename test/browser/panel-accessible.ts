import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What the panel breaks of the rules of accessibility, where that keeps people out. */
export const rulesBroken = async (page: Page): Promise<string[]> => {
  if (!(await page.evaluate<boolean>('"axe" in globalThis'))) await page.addScriptTag({ content: axe })
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run('[data-testid="cache-panel"]')
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`)
  })
}

/** The same in both themes. What is open stays open, and the theme is as before. */
export const rulesBrokenInBothThemes = async (page: Page): Promise<string[]> => {
  const found: string[] = []
  for (const _ of ['this', 'the other']) {
    const theme = await themeOf(page)
    found.push(...(await rulesBroken(page)).map((rule) => `${theme}: ${rule}`))
    await switchTheme(page)
  }
  return found
}

const themeOf = (page: Page): Promise<string> =>
  page.evaluate<string>('document.body.classList.contains("dark") ? "dark" : "light"')

/** Also from under a question, which lets no pointer through to the switch. */
const switchTheme = async (page: Page): Promise<void> => {
  const before = await themeOf(page)
  await page.getByRole('button', { name: /^Switch to \w+ theme$/, includeHidden: true }).dispatchEvent('click')
  await until('the theme is the other one', async () => (await themeOf(page)) !== before)
  // Colours that still change on their way are neither theme's.
  await page.evaluate(`Promise.allSettled(document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished))`)
}
