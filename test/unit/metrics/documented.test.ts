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
  interface Target {
    readonly refId: string
    readonly expr: string
    readonly legendFormat?: string
  }
  interface Panel {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly datasource?: { readonly uid: string }
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly Target[]
  }
  const parsed = JSON.parse(dashboard) as {
    readonly id?: unknown
    readonly uid: string
    readonly title: string
    readonly schemaVersion: number
    readonly panels: readonly Panel[]
    readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  }
  const { panels, templating } = parsed
  const targets = panels.flatMap((panel) => panel.targets ?? [])

  it('asks for metrics that there are, and for all of them', async () => {
    const types = await exposed()
    expect(types.size).toBeGreaterThan(25)
    expect([...new Set(askedFor(dashboard, types))].sort()).toEqual([...types.keys()].sort())
  })

  it('can be imported: every panel asks the data source that is chosen, and has its place', () => {
    expect(templating.list.find(({ name }) => name === 'datasource')?.type).toBe('datasource')
    // A number of its own it gets there; by the uid a later one takes its place, and 40 letters are the most.
    expect(parsed.id ?? null).toBeNull()
    expect(parsed.uid).toMatch(/^[\w-]{1,40}$/)
    expect(parsed.schemaVersion).toBeGreaterThanOrEqual(36)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { type, datasource, gridPos } of panels) {
      if (type !== 'row') expect(datasource?.uid).toBe('$' + '{datasource}')
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    }
    for (const [i, { gridPos: a, title }] of panels.entries())
      for (const { gridPos: b, title: other } of panels.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y
        expect(apart, `${title} beside ${other}`).toBe(true)
      }
  })

  it('uses no variable that it does not have, and no label that no metric bears', () => {
    const used = new Set([...dashboard.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name))
    const known = ['__all', '__rate_interval', ...templating.list.map(({ name }) => name)]
    expect([...used].filter((name = '') => !known.includes(name))).toEqual([])

    const rows = page.split('\n').filter((line) => /^\| `[a-z0-9_`, ]+ \|/.test(line))
    const borne = rows.flatMap((line) => (line.split('|')[2] ?? '').match(/[a-z]+/g) ?? [])
    // Prometheus' own, and what it makes of ours.
    const labels = new Set([...borne, 'job', 'le', 'exported_instance'])
    const asked = targets.flatMap(({ expr, legendFormat = '' }) => [
      ...[...expr.matchAll(/(\w+) *(?:=~|!~|!=|=) *"/g)].map(([, name]) => name),
      ...[...expr.matchAll(/\b(?:by|without|on|ignoring) *\(([^)]*)\)/g)].flatMap(
        ([, list = '']) => list.match(/\w+/g) ?? [],
      ),
      ...[...legendFormat.matchAll(/\{\{ *(\w+) *\}\}/g)].map(([, name]) => name),
    ])
    expect(asked.length).toBeGreaterThan(50)
    expect([...new Set(asked)].filter((name = '') => !labels.has(name))).toEqual([])
  })

  it('names the questions of a panel apart', () => {
    for (const { title, targets: own = [] } of panels)
      expect(new Set(own.map(({ refId }) => refId)).size, title).toBe(own.length)
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
