import type { HealthReport } from '../../types/index.ts'
import { until } from '../support/until.ts'
import { openArena } from './arena.ts'
import { check, type Violation } from './checker.ts'
import type { Fault } from './faults.ts'
import { keysOf, leftovers, readFinal } from './final.ts'
import { isWell, readEverything } from './healed.ts'
import { type Call, now } from './history.ts'
import { watchLoop } from './loop-watch.ts'
import { isKept, openTiers } from './places.ts'
import { createRecorder } from './recorder.ts'
import { createWorkload, seeded } from './workload.ts'

/** What one fault did to those who called meanwhile. */
export interface Row {
  readonly calls: number
  /** Errors by operation and code, with the first one's text. */
  readonly errors: Readonly<Record<string, { readonly count: number; readonly reason: string | undefined }>>
  /** Those that the fault doesn't excuse. */
  readonly wrongErrors: readonly Call[]
  /** The longest call, ms: as it was, and by how much it was over its deadline and the delay of the event loop. */
  readonly longest: { readonly ms: number; readonly over: number; readonly op: string }
  /** ms from the fault until health showed it; undefined: it never did. */
  readonly noticed: number | undefined
  /** What health showed of the primary meanwhile, in order. */
  readonly seen: readonly string[]
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
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One fault on a fresh pair of servers: idle (a call of every kind before, meanwhile, after), or under 32 writers. */
export const runRow = async (fault: Fault, how: 'idle' | 'load', seed = 1): Promise<Row> => {
  const arena = await openArena(fault.arena)
  const tiers = openTiers({ ...arena.urls, dir: arena.dir })
  const loop = watchLoop()
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
  const seen: { what: string; at: number }[] = []
  const off = tiers.on('instance:state', (health) => {
    if (health.name === 'primary') seen.push({ what: shown(health), at: now() })
  })
  let going = how === 'load'
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
    const writers = Array.from({ length: how === 'load' ? WRITERS : 0 }, writer)
    await pause(fault.after ?? WARM_UP)

    const injectedAt = now()
    const before = seen.length
    await fault.inject(arena)
    await pause(fault.lasts ?? 1_200)
    if (how === 'idle') {
      await workload.everyKind()
      await workload.everyKind()
    }
    const noticed = seen.slice(before).find(({ what }) => what !== 'up')?.at
    await fault.heal(arena)
    const healedAt = now()
    const back = await until('all is well again', () => isWell(tiers.health()), BACK_LIMIT).then(
      () => now() - healedAt,
      () => undefined,
    )
    if (how === 'idle') await workload.everyKind()
    else await pause(AFTER)
    going = false
    await Promise.all(writers)
    await until('the last writes are home', () => isWell(tiers.health()), 3_000).catch(() => undefined)

    const calm = now()
    await readEverything(tiers, recorder, keysOf(calls))
    const urls = { primary: plain(arena.urls.primary, fault), secondary: arena.urls.secondary }
    const home = await readFinal(calls, { urls })
    const options = { kept: isKept, healedAt: calm, mayShrink: () => fault.loses === true }
    const mirror = await readFinal(calls, { urls, of: 'mirror' })
    const judged = fault.blinds === true ? calls.filter(({ does, began }) => does !== 'read' || began >= calm) : calls
    const failed = calls.filter(({ code }) => code !== undefined)
    return {
      calls: calls.length,
      errors: byKind(failed),
      wrongErrors: failed.filter((call) => !isExpected(call) && fault.mayFail?.(call) !== true),
      longest: longest(calls),
      noticed: noticed === undefined ? undefined : noticed - injectedAt,
      seen: [...new Set(seen.slice(before).map(({ what }) => what))],
      back,
      health: tiers.health(),
      atHome: { keys: home.size, present: [...home.values()].filter((value) => value !== null).length },
      violations: [
        ...check({ calls: judged, final: home }, options),
        ...check({ calls: calls.filter(({ does }) => does !== 'read'), final: mirror }, options).map(inMirror),
      ],
      left: await leftovers(urls),
    }
  } finally {
    going = false
    off()
    loop.stop()
    await fault.heal(arena)?.then(undefined, () => undefined)
    await tiers.close()
    await arena.remove()
  }
}

const inMirror = (violation: Violation): Violation => ({ ...violation, text: `on the mirror: ${violation.text}` })

const shown = ({ state, readable, writable }: { state: string; readable: boolean; writable: boolean }): string =>
  state === 'up' && !writable ? 'unwritable' : state === 'up' && !readable ? 'unreadable' : state

/** Outcome unknown: the one call of a failover category that may fail while one instance is away. */
const isExpected = ({ op, outcome }: Call): boolean => op === 'cache.increment' && outcome === 'unknown'

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
