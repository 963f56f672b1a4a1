import { randomBytes } from 'node:crypto'
import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import { steadyNow } from '../time-left.js'
import type { CopyTarget } from './copy-scripts.js'
import { idAnswer, idCall, joinAnswer, joinCall, type Registration } from './outage-scripts.js'

/**
 * Where copies of a home's entries lie on one stand-in. A process may read there only what can't be older than the last
 * change that was acknowledged to it. So an id counts for it from when it was made: if a change of its own that began
 * later shows somewhere else only (at home, on another stand-in), what lies there isn't read any more, and whoever
 * writes there next makes a new id for all. Others notice by `stands`, before they acknowledge anything under the old one.
 */
export interface CopySite {
  readonly id: string
  /** What the copies' keys begin with; the key at home follows. */
  readonly prefix: string
  /** When the id was made (steadyNow), at the earliest. */
  readonly since: number
}

/** Where a change shows. */
export interface Reached {
  /** Ids of sites: there it was made, or what it replaces is gone. */
  readonly ids: readonly string[]
  /** The same of the embedded store that serves when no instance can. */
  readonly lastResort: boolean
}

/** What was changed of one home's entries, as far as copies elsewhere have to know. */
export interface Trace {
  /** A change that began at `startedAt` (steadyNow) was acknowledged. Without `reached` it shows at home only. */
  settle(startedAt: number, reached?: Reached): void
  /** The last resort failed a change, which may show there at any time. */
  doubtLastResort(): void
  /** What was put into the last resort before (steadyNow) may be older than what was acknowledged to this process. */
  lastResortFrom(): number
}

/** What this process knows of the sites of one home. */
export interface CopySites {
  readonly trace: Trace
  /** By stand-in. */
  readonly joined: ReadonlyMap<string, CopySite>
  /** Joined somewhere, or about to be. */
  involved(): boolean
  join(standIn: Instance): CopySite | Promise<CopySite>
  peek(standIn: Instance): CopySite | undefined | Promise<CopySite | undefined>
  stands(standIn: Instance, site: CopySite): Promise<boolean>
  target(standIn: Instance, site: CopySite, until: number): CopyTarget
  heard(standIn: Instance, now: number): boolean
  /** Nothing of it is read any more. With `id`: only if that is the one. */
  drop(standIn: string, id?: string): void
  discard(standIn: string): void
  /** Forgets what is joined. */
  leave(): void
}

export interface CopySitesOptions {
  readonly home: string
  readonly layout: Layout
  readonly processId: string
  readonly registration: () => Registration
  /** For tests: ids count for ever; changes run whenever they arrive. */
  readonly anyAge: boolean
  readonly anyTime: boolean
}

/** ms that readers rely on what they saw. */
const PEEK_LIFE = 500
/** ms: as long as ids outlive those who made them. */
const BEFORE_START = 30_000
const ATTEMPTS = 3
/** ms by which a better idea of a server's clock has to be better. */
const CLOCK_STEP = 1

export const createCopySites = ({
  home,
  layout,
  processId,
  registration,
  anyAge,
  anyTime,
}: CopySitesOptions): CopySites => {
  const key = layout.outage(home)
  /** When the last acknowledged change began. */
  let mutatedAt = 0
  let lastResortFrom = steadyNow() - BEFORE_START
  const joined = new Map<string, CopySite>()
  const joining = new Map<string, Promise<CopySite>>()
  const seen = new Map<string, { readonly site: CopySite | undefined; readonly until: number }>()
  const asking = new Map<string, Promise<CopySite | undefined>>()
  const checks = new Map<string, Promise<string | undefined>>()
  /** When a stand-in was away last. */
  const awayAt = new Map<string, number>()
  /** ms that a stand-in's clock is ahead of steadyNow, at least. */
  const ahead = new Map<string, number>()

  const siteOf = (id: string, since: number): CopySite => ({ id, prefix: layout.standIn(home, id), since })
  /** An id has to be younger. */
  const floorAt = (standIn: string): number =>
    anyAge ? Number.NEGATIVE_INFINITY : Math.max(mutatedAt, awayAt.get(standIn) ?? 0)
  const valid = (standIn: string, site: CopySite | undefined): CopySite | undefined =>
    site !== undefined && site.since >= floorAt(standIn) ? site : undefined

  const joinNow = async (standIn: Instance): Promise<CopySite> => {
    const { name } = standIn
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sentAt = steadyNow()
      const asked = { own: undefined, maxAge: sentAt - floorAt(name), fresh: randomBytes(6).toString('hex') }
      const call = joinCall(key, processId, registration(), asked)
      const { id, age, now } = joinAnswer(await standIn.script(call, 'write'))
      // Its clock may have been set since it was asked last.
      ahead.set(name, now / 1_000 - steadyNow())
      const site = siteOf(id, sentAt - age)
      // Else something was acknowledged meanwhile that doesn't show there.
      if (valid(name, site) === undefined) continue
      joined.set(name, site)
      return site
    }
    const text = `${name}: what it stands in with was overtaken ${ATTEMPTS} times`
    throw new StoreError('unavailable', name, text, 'no')
  }

  const look = async (standIn: Instance): Promise<CopySite | undefined> => {
    const sentAt = steadyNow()
    const found = idAnswer(await standIn.script(idCall(key), 'read'))
    const site = found && siteOf(found.id, sentAt - found.age)
    seen.set(standIn.name, { site, until: steadyNow() + PEEK_LIFE })
    return site
  }

  /** Checks that are asked for in one tick are one question, sent after all that they are about. */
  const check = (standIn: Instance): Promise<string | undefined> => {
    const open = checks.get(standIn.name)
    if (open !== undefined) return open
    const sent = new Promise<string | undefined>((resolve, reject) => {
      process.nextTick(() => {
        checks.delete(standIn.name)
        standIn.script(idCall(key), 'read').then((reply) => resolve(idAnswer(reply)?.id), reject)
      })
    })
    checks.set(standIn.name, sent)
    return sent
  }

  const drop = (standIn: string, id?: string): void => {
    if (!anyAge && (id === undefined || joined.get(standIn)?.id === id)) joined.delete(standIn)
  }

  return {
    joined,
    drop,
    involved: () => joined.size > 0 || joining.size > 0,

    trace: {
      settle: (startedAt, reached) => {
        if (startedAt > mutatedAt) mutatedAt = startedAt
        if (reached?.lastResort !== true && startedAt > lastResortFrom) lastResortFrom = startedAt
        if (joined.size === 0) return
        for (const [standIn, { id, since }] of joined) {
          if (since < startedAt && reached?.ids.includes(id) !== true) drop(standIn)
        }
      },
      doubtLastResort: () => {
        lastResortFrom = steadyNow()
      },
      lastResortFrom: () => lastResortFrom,
    },

    join: (standIn) => {
      const { name } = standIn
      const known = joined.get(name) ?? joining.get(name)
      if (known !== undefined) return known
      const started = joinNow(standIn).finally(() => joining.delete(name))
      joining.set(name, started)
      return started
    },

    peek: (standIn) => {
      const { name } = standIn
      const known = joined.get(name)
      if (known !== undefined) return known
      const last = seen.get(name)
      if (last !== undefined && last.until > steadyNow()) return valid(name, last.site)
      const asked = asking.get(name) ?? look(standIn).finally(() => asking.delete(name))
      asking.set(name, asked)
      return asked.then((site) => valid(name, site))
    },

    stands: async (standIn, { id }) => {
      if ((await check(standIn)) === id) return true
      drop(standIn.name, id)
      return false
    },

    target: ({ name }, site, until) => {
      const at = anyTime ? Number.MAX_SAFE_INTEGER : Math.floor((until + (ahead.get(name) ?? 0)) * 1_000)
      return { site, layout, outage: key, until: at }
    },

    heard: ({ name }, now) => {
      const heard = now / 1_000 - steadyNow()
      const before = ahead.get(name) ?? Number.NEGATIVE_INFINITY
      if (heard <= before + CLOCK_STEP) return false
      ahead.set(name, heard)
      return true
    },

    discard: (standIn) => {
      awayAt.set(standIn, steadyNow())
      seen.delete(standIn)
      drop(standIn)
    },

    leave: () => {
      joined.clear()
      seen.clear()
    },
  }
}
