import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createMeters } from '../../../src/metrics/meters.ts'
import { createExposition } from '../../../src/metrics/prometheus.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { readScrape } from '../../support/scrape.ts'

const read = (path: string): string => readFileSync(new URL(`../../../docs/${path}`, import.meta.url), 'utf8')
const dashboard = read('grafana-dashboard.json')
const page = read('observability.md')

const exposed = async (): Promise<ReadonlyMap<string, string>> => {
  const meters = createMeters(readSettings({}, { env: {}, baseDir: '.', production: false }), () => 0)
  const exposition = await createExposition({
    ...{ meters, moves: { failover: new Map(), failback: new Map() }, replayed: new Map(), state: () => undefined },
    ...{ copies: () => undefined, health: () => ({ status: 'ok', age: 0, instances: [] }) },
  })
  try {
    return readScrape(await exposition.text()).types
  } finally {
    exposition.close()
  }
}

/** The metrics that a text asks for, parts of histograms by what they are part of. */
const askedFor = (text: string, types: ReadonlyMap<string, string>): string[] => {
  const names = [...new Set(text.match(/\bmotia_redis_[a-z0-9_]+/g))]
  return names.map((name) => {
    const whole = name.replace(/_(bucket|sum|count)$/, '')
    return types.get(whole) === 'histogram' ? whole : name
  })
}

describe('the Grafana dashboard', () => {
  const { panels, templating } = JSON.parse(dashboard) as {
    panels: { id: number; type: string; datasource?: { uid: string }; gridPos: { x: number; w: number } }[]
    templating: { list: { name: string; type: string }[] }
  }

  it('asks for metrics that there are, and for all of them', async () => {
    const types = await exposed()
    expect(types.size).toBeGreaterThan(25)
    expect([...new Set(askedFor(dashboard, types))].sort()).toEqual([...types.keys()].sort())
  })

  it('can be imported: every panel asks the data source that is chosen, and has its place', () => {
    expect(templating.list.find(({ name }) => name === 'datasource')?.type).toBe('datasource')
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { type, datasource, gridPos } of panels) {
      if (type !== 'row') expect(datasource?.uid).toBe('$' + '{datasource}')
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    }
  })
})

describe('the page about it', () => {
  it('has each metric in its table, and its examples ask for no others', async () => {
    const types = await exposed()
    expect(askedFor(page, types).filter((name) => !types.has(name))).toEqual([])
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    const listed = rows.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z0-9_]+)`/g)])
    expect(listed.map(([, name]) => `motia_redis_${name}`)).toEqual(expect.arrayContaining([...types.keys()]))
  })
})
