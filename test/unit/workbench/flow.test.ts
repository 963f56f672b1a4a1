import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inWords, lanesOf, linksOf, targetsOf } from '../../../src/motia/workbench/flow/lanes.ts'
import { layoutFlow, wrap } from '../../../src/motia/workbench/flow/layout.ts'
import type { InstanceView, RouteView } from '../../../src/sight/contract.ts'

const instance = (name: string): InstanceView => ({
  name,
  kind: name === 'embedded' ? 'embedded' : 'redis',
  state: 'up',
  since: 0,
  reason: undefined,
  readable: true,
  writable: true,
  latencies: [],
  latency: undefined,
  serverVersion: undefined,
  role: undefined,
  memory: undefined,
  live: undefined,
  tracking: 'on',
  categories: [],
  standsInFor: [],
  holdsState: false,
  journal: { entries: 0, bytes: 0, oldest: undefined, aside: 0 },
  recovery: undefined,
})

const route = (name: string, home: string, servedBy: string | undefined = home, mirror?: string): RouteView => ({
  name,
  kind: name === 'state' ? 'state' : 'category',
  home,
  servedBy,
  mirror,
  kept: mirror !== undefined,
  onOutage: 'failover',
  l1: false,
  sensitive: false,
})

const refused = (name: string, home: string): RouteView => ({ ...route(name, home), servedBy: undefined })

const instances = ['primary', 'secondary', 'models', 'embedded'].map(instance)
const kinds = (routing: readonly RouteView[]): string[] =>
  lanesOf(routing, instances)
    .flatMap(linksOf)
    .map(({ lane, kind, to, names }) => `${lane} ${kind} ${to}: ${names.join()}`)

describe('lanes', () => {
  it('are state, the primary and the others, each with its temperature', () => {
    const routing = [
      route('ml', 'models'),
      route('menu', 'secondary'),
      route('state', 'primary'),
      route('orders', 'primary'),
    ]
    expect(lanesOf(routing, instances).map(({ id, temperature }) => `${id} ${temperature}`)).toEqual([
      'state hot',
      'categories:primary warm',
      'categories:secondary cold',
      'categories:models cold',
    ])
  })

  it('call the only home warm, whatever its name', () => {
    expect(lanesOf([route('menu', 'embedded')], instances).map(({ temperature }) => temperature)).toEqual(['warm'])
  })
})

describe('ways', () => {
  it('lead home while all is well, and to the mirror of what is kept', () => {
    expect(kinds([route('state', 'primary', 'primary', 'secondary'), route('menu', 'secondary')])).toEqual([
      'state home primary: state',
      'state mirror secondary: state',
      'categories:secondary home secondary: menu',
    ])
  })

  it('lead to the stand-in in the middle of a failover, each category by itself', () => {
    const routing = [
      route('state', 'primary', 'secondary', 'secondary'),
      route('auth', 'primary', 'secondary'),
      route('orders', 'primary', 'embedded'),
      route('menu', 'primary'),
    ]
    expect(kinds(routing)).toEqual([
      'state away primary: state',
      'state stand-in secondary: state',
      'categories:primary home primary: menu',
      'categories:primary away primary: auth,orders',
      'categories:primary stand-in secondary: auth',
      'categories:primary stand-in embedded: orders',
    ])
  })

  it('end at home where nobody serves', () => {
    expect(kinds([refused('analytics', 'primary'), route('auth', 'primary', 'secondary')])).toEqual([
      'categories:primary refused primary: analytics',
      'categories:primary stand-in secondary: auth',
    ])
  })

  it('are said in words too', () => {
    const routing = [route('state', 'primary', 'secondary'), refused('log', 'primary')]
    expect(inWords(lanesOf(routing, instances))).toBe(
      'state: served by secondary, its stand-in. log: refused while primary is away.',
    )
  })
})

it('shows who serves without being an instance', () => {
  const names = targetsOf([route('state', 'primary', 'motia-state')], [instance('primary')]).map(({ name }) => name)
  expect(names).toEqual(['primary', 'motia-state'])
})

describe('layout', () => {
  const name = fc.string({ minLength: 1, maxLength: 40 })
  const anyRoute = fc
    .record({
      name,
      home: fc.constantFrom('primary', 'secondary', 'models'),
      servedBy: fc.option(fc.constantFrom('primary', 'secondary', 'models', 'embedded', 'motia-state'), {
        nil: undefined,
      }),
    })
    .map(({ name: of, home, servedBy }) => ({ ...route(of, home), servedBy }))

  it('keeps every box in the picture and apart from the others, however wide it is', () => {
    fc.assert(
      fc.property(fc.array(anyRoute, { maxLength: 40 }), fc.integer({ min: 280, max: 2_000 }), (routing, width) => {
        const lanes = lanesOf([route('state', 'primary'), ...routing], instances)
        const { height, ...laid } = layoutFlow(lanes, targetsOf(routing, instances), width)
        for (const boxes of [laid.lanes, laid.targets]) {
          let bottom = 0
          for (const box of boxes) {
            expect(box.y).toBeGreaterThanOrEqual(bottom)
            expect(box.x).toBeGreaterThanOrEqual(0)
            expect(box.x + box.width).toBeLessThanOrEqual(width)
            bottom = box.y + box.height
          }
          expect(bottom).toBeLessThanOrEqual(height + 0.1)
        }
        const lanesEnd = Math.max(...laid.lanes.map((box) => box.x + box.width))
        expect(Math.min(...laid.targets.map((box) => box.x))).toBeGreaterThan(lanesEnd + 20)
      }),
    )
  })

  it('draws every way once', () => {
    const routing = [route('state', 'primary', 'primary', 'secondary'), route('menu', 'secondary', 'embedded')]
    const lanes = lanesOf(routing, instances)
    const { links } = layoutFlow(lanes, targetsOf(routing, instances), 900)
    expect(links.map(({ link }) => link)).toEqual(lanes.flatMap(linksOf))
    expect(links.every(({ path }) => /^M[\d.]+ [\d.]+C([\d.]+ ?){6}$/.test(path))).toBe(true)
  })

  it('writes no words beside ways where there is no room', () => {
    const lanes = lanesOf([route('state', 'primary', 'secondary')], instances)
    const words = (width: number) =>
      layoutFlow(lanes, targetsOf([], instances), width).links.map(({ labelAt }) => labelAt !== undefined)
    expect([words(320), words(1_000)]).toEqual([
      [false, false],
      [true, true],
    ])
  })

  it('keeps words beside ways apart while one instance is away, or another', () => {
    for (const [away, standIn] of [
      ['primary', 'secondary'],
      ['secondary', 'primary'],
    ] as const) {
      const served = (home: string): string => (home === away ? standIn : home)
      const routing = [
        route('state', 'primary', served('primary'), 'secondary'),
        route('auth', 'primary', served('primary'), 'secondary'),
        route('menu', 'secondary', served('secondary')),
        ...(away === 'secondary' ? [refused('ml', 'secondary')] : []),
      ]
      const two = instances.slice(0, 2)
      for (const width of [500, 760, 1_000]) {
        const { links } = layoutFlow(lanesOf(routing, two), targetsOf(routing, two), width)
        const words = links.flatMap(({ link, labelAt }) => (labelAt === undefined ? [] : [{ link, ...labelAt }]))
        expect(words.length).toBeGreaterThan(2)
        for (const [i, one] of words.entries())
          for (const other of words.slice(i + 1)) {
            const wide = (3 * (one.link.kind.length + other.link.kind.length)) / 2 + 3
            expect(Math.abs(one.y - other.y) >= 12 || Math.abs(one.x - other.x) >= wide).toBe(true)
          }
      }
    }
  })

  it('breaks names into lines that fit', () => {
    expect(wrap(['auth', 'orders', 'notifications'], 16)).toEqual(['auth · orders', 'notifications'])
    expect(wrap(['a-name-that-is-longer'], 10)).toEqual(['a-name-th…'])
    fc.assert(
      fc.property(fc.array(name), fc.integer({ min: 4, max: 60 }), (names, letters) => {
        for (const line of wrap(names, letters)) expect(line.length).toBeLessThanOrEqual(letters)
      }),
    )
  })
})
