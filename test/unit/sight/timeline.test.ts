import { describe, expect, it } from 'vitest'
import { createEmitter } from '../../../src/events.ts'
import { createTimeline } from '../../../src/sight/timeline.ts'
import type { InstanceHealth } from '../../../types/index.ts'

const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

const health = (more: Partial<InstanceHealth>): InstanceHealth => ({
  ...{ name: 'primary', state: 'up', since: 0, readable: true, writable: true },
  ...{ categories: [], standsInFor: [], tracking: 'on', journal: { entries: 0, bytes: 0 } },
  ...more,
})

/** `step`: ms between two looks at the clock. */
const start = (step = 1) => {
  let time = 0
  const events = createEmitter(report)
  const timeline = createTimeline(events, () => {
    time += step
    return time
  })
  const wait = (ms: number): void => {
    time += ms
  }
  return { events, timeline, wait }
}

describe('the timeline', () => {
  it('tells what happened in sentences, newest first', async () => {
    const { events, timeline } = start()
    const gone = { readable: false, writable: false }
    events.emit('instance:state', health({ ...gone, state: 'down', reason: 'connection refused' }), 'up')
    events.emit('failover', { category: 'auth', from: 'primary', to: 'secondary', reason: 'connection refused' })
    events.emit('failover', { category: 'ml', from: 'secondary', to: 'embedded', reason: 'gone too' })
    events.emit('journal:full', { instance: 'primary', category: 'auth' })
    events.emit('instance:state', health({ ...gone, state: 'probing' }), 'down')
    events.emit('instance:state', health({ readable: false, state: 'catching-up', reason: 'it gets …' }), 'probing')
    events.emit('failback', { category: 'auth', to: 'primary', replayed: 3, ms: 12_400 })
    events.emit('failback', { category: 'ml', to: 'secondary', replayed: 0, ms: 250 })
    events.emit('instance:state', health({ writable: false, reason: 'out of memory' }), 'up')
    events.emit('instance:state', health({ state: 'suspect', reason: 'slow to answer' }), 'up')
    events.emit('instance:state', health({}), 'suspect')
    await heard()
    timeline.drill('secondary', 90_000)
    expect(timeline.all().map(({ text }) => text)).toEqual([
      'a drill begins: secondary is treated as gone for 90 s',
      'primary is up',
      'primary may be in trouble: slow to answer',
      'primary refuses writes: out of memory',
      'ml is back on secondary after 250 ms',
      'auth is back on primary after 12 s, with 3 writes that waited for it',
      'primary is back, and gets what it missed',
      'primary answers again, and has to show that it goes on',
      'the journal is full: writes to auth are refused until primary is back',
      'ml moved from secondary to files of this machine: gone too',
      'auth moved from primary to secondary: connection refused',
      'primary is down: connection refused',
    ])
    expect(timeline.all().map(({ at }) => at)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect(timeline.all()[0]).toMatchObject({ kind: 'drill', instance: 'secondary', categories: [] })
    expect(timeline.all()[5]).toMatchObject({ kind: 'failback', instance: 'primary', categories: ['auth'] })
  })

  it('tells once what happens to several categories in the same second', async () => {
    const { events, timeline } = start()
    const reason = 'drill: treated as gone until 2030-01-01T00:00:00.000Z'
    for (const category of ['auth', 'menu', 'ml', 'user', 'orders']) {
      events.emit('failover', { category, from: 'primary', to: 'secondary', reason })
      events.emit('failover', { category: `${category}-2`, from: 'third', to: 'motia-state', reason: 'gone' })
    }
    await heard()
    events.emit('failback', { category: 'auth', to: 'primary', replayed: 3, ms: 12_400 })
    events.emit('failback', { category: 'menu', to: 'primary', replayed: 3, ms: 12_400 })
    await heard()
    expect(timeline.all().map(({ text }) => text)).toEqual([
      'auth and menu are back on primary after 12 s, with 3 writes that waited for it',
      "auth-2, menu-2, ml-2 and 2 more moved from third to Motia's state: gone",
      'auth, menu, ml and 2 more moved from primary to secondary: a drill',
    ])
    expect(timeline.all()[2]?.categories).toEqual(['auth', 'menu', 'ml', 'user', 'orders'])
  })

  it('tells when a drill is over, in its place among what happened', async () => {
    const { events, timeline, wait } = start()
    const texts = () => timeline.all().map(({ text }) => text)
    timeline.drill('primary', 1_000)
    timeline.drill('secondary', 60_000)
    wait(500)
    timeline.drill('primary', 1_000)
    wait(900)
    expect(texts()).toHaveLength(3)
    wait(2_000)
    events.emit('instance:state', health({ state: 'probing', readable: false }), 'down')
    await heard()
    expect(texts().slice(0, 3)).toEqual([
      'primary answers again, and has to show that it goes on',
      'the drill is over: primary is asked again how it is',
      'a drill begins: primary is treated as gone for 1.0 s',
    ])
    const [, over, begun] = timeline.all()
    expect({ kind: over?.kind, instance: over?.instance }).toEqual({ kind: 'drill', instance: 'primary' })
    expect((over?.at ?? 0) - (begun?.at ?? 0)).toBe(1_000)
    wait(60_000)
    expect(texts()).toHaveLength(6)
    expect(texts()[0]).toBe('the drill is over: secondary is asked again how it is')
    wait(60_000)
    expect(texts()).toHaveLength(6)
  })

  it('keeps the last 200', async () => {
    const { events, timeline } = start(1_000)
    for (let n = 0; n < 500; n++)
      events.emit('failback', { category: `c${n}`, to: 'primary', replayed: 1, ms: 3_600_000 * 3 })
    await heard()
    expect(timeline.all()).toHaveLength(200)
    expect(timeline.all()[0]?.text).toBe('c499 is back on primary after 3 h, with 1 write that waited for it')
    expect(timeline.all().at(-1)?.categories).toEqual(['c300'])
  })
})
