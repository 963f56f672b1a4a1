import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { startMotia } from '../support/motia-app.ts'
import { npmLayout, packInto } from '../support/packed.ts'
import { servedPanel } from '../support/workbench.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const started = async (dir: string, mode: 'dev' | 'start') => {
  const app = await startMotia({ dir, mode, env: { MOTIA_REDIS_EMBEDDED: 'on' }, workbench: true })
  endings.push(app.stop)
  return servedPanel(app)
}

const expectPanel = ({ tab, module, styles }: Awaited<ReturnType<typeof servedPanel>>): void => {
  expect(tab).toMatchObject({ label: 'Cache', componentName: 'CachePanel', position: 'bottom' })
  expect(module).toMatch(/export \{[^}]*CachePanel/)
  // React and Motia's components are the Workbench's own, made ready for the browser in its cache.
  expect(module).toMatch(/from "[^"]*\.vite\/deps\/react\.js[^"]*"/)
  expect(module).toMatch(/from "[^"]*\.vite\/deps\/@motiadev_ui\.js[^"]*"/)
  expect(styles).toContain('.mr-panel')
  expect(styles).toContain('.u-over')
  // A class of nobody else's, which was made from what the panel's file holds.
  expect(styles).toContain('minmax(20rem,26rem)')
}

describe('the tab Cache', () => {
  it('is in the Workbench of an app beside a checkout, in motia dev', async () => {
    const copy = exampleApp({ flows: ['menu'] })
    endings.push(copy.remove)
    expectPanel(await started(copy.dir, 'dev'))
  })

  it('is in that of a workspace whose packages lie further up, in motia start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'motia redis workspace '))
    endings.push(() => rmSync(folder, { recursive: true, force: true }))
    const app = join(folder, 'workspace', 'apps', 'shop')
    mkdirSync(app, { recursive: true })
    cpSync(fileURLToPath(new URL('../fixtures/packed-app', import.meta.url)), app, { recursive: true })
    npmLayout(join(folder, 'workspace'), packInto(folder))
    const panel = await started(app, 'start')
    expectPanel(panel)
    expect(panel.tab?.packageName).toBe('~/../../node_modules/motia-redis/dist/workbench.js')
  })
})
