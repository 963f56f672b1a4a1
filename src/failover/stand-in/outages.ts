import { randomBytes } from 'node:crypto'
import { type Instance, isOutage, type ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import { steadyNow } from '../time-left.js'
import type { CopyTarget } from './copy-scripts.js'
import { type CopySite, createCopySites, type Trace } from './copy-sites.js'
import {
  goodbyeCall,
  joinAnswer,
  joinCall,
  listAnswer,
  listCall,
  type Registration,
  registerCall,
} from './outage-scripts.js'
import { createOutageTroubles } from './outage-troubles.js'
import { createLeaving, type Left } from './outages-leaving.js'
import { createRoutingWatch } from './routing-watch.js'

export interface OtherProcess extends Registration {
  readonly processId: string
}

/**
 * Who holds something for a home that is away, and under which ids copies of its entries lie on those that stand in: the
 * hash `layout.outage(home)` on every instance that can be reached, and what this process knows of it.
 */
export interface Outages {
  /**
   * Where copies of home's entries go on `standIn`; joins first, if need be, and from then on gives signs of life until
   * `leave`. Sync when known.
   */
  join(home: string, standIn: Instance): CopySite | Promise<CopySite>
  /** The same for readers: nothing is written or made for them. Undefined: nothing they may read lies there. */
  peek(home: string, standIn: Instance): CopySite | undefined | Promise<CopySite | undefined>
  /**
   * Asked after a change there, before it is acknowledged: whether everybody who joined sees it. False: somebody made a
   * new id meanwhile; join again, and make the change again.
   */
  stands(home: string, standIn: Instance, site: CopySite): Promise<boolean>
  /** For changes that ask this by themselves (copy-scripts.ts), and aren't made after `until` (steadyNow). */
  target(home: string, standIn: Instance, site: CopySite, until: number): CopyTarget
  /** Such a change came too late by a server whose clock said `now` (µs). Whether only our idea of its clock was wrong, so that it can be sent again. */
  heard(home: string, standIn: Instance, now: number): boolean
  /** Such a change met another id. */
  moved(home: string, standIn: Instance, site: CopySite): void
  /** This process has joined somewhere for home, or is about to. */
  involved(home: string): boolean
  /** It is registered: where home serves again and nothing waits for it, somebody has to `leave`. */
  entered(home: string): boolean
  /** To be told of every change that is acknowledged. */
  trace(home: string): Trace
  /** A change failed at this place: what lies there isn't relied on any more. */
  drop(home: string, standIn: string): void
  /** The stand-in was away itself: what lies there is of the past; the next `join` makes a new id, and it is reviewed. */
  discard(standIn: string): void
  /**
   * This process holds something for home (copies or journal entries): registers on every reachable instance, home
   * included, and gives a sign of life every 500 ms until `leave`. `entries` tells how much. Costs nothing when repeated.
   */
  enter(home: string, entries: () => number): void
  /**
   * Live registrations of other processes for home, on any instance that can be asked now. Also of those that hold
   * nothing which hasn't reached home (`entries` is 0): two that catch up at the same time see each other. Undefined: one
   * that can be reached didn't answer, so there may be more.
   */
  others(home: string): Promise<readonly OtherProcess[] | undefined>
  /**
   * Everything of ours reached home: the registration goes, and after the last one nobody reads or writes copies, whoever
   * made them. Whether we were the last everywhere, as far as can be asked. Never rejects.
   */
  leave(home: string): Promise<boolean>
  /** After `leave` as the last: removes the copies, in batches, and then the record. What fails is for `tidy`. Never rejects. */
  sweep(home: string): Promise<void>
  /**
   * Does both where they weren't possible yet, looks whether a record that others still need is gone, and does what they
   * can't if they were killed. Often; costs nothing where nothing is left to be done. Never rejects.
   */
  tidy(): Promise<void>
  /** There may be records of processes that are gone: the next `tidy` looks. Seldom. */
  review(instance: string): void
  /** The ids known here, by stand-in. */
  known(home: string): ReadonlyMap<string, string>
  /** Processes that send some categories elsewhere than this one, as they were seen a moment ago. */
  otherRouting(): readonly string[]
  /** Others needn't wait for this process any more. Never rejects. */
  close(): Promise<void>
}

export interface OutagesOptions {
  /** Every instance that is a Redis. */
  readonly instances: ReadonlyMap<string, Instance>
  readonly layout: Layout
  readonly processId: string
  /** Hash of the routing table. */
  readonly routing: string
  /** Hears once of each process that has another one. */
  readonly onOtherRouting?: (processId: string) => void
  /** Hears what an instance refuses for good. @default nobody does */
  readonly report?: Pick<Report, 'info' | 'warn'>
  /** For tests, to see that they are what helps: ids count for ever; changes of copies run whenever they arrive. */
  readonly weakened?: { readonly anyAge?: boolean; readonly anyTime?: boolean } | undefined
}

/** ms between two signs of life. */
const BEAT = 500
/** ms that a look at others may take: no call waits for it. */
const PATIENCE = 1_000

interface OneHome extends Left {
  /** What the last registration said. */
  told: number
  /** How much this process holds, as it says in its registration. */
  entries: () => number
}

export const createOutages = (options: OutagesOptions): Outages => {
  const { instances, layout, processId, routing, weakened, onOtherRouting = () => undefined } = options
  const watch = createRoutingWatch({ own: routing, onOther: onOtherRouting, now: steadyNow })
  const troubles = createOutageTroubles(options.report)
  const homes = new Map<string, OneHome>()
  const beating = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const of = (home: string): OneHome => {
    const known = homes.get(home)
    if (known !== undefined) return known
    const registration = (): Registration => ({ entries: created.entries(), routing })
    const { anyAge = false, anyTime = false } = weakened ?? {}
    const sites = createCopySites({ home, layout, processId, registration, anyAge, anyTime })
    const created: OneHome = { sites, registered: false, told: 0, entries: () => 0, owed: new Map() }
    homes.set(home, created)
    return created
  }

  const reachable = (): Instance[] => [...instances.values()].filter((each) => each.readable() || each.catchingUp())

  /** What the instance answers about home's record; undefined if it can't. */
  const ask = async (
    home: string,
    instance: Instance,
    call: ScriptCall,
    intent: 'write' | 'change',
  ): Promise<unknown> => {
    try {
      const reply = await instance.script(call, intent)
      troubles.over(instance.name, `${home} ${intent}`, 'record')
      return reply
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      troubles.met(instance.name, `${home} ${intent}`, 'record', error)
      return undefined
    }
  }

  const beat = async (home: string, one: OneHome, instance: Instance): Promise<void> => {
    const { sites } = one
    const lane = `${home} ${instance.name}`
    if (!one.registered || beating.has(lane)) return
    beating.add(lane)
    one.told = one.entries()
    const registration = { entries: one.told, routing }
    const site = sites.joined.get(instance.name)
    const key = layout.outage(home)
    // Somebody else's id is left as it is: here it is only learned.
    const asked = { own: site?.id, maxAge: Number.POSITIVE_INFINITY, fresh: randomBytes(6).toString('hex') }
    const call =
      site === undefined ? registerCall(key, processId, registration) : joinCall(key, processId, registration, asked)
    const reply = await ask(home, instance, call, 'write')
    beating.delete(lane)
    if (reply === undefined || site === undefined) return
    const { id } = joinAnswer(reply)
    if (id !== site.id) sites.drop(instance.name, site.id)
  }

  const beatAll = (): void => {
    for (const [home, one] of homes) {
      for (const instance of reachable()) void beat(home, one, instance)
      if (one.registered) void others(home)
    }
  }

  const others: Outages['others'] = async (home) => {
    const found = new Map<string, OtherProcess>()
    const look = async (instance: Instance): Promise<boolean> => {
      try {
        const reply = await instance.script(listCall(layout.outage(home)), 'read', { timeout: PATIENCE })
        for (const [id, one] of listAnswer(reply)) {
          if (id === processId) continue
          found.set(id, { processId: id, ...one })
          watch.heed(id, one.routing)
        }
        return true
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        // Where this is refused nobody is registered either.
        return !isOutage(error) && error.kind !== 'busy'
      }
    }
    const answered = await Promise.all(reachable().map(look))
    return answered.every((each) => each) ? [...found.values()] : undefined
  }

  const enter = (home: string, entries: () => number): void => {
    const one = of(home)
    one.entries = entries
    // Others read from home as soon as nobody says that something waits for it.
    if (closed || (one.registered && (one.told > 0 || entries() === 0))) return
    one.registered = true
    timer ??= setInterval(beatAll, BEAT).unref()
    for (const instance of reachable()) void beat(home, one, instance)
  }

  const leaving = createLeaving({ homes, layout, processId, reachable, ask, troubles })
  const review = (instance: string): void => {
    for (const home of instances.keys()) leaving.owe(of(home), instance, 'end')
  }

  return {
    join: (home, standIn) => {
      const { sites, entries } = of(home)
      const site = sites.join(standIn)
      enter(home, entries)
      return site
    },
    peek: (home, standIn) => of(home).sites.peek(standIn),
    stands: (home, standIn, site) => of(home).sites.stands(standIn, site),
    target: (home, standIn, site, until) => of(home).sites.target(standIn, site, until),
    heard: (home, standIn, now) => of(home).sites.heard(standIn, now),
    moved: (home, standIn, { id }) => of(home).sites.drop(standIn.name, id),
    involved: (home) => of(home).sites.involved(),
    entered: (home) => of(home).registered,
    trace: (home) => of(home).sites.trace,
    drop: (home, standIn) => of(home).sites.drop(standIn),
    discard: (standIn) => {
      for (const { sites } of homes.values()) sites.discard(standIn)
      // Among it what was removed there since, where it comes back with older data.
      review(standIn)
    },
    enter,

    others,
    otherRouting: watch.others,

    leave: (home) => {
      const one = of(home)
      one.registered = false
      one.sites.leave()
      for (const name of instances.keys()) leaving.owe(one, name, 'leave')
      return leaving.settle(home, one, reachable())
    },
    sweep: (home) => leaving.sweep(home, of(home)),
    tidy: leaving.tidy,
    review,

    known: (home) => new Map([...of(home).sites.joined].map(([standIn, { id }]) => [standIn, id])),

    close: async () => {
      closed = true
      clearInterval(timer)
      const registered = [...homes].filter(([, one]) => one.registered)
      await Promise.all(
        registered.flatMap(([home]) =>
          reachable().map((instance) => ask(home, instance, goodbyeCall(layout.outage(home), processId), 'change')),
        ),
      )
    },
  }
}
