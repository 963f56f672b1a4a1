import { hostname } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Beats } from '../instances/beats.js'
import type { Looks } from '../instances/looks.js'
import type { Meters } from '../metrics/meters.js'
import type { Report } from '../report.js'
import { version } from '../version.js'
import { callsIn } from './calls.js'

/** What a process says of itself. Times are epoch ms. */
export interface Beat {
  readonly kind: 'motia' | 'app'
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly startedAt: number
  /** Since its start. Reads and writes are calls; hits, misses and stale ones are keys, of which a call may read many. */
  readonly reads: number
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly writes: number
  readonly errors: number
  /** ms, 99th percentile of late since the sign before. */
  readonly loopDelay: number
  readonly rss: number
}

export interface Heartbeat {
  /** What it would say now. */
  now(): Beat
  /** Takes its signs away, as far as that can be done soon. Never rejects. */
  close(): Promise<void>
}

export interface HeartbeatParts {
  readonly processId: string
  readonly looks: ReadonlyMap<string, Looks>
  readonly kind: () => Beat['kind']
  readonly startedAt: number
  readonly meters: Meters
  readonly report: Pick<Report, 'warn'>
  /** ms between two signs. */
  readonly every: number
}

/** ms between two signs, where the servers aren't asked more seldom than usual: those that count commands need that. */
const EVERY = 5_000
/** ms. Three of them fit into a life. */
const SELDOM = 20_000
export const beatEvery = (probeEvery = 0): number => Math.min(SELDOM, Math.max(EVERY, probeEvery))

/** ms until the first: a process that only passes by leaves none. */
const FIRST = 1_000
/** ms after which a process that gave no sign is gone. */
const LIFE = 60_000
/** ms after which what it left is removed. */
const KEPT = LIFE * 10
/** ms between looks at the event loop: more often costs more than it tells. */
const RESOLUTION = 100

/**
 * Leaves a sign of life on each instance that can be reached, for those who look from elsewhere. One that is away is left
 * out, a sign that fails is lost, and neither says anything about the instance. Its timers keep no process alive.
 */
export const createHeartbeat = (parts: HeartbeatParts): Heartbeat => {
  const { processId, looks, kind, startedAt, meters, report, every } = parts
  const host = hostname()
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION })
  loop.enable()
  let loopDelay = 0
  let left = false

  const now = (): Beat => {
    const figures = [...meters.all().values()].map((meter) => callsIn(meter.figures()))
    const sum = (of: keyof ReturnType<typeof callsIn>): number => figures.reduce((total, each) => total + each[of], 0)
    return {
      ...{ kind: kind(), host, pid: process.pid, version, startedAt, loopDelay },
      ...{ reads: sum('reads'), hits: sum('hits'), misses: sum('misses'), stale: sum('stale') },
      ...{ writes: sum('writes'), errors: sum('errors') },
      rss: process.memoryUsage.rss(),
    }
  }

  const leave = (): void => {
    // What is measured is the time between two looks.
    loopDelay = Math.max(0, loop.percentile(99) / 1e6 - RESOLUTION)
    loop.reset()
    left = true
    const text = JSON.stringify(now())
    for (const look of looks.values()) look.leaveBeat(processId, text)
  }
  const sweep = async (look: Looks): Promise<void> => {
    try {
      const beats = await look.beats()
      if (beats !== undefined) await look.removeBeats(oldBeats(beats))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      report.warn(`signs of life of processes that are gone could not be removed: ${reason}`)
    }
  }
  /** Where nobody ever looks, those that were here before would stay. */
  const begin = (): void => {
    leave()
    for (const look of looks.values()) void sweep(look)
  }
  const first = setTimeout(begin, FIRST).unref()
  const timer = setInterval(leave, every).unref()
  return {
    now,
    close: async () => {
      clearTimeout(first)
      clearInterval(timer)
      loop.disable()
      if (left) await Promise.all([...looks.values()].map((look) => look.removeBeats([processId])))
    },
  }
}

/** What a process said, and how long ago (ms). */
export interface Sign {
  readonly age: number
  readonly beat: Beat
}

/** Of those that gave a sign lately. Anybody could write there. */
export const livingSigns = ({ now, left }: Beats): ReadonlyMap<string, Sign> => {
  const signs = new Map<string, Sign>()
  for (const [processId, { at, text }] of left) {
    const beat = Math.abs(now - at) > LIFE ? undefined : readBeat(text)
    if (beat !== undefined) signs.set(processId, { age: Math.max(0, now - at), beat })
  }
  return signs
}

/** Nobody will miss them. A clock that was wrong for a while may have set them far ahead. */
export const oldBeats = ({ now, left }: Beats): readonly string[] =>
  [...left].flatMap(([processId, { at }]) => (Math.abs(now - at) > KEPT ? [processId] : []))

/** Undefined: it isn't one. */
export const readBeat = (text: string): Beat | undefined => {
  const found = parsed(text)
  if (typeof found !== 'object' || found === null) return undefined
  const part = (name: string): unknown => Reflect.get(found, name)
  const number = (name: string): number => {
    const value = part(name)
    return typeof value === 'number' && Number.isFinite(value) ? value : 0
  }
  const short = (name: string): string => {
    const value = part(name)
    return typeof value === 'string' ? value.slice(0, MOST_TEXT) : ''
  }
  if (number('startedAt') <= 0) return undefined
  return {
    kind: part('kind') === 'motia' ? 'motia' : 'app',
    ...{ host: short('host'), version: short('version') },
    ...{ pid: number('pid'), startedAt: number('startedAt') },
    ...{ reads: number('reads'), hits: number('hits'), misses: number('misses'), stale: number('stale') },
    ...{ writes: number('writes'), errors: number('errors') },
    ...{ loopDelay: number('loopDelay'), rss: number('rss') },
  }
}

const MOST_TEXT = 200

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
