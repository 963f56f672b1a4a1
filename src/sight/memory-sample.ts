import { layoutOf } from '../instances/layout.js'
import type { Drawn, KeySample, Looks } from '../instances/looks.js'
import { IDLE } from '../instances/probe-plan.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import type { MemoryRole, RoleSize } from './contract.js'
import { seldom } from './seldom.js'

/** What a key on an instance is there for. */
export interface Purpose {
  readonly role: MemoryRole
  /** Of entries, also of copies of them. */
  readonly category: string | undefined
  /** The entry's key within its category. */
  readonly key: string | undefined
}

/** What the keys that were drawn tell of all. */
export interface MemorySample {
  readonly sampledAt: number
  readonly sampled: number
  readonly roles: Readonly<Record<MemoryRole, RoleSize>>
  /** Of a category's entries at home. Undefined: none was drawn, and there may be some nevertheless. */
  readonly sizeOf: (category: string) => RoleSize | undefined
  /** Each key once. */
  readonly drawn: readonly (Drawn & { readonly purpose: Purpose })[]
}

/** Draws at most every so often (ms), and only while somebody looks. */
export type MemorySamples = (instance: string) => Promise<MemorySample | undefined>

const EVERY = 10_000
/** Keys for one draw, each of three commands: what they cost the server and us is a millisecond or two. */
const DRAWS = 100
/** Where the servers are asked more seldom than usual, because they count commands. */
const FEW_DRAWS = 10
/** What is said of an instance comes of so many keys: the longer somebody looks, the better. */
const REMEMBERED = 1_000

/** `elapsed`: monotonic ms. */
export const createMemorySamples = (
  settings: Settings,
  looks: ReadonlyMap<string, Pick<Looks, 'sample'>>,
  elapsed: () => number,
): MemorySamples => {
  const samplers = new Map([...looks].map(([name, look]) => [name, sampler(settings, name, look, elapsed)]))
  return async (instance) => samplers.get(instance)?.()
}

const sampler = (settings: Settings, instance: string, looks: Pick<Looks, 'sample'>, elapsed: () => number) => {
  const purposeOf = purposes(settings, instance)
  const isOurs = (key: string): boolean => purposeOf(key, 'string').role !== 'other'
  const { probeEvery = IDLE } = settings
  const every = Math.max(EVERY, probeEvery)
  const draws = probeEvery > IDLE ? FEW_DRAWS : DRAWS
  let rounds: readonly Drawn[][] = []
  let last: MemorySample | undefined
  let drawnAt = 0
  return seldom(
    every,
    async () => {
      const sample = await looks.sample(draws, isOurs)
      if (sample === undefined) return last
      // Nobody looked for a while: what was found then is of the past.
      if (elapsed() - drawnAt > every * 3) rounds = []
      drawnAt = elapsed()
      rounds = [...rounds, [...sample.drawn]].slice(-REMEMBERED / draws)
      last = { ...extrapolate({ keys: sample.keys, drawn: rounds.flat() }, purposeOf), sampledAt: Date.now() }
      return last
    },
    elapsed,
  )
}

/** Pure: as if all keys were like those that were drawn. */
export const extrapolate = (
  { keys, drawn }: KeySample,
  purposeOf: (key: string, type: string | undefined) => Purpose,
): Omit<MemorySample, 'sampledAt'> => {
  const known = drawn.map((each) => ({ ...each, purpose: purposeOf(each.key, each.type) }))
  const size = (of: readonly Drawn[]): RoleSize => {
    const weighed = of.flatMap(({ bytes }) => bytes ?? [])
    const entries = drawn.length === 0 ? 0 : (keys * of.length) / drawn.length
    const mean = weighed.reduce((sum, bytes) => sum + bytes, 0) / weighed.length
    return {
      entries: Math.round(entries),
      bytes: of.length === 0 ? 0 : weighed.length === 0 ? undefined : Math.round(entries * mean),
    }
  }
  const roleSize = (role: MemoryRole): RoleSize => size(known.filter(({ purpose }) => purpose.role === role))
  const atHome = known.filter(({ purpose }) => purpose.role === 'home')
  const each = [...new Map(known.map((one) => [one.key, one])).values()]
  return {
    sampled: drawn.length,
    roles: {
      home: roleSize('home'),
      mirror: roleSize('mirror'),
      'stand-in': roleSize('stand-in'),
      ours: roleSize('ours'),
      other: roleSize('other'),
    },
    sizeOf: (category) => {
      const its = atHome.filter(({ purpose }) => purpose.category === category)
      return its.length === 0 && each.length < keys ? undefined : size(its)
    },
    drawn: each,
  }
}

/** What keys on this instance are there for, by their names. Entries are strings: another type there is somebody else's. */
export const purposes = (
  { namespace, categories }: Pick<Settings, 'namespace' | 'categories'>,
  instance: string,
): ((key: string, type: string | undefined) => Purpose) => {
  const layout = layoutOf(namespace)
  const ours = `${namespace}~mr:`
  const mirrors = `${ours}mirror:`
  const standIns = `${ours}standin:`
  const all = [...categories.values()]
  const entry = (key: string, role: MemoryRole, homes: (of: CategorySettings) => boolean): Purpose | undefined => {
    const category = all.find((each) => homes(each) && key.startsWith(each.keyPrefix))
    return category && { role, category: category.name, key: key.slice(category.keyPrefix.length) }
  }
  return (key, type) => {
    const nothing = (role: MemoryRole): Purpose => ({ role, category: undefined, key: undefined })
    if (key.startsWith(mirrors)) {
      const [home = ''] = key.slice(mirrors.length).split(':', 1)
      return entry(key.slice(layout.mirror(home).length), 'mirror', (of) => of.instance === home) ?? nothing('mirror')
    }
    if (key.startsWith(standIns)) {
      const [home = '', outage = ''] = key.slice(standIns.length).split(':', 2)
      const at = layout.standIn(home, outage).length
      return entry(key.slice(at), 'stand-in', (of) => of.instance === home) ?? nothing('stand-in')
    }
    if (key.startsWith(ours)) return nothing('ours')
    const isEntry = type === undefined || type === 'string'
    return (isEntry ? entry(key, 'home', (of) => of.instance === instance) : undefined) ?? nothing('other')
  }
}
