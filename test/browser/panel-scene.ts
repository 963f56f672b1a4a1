import { Redis } from 'ioredis'
import type { Locator, Page } from 'playwright-core'
import { redisTiers } from '../../src/tiers.ts'
import { type Browser, openBrowser, openWorkbench } from '../support/browser.ts'
import { exampleApp } from '../support/example-app.ts'
import { testFolder } from '../support/folder.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

/** One app with data on two instances, and the panel open in a browser. What the panel's tests share, to be quick. */
export interface Scene {
  readonly app: MotiaApp
  readonly primary: TestRedis
  readonly secondary: TestRedis
  /** As an operator sees them. */
  readonly onPrimary: Redis
  readonly onSecondary: Redis
  readonly browser: Browser
  readonly page: Page
  readonly panel: Locator
  /** Opens a view and waits for what it shows. */
  readonly view: (id: View) => Promise<void>
  /** Waits until this very element has the focus. */
  readonly focused: (element: Locator) => Promise<unknown>
  /** What is asked at `path` gets no answer that makes sense, and only once `after` has come; until the end is called. */
  readonly refuse: (path: string, after?: Promise<void>) => Promise<() => Promise<void>>
}

export type View = keyof typeof landmarks

/** Something in each view that is only there with data. */
export const landmarks = {
  overview: 'cache-instance-primary',
  categories: 'cache-categories',
  keys: 'cache-shown',
  state: 'cache-groups-table',
  workflows: 'cache-runs-table',
  processes: 'cache-processes-table',
  hot: 'cache-hot-largest',
} as const

/** A name that leads here, as a name of somebody else's would after its owner pointed it to this machine. */
export const FOREIGN = 'evil.example'

export const hostile = {
  key: '<img src=x onerror="window.hacked=1">\r\n\u0000\u202egnp.exe',
  value: `<script>window.hacked=1</script>\u0007${'long '.repeat(20_000)}`,
  group: '"><svg onload="window.hacked=1">*?[a-z]\u0000',
} as const

export const SECRET = 'open sesame'

/** What opens the app to pages that aren't this machine's own. */
export const TOKEN = 'a token of thirty letters or so'

/** `later` gets what ends it all. */
export const openScene = async (executable: string, later: (end: () => unknown) => void): Promise<Scene> => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const connect = ({ url }: TestRedis): Redis => {
    const redis = new Redis(url)
    redis.on('error', () => undefined) // the outages are on purpose
    later(() => redis.disconnect())
    return redis
  }
  const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
  const copy = exampleApp({ flows: [], fixtures: ['probe'] })
  later(copy.remove)
  const [app] = await Promise.all([
    startMotia({ dir: copy.dir, env: { ...env, MOTIA_REDIS_TOKEN: TOKEN }, workbench: true }),
    fill(env),
  ])
  later(app.stop)

  const browser = await openBrowser(executable, { hosts: [FOREIGN] })
  later(browser.close)
  const { page } = browser
  page.setDefaultTimeout(20_000)
  const panel = page.getByTestId('cache-panel')
  await openWorkbench(page, app.url, 'cache')
  const view = async (id: View): Promise<void> => {
    await page.getByTestId(`cache-view-${id}`).click()
    await panel.getByTestId(landmarks[id]).first().waitFor()
  }
  const focused = (element: Locator): Promise<unknown> =>
    until('it has the focus', async () => (await element.and(page.locator(':focus')).count()) === 1)
  const refuse = async (path: string, after?: Promise<void>): Promise<() => Promise<void>> => {
    const url = new RegExp(`/__motia/redis/${path}(\\?|$)`)
    // Not with a status of failure: the browser would complain of it.
    await page.route(url, async (route) => {
      await after
      await route.fulfill({ body: 'no answer' })
    })
    return () => page.unroute(url)
  }
  return {
    ...{ app, primary, secondary, browser, page, panel, view, focused, refuse },
    onPrimary: connect(primary),
    onSecondary: connect(secondary),
  }
}

/** What another process of the same team would have left there. */
const fill = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const { cache, state, close } = redisTiers({ env: { ...env, MOTIA_REDIS_DIR: testFolder() } })
  try {
    await Promise.all([
      ...Array.from({ length: 120 }, (_, n) => cache.set(`dish:${n}`, { name: `dish ${n}` }, { category: 'ml' })),
      cache.set('rich', rich, { category: 'cache', ttl: '10m', tags: ['lunch', '<b>tag</b>'] }),
      cache.set('soup', 1, { category: 'cache', tags: ['lunch'] }),
      cache.set('bread', 2, { category: 'cache' }),
      cache.set(hostile.key, hostile.value, { category: 'cache' }),
      cache.set('ada', { password: SECRET }, { category: 'user' }),
      ...Array.from({ length: 120 }, (_, n) => state.set(`order-${n}`, 'step', 'priced')),
      state.set('order-7', 'lines', [{ dish: 'soup', quantity: 2 }]),
      state.set('order-7', hostile.key, hostile.value),
      state.set(hostile.group, 'key', hostile.value),
    ])
  } finally {
    await close()
  }
}

const rich = {
  name: 'soup',
  since: new Date('2026-01-02T03:04:05.000Z'),
  prices: new Map([['small', 10n]]),
  nothing: undefined,
}
