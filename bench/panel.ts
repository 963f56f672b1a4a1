import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { findChromium, openBrowser, openWorkbench } from '../test/support/browser.ts'
import { exampleApp } from '../test/support/example-app.ts'
import { type MotiaApp, startMotia } from '../test/support/motia-app.ts'
import { judged } from './measure.ts'

/**
 * The panel over 1,000,000 keys. Goals: it shows figures within 1 s of the click on its tab, and a poll costs the
 * server less than 5 ms of CPU.
 */
const KEYS = 1_000_000
const POLLS = 200

buildIfStale()
const [primary, secondary] = await Promise.all([startRedis(), startRedis()])
const copy = exampleApp()
const endings: (() => unknown)[] = [() => primary.stop(), () => secondary.stop(), copy.remove]

/** Half of them menus, which live on secondary, half of them counters of analytics, which live on primary. */
const fill = async (url: string, category: string, count: number): Promise<void> => {
  const redis = new Redis(url)
  const script = `for i = ARGV[1], ARGV[2] do
    redis.call('SET', KEYS[1] .. i, '{"value":{"id":"' .. i .. '","name":"soup","cents":450},"expires":' .. ARGV[3] .. '}', 'PXAT', ARGV[3])
  end`
  const end = Date.now() + 6 * 3_600_000
  const CHUNK = 20_000
  for (let at = 0; at < count; at += CHUNK)
    await redis.eval(script, 1, `${category}:`, at, Math.min(at + CHUNK, count) - 1, end)
  redis.disconnect()
}

/** CPU this process has used, in ms. Linux counts it in hundredths of a second. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const poll = async (app: MotiaApp, path: string): Promise<void> => {
  const response = await app.fetch(`/__motia/redis/${path}`)
  if (!response.ok) throw new Error(`${path} answered ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

/** What `POLLS` polls cost beyond what the server does anyway, which is measured just before, for as long. */
const cost = async (app: MotiaApp, path: string): Promise<{ cpu: number; ms: number }> => {
  for (let i = 0; i < 20; i++) await poll(app, path)
  const before = cpuOf(app.pid)
  const started = performance.now()
  for (let i = 0; i < POLLS; i++) await poll(app, path)
  const took = performance.now() - started
  const busy = cpuOf(app.pid) - before
  const idleFrom = cpuOf(app.pid)
  await sleep(took)
  const idle = cpuOf(app.pid) - idleFrom
  return { cpu: (busy - idle) / POLLS, ms: took / POLLS }
}

try {
  await Promise.all([fill(primary.url, 'analytics', KEYS / 2), fill(secondary.url, 'menu', KEYS / 2)])
  const app = await startMotia({
    dir: copy.dir,
    env: {
      REDIS_PRIMARY_URL: primary.url,
      REDIS_SECONDARY_URL: secondary.url,
      MOTIA_DOCKER_DISABLE_WORKBENCH: undefined,
    },
  })
  endings.push(app.stop)

  const executable = findChromium()
  if (executable === undefined) console.log('  no chromium on PATH: the panel itself is not measured')
  else {
    const { page, close } = await openBrowser(executable)
    endings.push(close)
    await openWorkbench(page, app.url, 'logs')
    const shown = async (open: () => Promise<unknown>, what: string): Promise<number> => {
      const started = performance.now()
      await open()
      await page.locator(what).first().waitFor()
      return performance.now() - started
    }
    const tab = (): Promise<void> => page.getByTestId('cache-link').click()
    console.log(`\nThe panel with ${KEYS.toLocaleString('en')} keys (goal: under 1 s)`)
    for (const round of ['first', 'second', 'third']) {
      const ms = await shown(tab, '[data-testid="cache-instance-primary"]')
      console.log(
        `  ${`${round} click on the tab, until the instances are there`.padEnd(58)} ${ms.toFixed(0)} ms ${judged(ms < 1_000)}`,
      )
      await page.getByTestId('logs-link').click()
    }
  }

  console.log(`\nA poll, mean of ${POLLS} (goal: under 5 ms of the server's CPU)`)
  for (const path of [
    'overview',
    'categories',
    'keys?category=menu',
    'groups',
    'workflows',
    'processes',
    'hot',
    'metrics',
  ]) {
    const { cpu, ms } = await cost(app, path)
    console.log(
      `  ${path.padEnd(24)} ${cpu.toFixed(2).padStart(6)} ms CPU ${judged(cpu < 5)}, answers in ${ms.toFixed(2)} ms`,
    )
  }
} finally {
  for (const end of endings.reverse()) await end()
}
