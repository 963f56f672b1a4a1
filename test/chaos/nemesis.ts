import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRedis } from '../support/redis-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import type { Violation } from './checker.ts'
import { createTroubles, isExplained } from './explained.ts'
import { keysOf, leftovers } from './final.ts'
import { quickFolder } from './folder.ts'
import { type Call, now } from './history.ts'
import { judge } from './judge.ts'
import { type Crew, createCrew, PLACES } from './nemesis-crew.ts'
import { type Harm, harms, type Victim } from './nemesis-faults.ts'
import { placeOf } from './places.ts'
import { seeded } from './workload.ts'

export interface NemesisOptions {
  /** How long it harms. Healing comes on top. */
  readonly seconds: number
  readonly seed: number
  /** @default nothing is said */
  readonly say?: (line: string) => void
  /** Falls of an instance that it may cause: the fourth within a minute keeps it down for that minute. @default any */
  readonly falls?: number
  /** Control: with a process its journal goes, while an instance is away; nothing else is done. */
  readonly forgets?: boolean
}

export interface NemesisResult {
  readonly calls: readonly Call[]
  readonly violations: readonly Violation[]
  /** Processes that ended by themselves, leaked rejections. */
  readonly faults: readonly string[]
  /** What was done, in order, with seconds since the start. */
  readonly events: readonly string[]
  /** How often each harm was done. */
  readonly done: Readonly<Record<string, number>>
  /** Calls while one instance wasn't well, while several weren't. */
  readonly during: { readonly one: number; readonly several: number }
  /** ms from healing until every process saw all up and nothing waiting; undefined: it never came. */
  readonly back: number | undefined
  /** What the processes said of the instances at the end, where they weren't well. */
  readonly unwell: readonly string[]
  /** Keys that outages left behind, and that nobody removed within a while. */
  readonly left: readonly string[]
  /** Histories and logs, kept where something is wrong. */
  readonly folder: string
}

const BACK_LIMIT = 80_000
/** ms: the id of a process that was killed may be joined for half a minute, and is looked at every 5 s. */
const LEFT_LIMIT = 45_000
const KILLS = ['kill -9', 'kill -9 mid-replay', 'kill -9, its journal comes back late'] as const
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Writers, two servers, random harm; then everything heals, everything is read, and the history is judged. */
export const runNemesis = async ({ seconds, seed, say, falls, forgets }: NemesisOptions): Promise<NemesisResult> => {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const folder = quickFolder('nemesis')
  const startedAt = now()
  const events: string[] = []
  const tell = (text: string): void => {
    const line = `${((now() - startedAt) / 1_000).toFixed(2).padStart(7)}  ${text}`
    events.push(line)
    appendFileSync(join(folder, 'events'), `${Math.round(now())} ${line}\n`)
    say?.(line)
  }

  const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
  const kinds = random() < 0.5 ? (['aof', 'rdb'] as const) : (['rdb', 'aof'] as const)
  const servers = await Promise.all(kinds.map((kind) => openRedis({ args: kind === 'aof' ? durable : [] })))
  const wires = await Promise.all(servers.map(({ port }) => Promise.all(PLACES.map(() => startTcpProxy(port)))))
  const victims = (['primary', 'secondary'] as const).map((name, i): Victim => {
    const [server, persistence] = [servers[i], kinds[i]]
    if (server === undefined || persistence === undefined) throw new Error('there are two')
    return { name, server, persistence, wires: wires[i] ?? [] }
  })
  tell(`seed ${seed}; primary ${kinds[0]}, secondary ${kinds[1]}`)
  const urlOf = (instance: number, place: number): string => wires[instance]?.[place]?.url ?? ''
  const urls = (place: number) => ({ primary: urlOf(0, place), secondary: urlOf(1, place) })
  const troubles = createTroubles()
  const crew = createCrew({ folder, seed, tell, troubles, urls })

  const done: Record<string, number> = {}
  const note = (name: string): void => {
    done[name] = (done[name] ?? 0) + 1
  }
  const caused = new Map<string, number>()
  const lost = new Set<string>()
  const healing: (() => Promise<unknown>)[] = []
  const harmed = new Set<Victim>()
  let over = false
  /** Until when what an own journal holds stays away. */
  let late = 0

  /** From the harm until nobody feels it any more. */
  const followTrouble = (instance: string): (() => void) => {
    const end = troubles.begin(instance)
    return () => {
      const recovered = async (): Promise<boolean> => over || (await crew.well(instance))
      void until('nobody feels it', recovered, BACK_LIMIT).then(
        () => end(),
        () => undefined,
      )
    }
  }

  const harm = async (victim: Victim, { name, loses, inject }: Harm): Promise<void> => {
    if (loses === true) {
      // What it loses must be somewhere: a loss of both is beyond any promise.
      const ready = harmed.size === 0 && crew.living().length === PLACES.length
      if (!ready || !(await until('both have everything', crew.well, 4_000).catch(() => false))) return
      lost.add(victim.name)
    }
    note(name)
    caused.set(victim.name, (caused.get(victim.name) ?? 0) + fallsOf(name))
    harmed.add(victim)
    tell(`${victim.name}: ${name}`)
    const healed = followTrouble(victim.name)
    const heal = await inject(victim, random)
    const healOnce = once(async () => {
      tell(`${victim.name}: ${name} healed`)
      await heal()
      healed()
      // It has to get back first what it lost, before the other one may lose anything.
      if (loses === true) await until('what was lost is back', crew.well, 15_000).catch(() => undefined)
      harmed.delete(victim)
    })
    healing.push(healOnce)
    const work = pause(300 + 1_700 * random()).then(healOnce)
    // Sometimes two at once.
    if (loses === true || random() < 0.7) await work
  }

  const killWriter = async (how: (typeof KILLS)[number]): Promise<void> => {
    if (how === 'kill -9 mid-replay') return crew.killAtCatchUp()
    const place = how === 'kill -9' ? Math.floor(random() * PLACES.length) : PLACES.indexOf('own')
    if (crew.at(place) === undefined) return
    note(how)
    tell(`${how}: ${crew.at(place)?.name}`)
    await crew.kill(place)
    if (how !== 'kill -9') {
      late = now() + 3_000 + 7_000 * random()
      return
    }
    await pause(1_000 * random())
    if (crew.at(place) === undefined) crew.start(place)
  }

  /** What it had acknowledged for the instance that is away is known to nobody else, or only to the mirror. */
  const forget = async (): Promise<void> => {
    const [{ server } = never()] = victims
    const place = PLACES.indexOf('own')
    tell('primary: freeze, and a process with its journal is gone for good')
    server.freeze()
    await pause(1_500)
    const dir = crew.at(place)?.dir
    await crew.kill(place)
    rmSync(dir ?? never(), { recursive: true, force: true })
    server.thaw()
    crew.start(place)
  }

  const fitting = (victim: Victim, { name, fits }: Harm): boolean =>
    (fits === undefined || fits(victim)) &&
    (falls === undefined || (caused.get(victim.name) ?? 0) + fallsOf(name) <= falls)

  /** Each kind once, in any order, before one comes again. */
  const next = dealt([...harms, ...KILLS], random)

  let failed = true
  try {
    for (const place of PLACES.keys()) crew.start(place)
    await until('all writers work', crew.well, 60_000)
    const end = now() + seconds * 1_000
    while (now() < end) {
      await pause(200 + 800 * random())
      if (forgets === true) {
        await forget()
        break
      }
      const what = next()
      if (typeof what === 'string') await killWriter(what)
      else {
        const able = victims.filter((victim) => !harmed.has(victim) && fitting(victim, what))
        if (able.length > 0) await harm(pick(able), what)
      }
      for (const [place, kind] of PLACES.entries())
        if (crew.at(place) === undefined && (kind !== 'own' || now() > late)) crew.start(place)
    }

    tell('everything heals')
    crew.spareAll()
    await Promise.all(healing.map((heal) => heal()))
    for (const place of PLACES.keys()) if (crew.at(place) === undefined) crew.start(place)
    const healedAt = now()
    await pause(1_000)
    await Promise.all(crew.living().map((writer) => writer.stop()))
    const back = await until('everything is well', crew.well, BACK_LIMIT).then(
      () => now() - healedAt,
      () => undefined,
    )
    over = true
    tell(back === undefined ? 'it never got well' : `all well after ${Math.round(back)} ms`)
    const unwell = back === undefined ? await Promise.all(crew.living().map(async (w) => (await w.well()).health)) : []

    const calm = now()
    await readAll(crew, folder)
    const calls = await historyOf(crew)
    const at = { primary: victims[0]?.server.url ?? '', secondary: victims[1]?.server.url ?? '' }
    const away = (call: Call): number => troubles.during(call)
    const { violations } = await judge(calls, {
      urls: at,
      healedAt: calm,
      // A cached counter lies nowhere else, and the copy of a mirrored one is as near as it can be.
      mayShrink: (key) => lost.has(placeOf(key).home),
      away,
      // Once all is well nothing may fail, not even an increment.
      mayFail: (call) => call.began < calm && isExplained(call, away(call)),
    })
    const faults = crew.all.flatMap((writer) => writer.faults())
    const during = {
      one: calls.filter((call) => away(call) === 1).length,
      several: calls.filter((call) => away(call) > 1).length,
    }
    const nothingLeft = async (): Promise<boolean> => (await leftovers(at)).length === 0
    if (forgets !== true)
      await until('nothing is left behind', nothingLeft, LEFT_LIMIT, 250).catch(() => tell('something is left behind'))
    const left = await leftovers(at)
    failed = forgets !== true && (violations.length > 0 || faults.length > 0 || back === undefined || left.length > 0)
    if (crew.caught() > 0) done['kill -9 mid-replay'] = crew.caught()
    return { calls, violations, faults, events, done, during, back, unwell, left, folder }
  } finally {
    over = true
    await Promise.all(crew.all.map((writer) => writer.kill()))
    await Promise.all(wires.flat().map((wire) => wire.close()))
    await Promise.all(servers.map((server) => server.remove()))
    if (!failed) rmSync(folder, { recursive: true, force: true })
  }
}

const historyOf = async (crew: Crew): Promise<Call[]> => {
  const calls: Call[] = []
  for (const writer of crew.all) for (const call of await writer.history()) calls.push(call)
  return calls
}

/** Every process writes something new in every category, then each reads everything, of the others too. */
const readAll = async (crew: Crew, folder: string): Promise<void> => {
  await Promise.all(crew.living().map((writer) => writer.refresh()))
  const list = join(folder, 'keys.json')
  writeFileSync(list, JSON.stringify(keysOf(await historyOf(crew))))
  await Promise.all(crew.living().map((writer) => writer.read(list)))
}

const never = (): never => {
  throw new Error('there are two instances, and a process at each place')
}

const fallsOf = (harm: string): number => (harm === 'flapping' ? 3 : harm === 'out of memory' ? 0 : 1)

const dealt = <T>(kinds: readonly T[], random: () => number): (() => T) => {
  let deck: T[] = []
  return () => {
    if (deck.length === 0) deck = [...kinds]
    return deck.splice(Math.floor(random() * deck.length), 1)[0] as T
  }
}

const once = (action: () => Promise<void>): (() => Promise<void>) => {
  let doing: Promise<void> | undefined
  return () => {
    doing ??= action()
    return doing
  }
}
