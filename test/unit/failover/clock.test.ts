import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ClockStore,
  createClock,
  isVersion,
  lowestAt,
  nextTo,
  timeOf,
} from '../../../src/failover/versions/clock.ts'
import { createClockFiles, type Uptime } from '../../../src/failover/versions/clock-file.ts'

const START = 1_800_000_000_000
const at = (ms: number, counter = 0, processId = '0000000a'): string =>
  ms.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0') + processId

/** Remembers, as files do, what was reserved when a process was killed. */
const memory = (): ClockStore & { reserved: number; calls: number } => ({
  reserved: 0,
  calls: 0,
  highest() {
    return this.reserved
  },
  reserve(until) {
    this.calls++
    this.reserved = until
  },
})

describe('the clock', () => {
  it('gives 24 hex digits: time, counter, process', () => {
    const clock = createClock({ now: () => START, processId: 'c0ffee00' })
    expect(clock.next()).toBe(at(START, 0, 'c0ffee00'))
    expect(clock.next()).toBe(at(START, 1, 'c0ffee00'))
    expect(createClock().processId).toMatch(/^[0-9a-f]{8}$/)
    expect(createClock().processId).not.toBe(createClock().processId)
    expect(timeOf(clock.next())).toBe(START)
    expect(lowestAt(START) <= clock.next() && clock.next() < lowestAt(START + 1)).toBe(true)
  })

  it('never runs backwards, whatever the wall clock does and whatever it witnesses', () => {
    const jump = fc.integer({ min: -10_000_000, max: 10_000_000 })
    const step = fc.oneof(
      fc.record({ jump }),
      fc.record({ ahead: fc.integer({ min: -100_000, max: 100_000 }), counter: fc.integer({ min: 0, max: 0xffff }) }),
      fc.constant({ restart: true }),
      fc.constant({ tick: true }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = START
        const store = memory()
        let clock = createClock({ now: () => now, store })
        let last = ''
        for (const each of steps) {
          if ('jump' in each) now += each.jump
          else if ('restart' in each) clock = createClock({ now: () => now, store })
          else if ('ahead' in each) {
            const theirs = at(now + each.ahead, each.counter, 'ffffffff')
            if (clock.witness(theirs) && theirs > last) last = theirs
          }
          const version = clock.next()
          expect(isVersion(version)).toBe(true)
          expect(version > last).toBe(true)
          expect(version <= clock.horizon()).toBe(true)
          last = version
        }
      }),
      { numRuns: 500 },
    )
  })

  it('carries a full counter into the time', () => {
    const clock = createClock({ now: () => START, processId: '0000000a' })
    expect(clock.witness(at(START, 0xfffe))).toBe(true)
    expect([clock.next(), clock.next(), clock.next()]).toEqual([at(START, 0xffff), at(START + 1, 0), at(START + 1, 1)])
  })

  it('has room right behind any version, before all that comes later', () => {
    const version = createClock({ now: () => 1_000, processId: 'ffffffff' }).next()
    const behind = nextTo(version, '00000000')
    expect(isVersion(behind) && behind > version).toBe(true)
    expect(behind < createClock({ now: () => 1_001 }).next()).toBe(true)
    const full = `${version.slice(0, 12)}ffffffffffff`
    expect(nextTo(full, '00000001')).toBe(`${lowestAt(1_001).slice(0, 16)}00000001`)
  })

  it('refuses what is no version or more than 60 s ahead, and is not moved by it', () => {
    const clock = createClock({ now: () => START, processId: '0000000a' })
    for (const foreign of [
      '',
      'x'.repeat(24),
      at(START).toUpperCase(),
      `${at(START)}0`,
      at(START).slice(1),
      at(START + 60_001),
    ]) {
      expect(clock.witness(foreign)).toBe(false)
    }
    expect(clock.next()).toBe(at(START, 0))
    expect(clock.witness(at(START + 60_000))).toBe(true)
    expect(clock.next()).toBe(at(START + 60_000, 1))
    // What it witnessed is no wall clock: else clocks would pull each other ahead for ever.
    expect(clock.witness(at(START + 60_001))).toBe(false)
    expect(clock.horizon()).toBe(at(START + 60_000, 0xffff, 'ffffffff'))
  })

  it('still knows the others when the wall clock is set back', () => {
    let now = START
    const clock = createClock({ now: () => now })
    clock.next()
    now -= 3_600_000
    expect(clock.witness(at(START + 1_000))).toBe(true)
  })

  it('reserves ahead: seldom, never behind what it gave out, and the same after many quick restarts', async () => {
    let now = START
    const store = memory()
    const clock = createClock({ now: () => now, store })
    for (let i = 0; i < 30_000; i++) {
      now += 1
      expect(timeOf(clock.next()) <= store.reserved).toBe(true)
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(store.calls).toBeGreaterThan(2)
    expect(store.calls).toBeLessThan(12)
    for (let i = 0; i < 200; i++) {
      now += 100
      createClock({ now: () => now, store }).next()
    }
    expect(store.reserved - now).toBeLessThan(30_000)
  })

  it('without its store goes on, and says so once', () => {
    const heard: unknown[] = []
    let fails = true
    let now = START
    const store: ClockStore = {
      highest: () => 0,
      reserve: () => {
        if (fails) throw new Error('disk')
      },
    }
    const clock = createClock({ now: () => now, store, onStoreFailure: (error) => heard.push(error) })
    for (let i = 0; i < 5; i++) {
      now += 60_000
      expect(timeOf(clock.next())).toBe(now)
    }
    expect(heard).toHaveLength(1)
    fails = false
    now += 60_000
    clock.next()
    fails = true
    now += 60_000
    clock.next()
    expect(heard).toHaveLength(2)
  })
})

describe('clock files', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'motia-redis-clock-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('a new process begins above all that ran before it, though the wall clock was set back', () => {
    const versions = ['0000000a', '0000000b', '0000000c'].map((processId, i) => {
      const now = START - i * 3_600_000
      return createClock({ now: () => now, processId, store: createClockFiles(dir, processId) }).next()
    })
    expect(versions).toEqual(versions.toSorted())
    expect(readdirSync(join(dir, 'clock'))).toEqual(['0000000c'])
  })

  it('processes that run at once do not lower what another reserved', () => {
    const [a, b] = [createClockFiles(dir, 'a'), createClockFiles(dir, 'b')]
    a.highest()
    b.highest()
    a.reserve(START + 1_000, { now: START, ahead: START + 1_000 })
    b.reserve(START, { now: START, ahead: 0 })
    expect(createClockFiles(dir, 'c').highest()).toBe(START + 1_000)
  })

  /** Of a process that opens the folder after another has run there for `ran` ms. */
  const leadAfter = (ran: number, uptime: (at: number) => Uptime, setBack = 0): { lead: number; later: boolean } => {
    let now = START
    let up = 0
    const open = (processId: string) =>
      createClock({
        now: () => now,
        processId,
        store: createClockFiles(dir, processId, { ...uptime(0), now: () => uptime(up).now() }),
      })
    const first = open('0000000a')
    let last = first.next()
    for (let i = 0; i < ran; i += 100) {
      now += 100
      up += 100
      last = first.next()
    }
    now -= setBack
    const next = open('0000000b').next()
    return { lead: timeOf(next) - now, later: next > last }
  }

  it('a process that starts beside another is not ahead of it', () => {
    const sameRun = (at: number): Uptime => ({ now: () => at, boot: 'run-1' })
    for (const ran of [0, 3_000, 60_000]) expect(leadAfter(ran, sameRun)).toEqual({ lead: 1, later: true })
  })

  it('but it is, by what was set back', () => {
    const sameRun = (at: number): Uptime => ({ now: () => at, boot: 'run-1' })
    expect(leadAfter(3_000, sameRun, 2_000)).toEqual({ lead: 2_001, later: true })
  })

  it('control: where runs of the system have no name it begins at what was reserved, seconds ahead', () => {
    const nameless = (at: number): Uptime => ({ now: () => at, boot: undefined })
    const { lead, later } = leadAfter(0, nameless)
    expect(later).toBe(true)
    expect(lead).toBeGreaterThan(5_000)
  })

  it('knows what others were ahead of the wall clock, too', () => {
    const uptime: Uptime = { now: () => 0, boot: 'run-1' }
    const open = (processId: string) =>
      createClock({ now: () => START, processId, store: createClockFiles(dir, processId, uptime) })
    const first = open('0000000a')
    first.next()
    first.witness(at(START + 4_000))
    const last = first.next()
    const next = open('0000000b').next()
    expect(next > last).toBe(true)
    expect(timeOf(next)).toBeLessThan(START + 4_200)
  })

  it('a folder that cannot be made is told', () => {
    const heard: unknown[] = []
    const store = createClockFiles(join(process.execPath, 'x'), 'a')
    const clock = createClock({ store, onStoreFailure: (error) => heard.push(error) })
    expect(isVersion(clock.next())).toBe(true)
    expect(heard).toHaveLength(1)
  })
})
