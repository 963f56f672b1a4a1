import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedis } from '../../test/support/redis-process.ts'
import type { OpenSubject, Subject } from './subjects.ts'

export type Harm = 'killed' | 'frozen'
/** Left by a call that was neither answered nor certainly not made. */
const isUnknown = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'applied' in error && error.applied === 'unknown'

/** What an outage of the first of two servers, with 16 callers at work, did to those who called. Times in ms. */
export interface Outcome {
  readonly calls: number
  readonly errors: number
  /** Increments, where it has them, and those of them whose outcome nobody knows. */
  readonly increments: number | undefined
  readonly unknown: number | undefined
  /** Calls that had no answer when the server came back. */
  readonly hung: number
  readonly longest: number
  /** The first call that began after the fault: what it got, after how long. */
  readonly first: string
  /** Median of the calls of the outage's second half, against that of the time before. Undefined: none was answered. */
  readonly slower: number | undefined
  /** Until it was known; where that is said. */
  readonly detected: number | undefined
  readonly back: number | undefined
  /** Acknowledged writes of which somebody who starts afterwards sees nothing, or an older value. */
  readonly gone: number
  readonly stale: number
  readonly written: number
}

const CALLERS = 16
const KEYS = 200
const BEFORE = 700
const LASTS = 1_500
const AFTER = 1_000
const HANG = 3_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

interface Made {
  readonly kind: 'read' | 'write' | 'increment'
  unknown: boolean
  readonly began: number
  ended: number
  ok: boolean
}

export const runOutage = async (subject: Subject, harm: Harm): Promise<Outcome> => {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
  const [primary, secondary] = await Promise.all([openRedis({ args: durable }), openRedis({ args: durable })])
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  const urls = { primary: primary.url, secondary: secondary.url }
  const opened: OpenSubject[] = []
  const open = async (): Promise<OpenSubject> => {
    const each = await subject.open(urls, dir)
    opened.push(each)
    return each
  }

  try {
    const cache = await open()
    const states: { state: string; at: number }[] = []
    cache.onState?.((state) => states.push({ state, at: performance.now() }))
    const calls: Made[] = []
    const acknowledged = new Map<string, number>()
    let counter = 0
    let going = true

    const call = async (caller: number): Promise<void> => {
      // Each key has one writer, so that the last acknowledged value is known.
      const key = `k${caller + CALLERS * Math.floor((Math.random() * KEYS) / CALLERS)}`
      const { increment } = cache
      const kind = increment !== undefined && Math.random() < 0.1 ? 'increment' : Math.random() < 0.5 ? 'write' : 'read'
      const made: Made = { kind, began: performance.now(), ended: Number.NaN, ok: false, unknown: false }
      calls.push(made)
      const number = ++counter
      try {
        if (kind === 'increment') await increment?.(`n${caller}`)
        else await (kind === 'write' ? cache.set(key, `${number}`) : cache.get(key))
        made.ok = true
        if (kind === 'write') acknowledged.set(key, number)
      } catch (error) {
        // Counted below.
        made.unknown = kind === 'increment' && isUnknown(error)
      }
      made.ended = performance.now()
    }
    const caller = async (i: number): Promise<void> => {
      while (going) {
        await call(i)
        await pause(2 + Math.random() * 6)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, (_, i) => call(i)))
    calls.length = 0
    const callers = Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)))
    await pause(BEFORE)

    const harmedAt = performance.now()
    if (harm === 'killed') await primary.crash()
    else primary.freeze()
    await pause(LASTS)
    const hung = calls.filter(({ ended, began }) => Number.isNaN(ended) && began < performance.now() - 100).length
    if (harm === 'killed') await primary.restart()
    else primary.thaw()
    const healedAt = performance.now()
    await pause(AFTER)
    going = false
    await Promise.race([callers, pause(HANG)])
    const backAt = await backSince(states, healedAt, cache)
    await pause(300)

    // Somebody else, who has nothing in memory.
    const reader = await open()
    let gone = 0
    let stale = 0
    for (const [key, number] of acknowledged) {
      const seen = Number((await Promise.race([reader.get(key), pause(HANG)]).catch(() => undefined)) ?? Number.NaN)
      if (Number.isNaN(seen)) gone += 1
      // A later one that failed, or was never answered, may be there as well.
      else if (seen < number) stale += 1
    }

    const took = (made: Made): number => (Number.isNaN(made.ended) ? performance.now() : made.ended) - made.began
    const firstCall = calls.find(({ began }) => began > harmedAt)
    const before = calls.filter(({ ended }) => ended < harmedAt)
    const answered = calls.filter(({ began, ended }) => began > harmedAt + LASTS / 2 && ended < healedAt)
    return {
      calls: calls.length,
      errors: calls.filter((made) => !made.ok && !made.unknown && !Number.isNaN(made.ended)).length,
      increments: cache.increment && calls.filter(({ kind }) => kind === 'increment').length,
      unknown: cache.increment && calls.filter(({ unknown }) => unknown).length,
      hung,
      longest: Math.max(...calls.map(took)),
      first:
        firstCall === undefined
          ? 'none'
          : `${Number.isNaN(firstCall.ended) || took(firstCall) > LASTS ? 'no answer' : firstCall.ok ? 'answer' : 'error'} in ${Math.round(took(firstCall))} ms`,
      slower: answered.length === 0 ? undefined : median(answered.map(took)) / median(before.map(took)),
      detected: after(states.find(({ state, at }) => state === 'down' && at > harmedAt)?.at, harmedAt),
      back: after(backAt, healedAt),
      gone,
      stale,
      written: acknowledged.size,
    }
  } finally {
    await Promise.race([Promise.allSettled(opened.map((each) => each.close())), pause(2_500)])
    await Promise.all([primary.remove(), secondary.remove()])
    rmSync(dir, { recursive: true, force: true })
  }
}

/** ms until an instance that froze while nobody called is known to be away. */
export const detectIdle = async (subject: Subject): Promise<number | undefined> => {
  const [primary, secondary] = await Promise.all([openRedis(), openRedis()])
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  try {
    const cache = await subject.open({ primary: primary.url, secondary: secondary.url }, dir)
    let downAt: number | undefined
    cache.onState?.((state) => {
      if (state === 'down') downAt ??= performance.now()
    })
    await cache.set('k', 'v')
    await pause(1_500)
    const frozenAt = performance.now()
    primary.freeze()
    for (const end = frozenAt + 5_000; performance.now() < end && downAt === undefined; ) await pause(5)
    primary.thaw()
    await cache.close()
    return after(downAt, frozenAt)
  } finally {
    await Promise.all([primary.remove(), secondary.remove()])
    rmSync(dir, { recursive: true, force: true })
  }
}

const after = (at: number | undefined, since: number): number | undefined => (at === undefined ? undefined : at - since)

/** When it said that the instance is up again; waits for that. */
const backSince = async (
  states: readonly { state: string; at: number }[],
  healedAt: number,
  cache: OpenSubject,
): Promise<number | undefined> => {
  if (cache.onState === undefined) return undefined
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(10)) {
    const last = states.at(-1)
    if (last?.state === 'up' && last.at > healedAt) return last.at
  }
  return undefined
}
