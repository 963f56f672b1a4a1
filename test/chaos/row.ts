import { isCacheError } from '../../src/errors.ts'
import type { HealthReport, RedisTiers } from '../../types/index.ts'
import { until } from '../support/until.ts'
import { openArena } from './arena.ts'
import type { Violation } from './checker.ts'
import { watchDisk } from './disk-watch.ts'
import { createTroubles, isExplained, isLostCount, stoodStill, wasStarved } from './explained.ts'
import type { Fault, Served } from './fault.ts'
import { keysOf, leftovers } from './final.ts'
import { freshKeys, isWell, readEverything, writeFresh } from './healed.ts'
import { type Call, now } from './history.ts'
import { judge } from './judge.ts'
import { watchLoop } from './loop-watch.ts'
import { watchNeighbour } from './neighbour-watch.ts'
import { openTiers } from './places.ts'
import { createRecorder } from './recorder.ts'
import { createWorkload, seeded } from './workload.ts'

/** What one fault did to those who called meanwhile. */
export interface Row {
  readonly calls: number
  /** Errors by operation and code, with the first one's text. */
  readonly errors: Readonly<Record<string, { readonly count: number; readonly reason: string | undefined }>>
  /** The longest call, ms: as it was, and by how much it was over its deadline and the delay of the event loop. */
  readonly longest: { readonly ms: number; readonly over: number; readonly op: string }
  /** ms from the fault until health showed it, without the delay of the event loop; undefined: it never did. */
  readonly noticed: number | undefined
  /** What health showed of the primary meanwhile, once each, in order. */
  readonly seen: readonly string[]
  /** This machine had no time for its servers: health may honestly have shown more than the fault. */
  readonly starved: boolean
  /** How often it was lost within a minute, at most. */
  readonly falls: number
  readonly served: Served
  /** Why it was served by nobody, where it wasn't. */
  readonly unserved: readonly string[]
  /** ms from healing until all were up and the journal empty; undefined: never. */
  readonly back: number | undefined
  readonly health: HealthReport
  readonly atHome: { readonly keys: number; readonly present: number }
  readonly violations: readonly Violation[]
  /** Keys that an outage left behind. */
  readonly left: readonly string[]
}

const WRITERS = 32
const PAUSE = 20
const WARM_UP = 300
const AFTER = 300
const BACK_LIMIT = 12_000
/** ms until what an outage leaves behind is gone: what failed is tried again after 5 s. */
const LEFT_LIMIT = 12_000
const MINUTE = 60_000
/** ms that a write may take. */
const WRITE = 300
const TRIES = 3
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One fault on a fresh pair of servers: idle (a call of every kind before, meanwhile, after), or under 32 writers. */
export const runRow = async (fault: Fault, how: 'idle' | 'load', seed = 1): Promise<Row> => {
  const arena = await openArena(fault.arena)
  const tiers = openTiers({ ...arena.urls, dir: arena.dir })
  const loop = watchLoop()
  const disk = await watchDisk(arena.dir)
  const neighbour = await watchNeighbour(plain(arena.urls.secondary, fault), loop)
  const calls: Call[] = []
  const recorder = createRecorder({
    process: 'p',
    loop,
    note: (call, _, over) => {
      if (over) calls.push(call)
    },
  })
  const random = seeded(seed)
  const workload = createWorkload({ tiers, recorder, name: 'w', random })
  const seen: { what: string; at: number; late: number }[] = []
  /** Of the secondary, which gets no fault, and is silent where the machine has too much to do. */
  const troubles = createTroubles()
  let troubled: (() => void) | undefined
  const off = tiers.on('instance:state', (health) => {
    if (health.name === 'primary') seen.push({ what: shown(health), at: now(), late: loop.total() })
    else if (health.state !== 'up') troubled ??= troubles.begin(health.name)
    else {
      troubled?.()
      troubled = undefined
    }
  })
  const writing = how === 'load' ? WRITERS : (fault.writers ?? 0)
  /** The other one hadn't the time of a call to answer, so that what it holds wasn't known. */
  const isSilent = (call: Pick<Call, 'began' | 'ended' | 'late' | 'limit' | 'each'>): boolean =>
    troubles.during(call) > 0 || stoodStill(call)
  let going = writing > 0
  const writer = async (): Promise<void> => {
    while (going) {
      await workload.step()
      await pause(PAUSE * (0.5 + random()))
    }
  }

  try {
    // Loading and connecting is no call's business.
    await Promise.all([tiers.state.get('flow', 'none'), tiers.cache.get('none', { category: 'menu' })])
    await until('all are up', () => tiers.health().status === 'ok')
    await workload.everyKind()
    const writers = Array.from({ length: writing }, writer)
    await pause(fault.after ?? WARM_UP)

    const injectedAt = now()
    const before = seen.length
    await fault.inject(arena)
    const injected = { at: now(), late: loop.total() }
    await pause(fault.lasts ?? 1_200)
    if (how === 'idle') {
      await workload.everyKind()
      await workload.everyKind()
    }
    const unserved: string[] = []
    const served = async (category: string): Promise<string> => {
      for (let tries = 0; ; tries++) {
        const since = { began: now(), late: loop.total() }
        const got = await servedBy(tiers, category)
        const call = { ...got, began: since.began, ended: now(), late: loop.total() - since.late, limit: WRITE }
        if (got.reason !== undefined) unserved.push(`${category}: ${got.reason}`)
        // What this machine has no time for says nothing of the fault: an error, a miss of cached data, or files where
        // another instance would have stood in, had it answered.
        const excused = ['nobody', 'embedded, degraded'].includes(got.by)
          ? isSilent(call)
          : wasStarved(call) || (hadNoDisk(call) && disk.wasSlow(call))
        if (!excused || tries === TRIES) return got.by
      }
    }
    const by = { cached: await served('analytics'), kept: await served('orders') }
    const noticed = seen.slice(before).find(({ what }) => what !== 'up')
    await fault.heal(arena)
    const healedAt = now()
    const back = await until('all is well again', () => isWell(tiers.health()), fault.back ?? BACK_LIMIT).then(
      () => now() - healedAt,
      () => undefined,
    )
    if (how === 'idle') await workload.everyKind()
    else await pause(AFTER)
    going = false
    await Promise.all(writers)
    await until('the last writes are home', () => isWell(tiers.health()), 3_000).catch(() => undefined)

    const calm = now()
    const fresh = freshKeys('w')
    await writeFresh(tiers, recorder, fresh)
    await readEverything(tiers, recorder, [...keysOf(calls), ...fresh])
    const { violations, home } = await judge(calls, {
      urls: { primary: plain(arena.urls.primary, fault), secondary: arena.urls.secondary },
      healedAt: calm,
      mayShrink: () => fault.loses === true,
      away: (call) => {
        const byFault = call.ended < injectedAt || call.began >= calm ? 0 : fault.both === true ? 2 : 1
        // Where the machine has too much to do an instance may seem to be away without the fault.
        return Math.max(byFault, troubles.during(call)) + (isSilent(call) ? 1 : 0)
      },
      mayFail: (call) =>
        call.began < calm &&
        (isRight(call, fault) ||
          (hadNoDisk(call) && disk.wasSlow(call)) ||
          (troubles.during(call) > 0 && isExplained(call, 2))),
      reads: (call) => (fault.blinds !== true || call.began >= calm) && !isOfOthers(call, fault),
    })
    const failed = calls.filter(({ code }) => code !== undefined)
    const left = () => leftovers({ primary: plain(arena.urls.primary, fault), secondary: arena.urls.secondary })
    // Where a sign of life was still on its way, or its server had no time to answer, it is looked after again later.
    await until('nothing is left', async () => (await left()).length === 0, LEFT_LIMIT, 100).catch(() => undefined)
    return {
      calls: calls.length,
      errors: byKind(failed),
      longest: longest(calls),
      noticed: noticed && Math.max(0, noticed.at - injected.at - (noticed.late - injected.late)),
      seen: [...new Set(seen.slice(before).map(({ what }) => what))],
      starved: neighbour.wasStarved({ began: injectedAt, ended: calm }),
      falls: mostWithin(MINUTE, seen),
      served: by,
      unserved,
      back,
      health: tiers.health(),
      atHome: { keys: home.size, present: [...home.values()].filter((value) => value !== null).length },
      violations,
      left: await left(),
    }
  } finally {
    going = false
    off()
    await neighbour.stop()
    loop.stop()
    await disk.stop()
    await fault.heal(arena)?.then(undefined, () => undefined)
    await tiers.close()
    await arena.remove()
  }
}

/** What an outage leaves to the journal took longer than the call may. */
const hadNoDisk = ({ reason }: { readonly reason?: string | undefined }): boolean =>
  reason?.includes('the disk took longer than the call may') === true

/** Who is suspected serves, and who has to prove itself doesn't. */
const shown = ({ state, readable, writable }: { state: string; readable: boolean; writable: boolean }): string => {
  if (state === 'probing') return 'down'
  if (state !== 'up' && state !== 'suspect') return state
  return !writable ? 'unwritable' : readable ? 'up' : 'unreadable'
}

/** Where nothing is left unanswered not even an increment may fail. */
const isRight = (call: Call, { answers, mayFail, both }: Fault): boolean =>
  mayFail?.(call) === true || wasStarved(call, both === true ? 2 : 1) || (answers !== true && isLostCount(call))

/**
 * It bears no tag and has no end that we know of, so no invalidation and no expiry of ours removes it: its name stays until
 * it is deleted or written over.
 */
const isOfOthers = (call: Call, { foreign = [] }: Fault): boolean =>
  call.does === 'look' && call.op === 'cache.keys' && call.found === true && foreign.includes(call.key)

/** Falls: it was up, in whole or in part, and is less. */
const mostWithin = (ms: number, seen: readonly { readonly what: string; readonly at: number }[]): number => {
  const falls = seen.filter(({ what }, i) => isFall(what, seen[i - 1]?.what ?? 'up')).map(({ at }) => at)
  return Math.max(0, ...falls.map((from) => falls.filter((at) => at >= from && at < from + ms).length))
}
const isFall = (what: string, before: string): boolean =>
  (what === 'down' && before !== 'down' && before !== 'catching-up') || (what === 'unwritable' && before === 'up')

/** By somebody who writes now and reads what was written. */
const servedBy = async (
  { cache }: RedisTiers,
  category: string,
): Promise<{ readonly by: string; readonly code?: string; readonly reason?: string }> => {
  try {
    await cache.set('served', 'x', { category })
    const entry = await cache.getEntry('served', { category })
    return { by: entry === undefined ? 'nobody' : `${entry.source}${entry.degraded ? ', degraded' : ''}` }
  } catch (error) {
    const code = isCacheError(error) ? error.code : String(error)
    return { by: code, code, reason: String(error) }
  }
}

const byKind = (failed: readonly Call[]): Row['errors'] => {
  const found: Record<string, { count: number; reason: string | undefined }> = {}
  for (const { op, code, reason } of failed) {
    const kind = `${op} ${code}`
    found[kind] = { reason, ...found[kind], count: (found[kind]?.count ?? 0) + 1 }
  }
  return found
}

const longest = (calls: readonly Call[]): Row['longest'] => {
  const all = calls.map(({ began, ended, limit, late, op }) => ({
    ms: ended - began,
    over: ended - began - limit - late,
    op,
  }))
  return all.reduce((most, each) => (each.over > most.over ? each : most), { ms: 0, over: -1_000, op: '' })
}

/** Past the wire and the logins of a fault. */
const plain = (url: string, fault: Fault): string =>
  fault.arena?.login?.startsWith(':') === true ? url : url.replace(/\/\/[^@]*@/, '//')
