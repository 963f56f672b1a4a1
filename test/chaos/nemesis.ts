import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRedis } from '../support/redis-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { check, type Violation } from './checker.ts'
import { countersOn, keysOf, leftovers, readFinal } from './final.ts'
import { quickFolder } from './folder.ts'
import { type Call, now } from './history.ts'
import { type Harm, harms, type Victim } from './nemesis-faults.ts'
import { isKept } from './places.ts'
import { seeded } from './workload.ts'
import { startWriter, type WriterProcess } from './writer-process.ts'

export interface NemesisOptions {
  /** How long it harms. Healing comes on top. */
  readonly seconds: number
  readonly seed: number
  /** @default nothing is said */
  readonly say?: (line: string) => void
  /** Falls of an instance that it may cause: the fourth within a minute keeps it down for that minute. @default any */
  readonly falls?: number
}

export interface NemesisResult {
  readonly calls: readonly Call[]
  readonly violations: readonly Violation[]
  /** Processes that ended by themselves, leaked rejections. */
  readonly faults: readonly string[]
  /** What was done, in order, with seconds since the start. */
  readonly events: readonly string[]
  /** ms from healing until every process saw all up and nothing waiting; undefined: it never came. */
  readonly back: number | undefined
  /** What the processes said of the instances at the end, where they weren't well. */
  readonly unwell: readonly string[]
  /** Keys that outages left behind. */
  readonly left: readonly string[]
  /** Histories and logs, kept where something is wrong. */
  readonly folder: string
}

/** Places of writer processes; the first two share their folder. */
const PLACES = ['shared', 'shared', 'own']
const BACK_LIMIT = 80_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Writers, two servers, random harm; then everything heals, everything is read, and the history is judged. */
export const runNemesis = async ({ seconds, seed, say, falls }: NemesisOptions): Promise<NemesisResult> => {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const folder = quickFolder('nemesis')
  const startedAt = now()
  const events: string[] = []
  const tell = (text: string): void => {
    const line = `${((now() - startedAt) / 1_000).toFixed(2).padStart(7)}  ${text}`
    events.push(line)
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

  const writers: (WriterProcess | undefined)[] = PLACES.map(() => undefined)
  const all: WriterProcess[] = []
  let killAtCatchUp = false
  const start = (place: number): void => {
    const dir = join(folder, `dir-${PLACES[place]}`)
    mkdirSync(dir, { recursive: true })
    const name = `w${place}.${all.length}`
    const url = (instance: number): string => wires[instance]?.[place]?.url ?? ''
    const writer = startWriter(
      {
        name,
        dir,
        primary: url(0),
        secondary: url(1),
        history: join(folder, `${name}.jsonl`),
        seed: seed * 1_000 + all.length,
        writers: 5,
        pause: 15,
      },
      {
        log: join(folder, 'log'),
        onState: (instance, state) => {
          if (state === 'up' || state === 'down' || state === 'catching-up') tell(`  ${name}: ${instance} ${state}`)
          if (!killAtCatchUp || state !== 'catching-up' || writers[place] !== writer) return
          killAtCatchUp = false
          tell(`kill ${name} while ${instance} is catching up`)
          void kill(place)
        },
      },
    )
    writers[place] = writer
    all.push(writer)
  }
  const kill = async (place: number): Promise<void> => {
    const writer = writers[place]
    writers[place] = undefined
    await writer?.kill()
  }
  const living = (): WriterProcess[] => writers.filter((writer) => writer !== undefined)
  const well = async (): Promise<boolean> => {
    const answers = await Promise.all(living().map((writer) => writer.well()))
    return answers.every((answer) => answer.well)
  }

  const caused = new Map<string, number>()
  const lost = new Set<string>()
  const healing: (() => Promise<unknown>)[] = []
  const harmed = new Set<Victim>()

  const harm = async (victim: Victim, { name, loses, inject }: Harm): Promise<void> => {
    if (loses === true) {
      // What it loses must be somewhere: a loss of both is beyond any promise.
      const ready = harmed.size === 0 && living().length === PLACES.length
      if (!ready || !(await until('both have everything', well, 4_000).catch(() => false))) return
      lost.add(victim.name)
    }
    caused.set(victim.name, (caused.get(victim.name) ?? 0) + fallsOf(name))
    harmed.add(victim)
    tell(`${victim.name}: ${name}`)
    const heal = await inject(victim, random)
    const healOnce = once(async () => {
      tell(`${victim.name}: ${name} healed`)
      await heal()
      // It has to get back first what it lost, before the other one may lose anything.
      if (loses === true) await until('what was lost is back', well, 15_000).catch(() => undefined)
      harmed.delete(victim)
    })
    healing.push(healOnce)
    const work = pause(300 + 1_700 * random()).then(healOnce)
    // Sometimes two at once.
    if (loses === true || random() < 0.7) await work
  }

  const harmWriter = async (): Promise<void> => {
    const place = Math.floor(random() * PLACES.length)
    const how = pick(['now', 'catching up', 'late'])
    if (how === 'catching up') {
      killAtCatchUp = true
      return
    }
    if (writers[place] === undefined) return
    tell(`kill ${writers[place]?.name}${how === 'late' ? '; what its journal holds comes back at the end' : ''}`)
    await kill(place)
    if (how === 'late' && PLACES[place] === 'own') return
    await pause(1_000 * random())
    if (writers[place] === undefined) start(place)
  }

  const reviveAll = (): void => {
    for (const place of PLACES.keys()) if (writers[place] === undefined) start(place)
  }

  let failed = true
  try {
    for (const place of PLACES.keys()) start(place)
    await until('all writers work', well, 20_000)
    const end = now() + seconds * 1_000
    while (now() < end) {
      await pause(200 + 800 * random())
      if (random() < 0.2) await harmWriter()
      else {
        const victim = pick(victims.filter((each) => !harmed.has(each)))
        if (victim === undefined) continue
        const fitting = harms.filter(
          ({ name, fits }) =>
            (fits === undefined || fits(victim)) &&
            (falls === undefined || (caused.get(victim.name) ?? 0) + fallsOf(name) <= falls),
        )
        if (fitting.length > 0) await harm(victim, pick(fitting))
      }
      // A place that was left empty on purpose stays so until the end.
      for (const place of PLACES.keys()) if (writers[place] === undefined && PLACES[place] !== 'own') start(place)
    }

    tell('everything heals')
    killAtCatchUp = false
    await Promise.all(healing.map((heal) => heal()))
    reviveAll()
    const healedAt = now()
    await pause(1_000)
    await Promise.all(living().map((writer) => writer.stop()))
    const back = await until('everything is well', well, BACK_LIMIT).then(
      () => now() - healedAt,
      () => undefined,
    )
    tell(back === undefined ? 'it never got well' : `all well after ${Math.round(back)} ms`)
    const unwell = back === undefined ? await Promise.all(living().map(async (w) => (await w.well()).health)) : []

    const calm = now()
    const keys = keysOf(all.flatMap((writer) => writer.history()))
    const list = join(folder, 'keys.json')
    writeFileSync(list, JSON.stringify(keys))
    await Promise.all(living().map((writer) => writer.read(list)))

    const calls = all.flatMap((writer) => writer.history())
    const urls = { primary: victims[0]?.server.url ?? '', secondary: victims[1]?.server.url ?? '' }
    const mayShrink = (key: string): boolean =>
      (['primary', 'secondary'] as const).some((name) => lost.has(name) && countersOn(name)(key))
    const options = { kept: isKept, healedAt: calm, mayShrink }
    const violations = [
      ...check({ calls, final: await readFinal(calls, { urls }) }, options),
      ...check(
        { calls: calls.filter(({ does }) => does !== 'read'), final: await readFinal(calls, { urls, of: 'mirror' }) },
        { ...options, slack: Number.POSITIVE_INFINITY },
      ).map((violation) => ({ ...violation, text: `on the mirror: ${violation.text}` })),
    ]
    const faults = all.flatMap((writer) => writer.faults())
    failed = violations.length > 0 || faults.length > 0 || back === undefined
    return { calls, violations, faults, events, back, unwell, left: await leftovers(urls), folder }
  } finally {
    await Promise.all(all.map((writer) => writer.kill()))
    await Promise.all(wires.flat().map((wire) => wire.close()))
    await Promise.all(servers.map((server) => server.remove()))
    if (!failed) rmSync(folder, { recursive: true, force: true })
  }
}

const fallsOf = (harm: string): number => (harm === 'flapping' ? 3 : harm === 'out of memory' ? 0 : 1)

const once = (action: () => Promise<void>): (() => Promise<void>) => {
  let doing: Promise<void> | undefined
  return () => {
    doing ??= action()
    return doing
  }
}
