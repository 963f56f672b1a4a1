import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { hasWorkbench, workbenchPanel } from '../../../src/motia/plugin/workbench-panel.ts'
import { testFolder } from '../../support/folder.ts'

/** A package as it is installed, and an app that has it. */
const installed = ({
  files = ['workbench.js', 'workbench.css', 'workbench-chart.css'],
  under = 'node_modules',
} = {}): { from: string; app: string } => {
  const app = testFolder()
  const dist = join(app, under, 'motia-redis', 'dist')
  mkdirSync(dist, { recursive: true })
  for (const name of files) writeFileSync(join(dist, name), '')
  return { from: pathToFileURL(join(dist, 'server.cjs')).href, app }
}

describe('the tab Cache', () => {
  it('is named by the way from the app to the file', () => {
    const { from, app } = installed()
    expect(workbenchPanel(from, app)).toEqual([
      {
        packageName: '~/node_modules/motia-redis/dist/workbench.js',
        cssImports: ['workbench.css', 'workbench-chart.css'].map((name) =>
          join(app, 'node_modules/motia-redis/dist', name),
        ),
        componentName: 'CachePanel',
        label: 'Cache',
        labelIcon: 'database-zap',
        position: 'bottom',
      },
    ])
    const deeper = join(app, 'apps', 'shop')
    expect(workbenchPanel(from, deeper)[0]?.packageName).toBe('~/../../node_modules/motia-redis/dist/workbench.js')
  })

  it.each(['workbench.js', 'workbench.css', 'workbench-chart.css'])('is left out where %s is missing', (missing) => {
    const files = ['workbench.js', 'workbench.css', 'workbench-chart.css'].filter((name) => name !== missing)
    const { from, app } = installed({ files })
    expect(workbenchPanel(from, app)).toEqual([])
  })

  it('is left out where its path would end the text it is written into', () => {
    const { from, app } = installed({ under: "it's here" })
    expect(workbenchPanel(from, app)).toEqual([])
  })

  it('is promised where Motia shows a Workbench: `motia start` may be told not to, `motia dev` does in any case', () => {
    const told = { MOTIA_DOCKER_DISABLE_WORKBENCH: '1' }
    expect(hasWorkbench({}, ['node', 'motia', 'start'])).toBe(true)
    expect(hasWorkbench(told, ['node', 'motia', 'start'])).toBe(false)
    expect(hasWorkbench(told, ['node', 'motia', 'dev'])).toBe(true)
  })
})
