import type { TiersEmitter } from './events.js'
import { categoryScope, isGroup, type Scope } from './failover/journal/journal-entries.js'
import type { Landscape } from './failover/landscape.js'
import type { StoreHealth } from './instances/store.js'
import type { Report } from './report.js'
import type { CategorySettings, Settings } from './settings/settings.js'
import { consequence, homedOn, reasonFor, standInOf } from './start-lines.js'

export interface Announcements {
  /** An instance's standing has changed: one line, and a failover or failback of each category that moves. */
  changed(name: string, health: StoreHealth): void
  /** The journal had no room for a write. */
  journalFull(instance: string, scope: Scope): void
  /** What it missed has reached it. */
  caughtUp(name: string, entries: number): void
  /** While it starts, the start lines say how each instance is. */
  starting(on: boolean): void
}

/** ms in which a full journal is said once for each category. */
const QUIET = 10_000

interface Moved {
  readonly at: number
  /** By category: where it is served. */
  readonly categories: Map<string, string>
  replayed: number
  /** It couldn't be read either. */
  wasAway: boolean
}

/** Says what happens to the instances, to people as lines and to the app as events; once each, however many calls fail. */
export const createAnnouncements = (parts: {
  readonly settings: Settings
  readonly landscape: Landscape
  readonly report: Report
  readonly events: TiersEmitter
  readonly now: () => number
}): Announcements => {
  const { settings, landscape, report, events, now } = parts
  const moved = new Map<string, Moved>()
  const last = new Map<string, string>()
  const full = new Map<string, number>()
  let starting = false

  const categoriesOf = (name: string): CategorySettings[] =>
    homedOn(settings, name).flatMap((category) => settings.categories.get(category) ?? [])

  const say = (name: string, health: StoreHealth): void => {
    const { readable, writable, slow, reason, state } = health
    const trouble = !readable ? 'DOWN' : !writable ? 'refuses writes' : slow ? 'slow' : 'up'
    // On its way back, or behind again: people hear when it has arrived.
    if (state === 'catching-up') return
    const before = last.get(name)
    if (trouble === before) return
    last.set(name, trouble)
    if (starting) return
    if (trouble === 'up') {
      if (before !== undefined) report.info(`${name}  up again`)
    } else if (trouble === 'slow') report.warn(`${name}  slow  ${reasonFor(name, reason)}`)
    else {
      const then = consequence(settings, name, (mirrored) => standInOf(landscape, name, mirrored))
      report.warn(`${name}  ${trouble}  ${reasonFor(name, reason)}${then === '' ? '' : `; ${then}`}`)
    }
  }

  const move = (name: string, { readable, writable, state, reason }: StoreHealth): void => {
    const serves = readable && writable
    const gone = moved.get(name)
    if (!serves && gone === undefined && (state === 'down' || readable)) {
      const categories = placesOf(name)
      if (categories.size > 0) moved.set(name, { at: now(), categories, replayed: 0, wasAway: !readable })
      for (const [category, to] of categories) tell(category, name, to, reasonFor(name, reason))
    }
    // Where nothing waits for it, nobody tells that it has caught up.
    if (serves && gone?.wasAway === false && landscape.calm(name)) back(name)
    if (gone !== undefined && !readable) gone.wasAway = true
  }

  /** Where those of an instance that move are served now. */
  const placesOf = (name: string): Map<string, string> =>
    new Map(
      categoriesOf(name).flatMap((each): [string, string][] => {
        const to = each.onOutage === 'failover' ? standInOf(landscape, name, each.mirror) : undefined
        return to === undefined ? [] : [[each.name, to]]
      }),
    )

  const tell = (category: string, from: string, to: string, reason: string): void =>
    events.emit('failover', { category, from, to, reason })

  /** What stood in for others may be gone itself, or able again. */
  const moveOn = (name: string, { reason }: StoreHealth): void => {
    for (const [home, { categories }] of moved) {
      if (home === name) continue
      for (const [category, to] of placesOf(home)) {
        const from = categories.get(category)
        if (from === to) continue
        categories.set(category, to)
        tell(category, from ?? home, to, from === name ? reasonFor(name, reason) : `${to} can stand in again`)
      }
    }
  }

  const back = (name: string): void => {
    const gone = moved.get(name)
    if (gone === undefined) return
    moved.delete(name)
    const { replayed, at } = gone
    for (const category of gone.categories.keys())
      events.emit('failback', { category, to: name, replayed, ms: now() - at })
  }

  return {
    changed: (name, health) => {
      say(name, health)
      if (health.untried === true) return
      move(name, health)
      moveOn(name, health)
    },
    caughtUp: (name, entries) => {
      const gone = moved.get(name)
      if (gone === undefined) return
      gone.replayed += entries
      if (landscape.calm(name)) back(name)
    },
    journalFull: (instance, scope) => {
      const category = isGroup(scope) ? 'state' : scope.slice(categoryScope('').length)
      const topic = `${instance} ${category}`
      if (now() - (full.get(topic) ?? Number.NEGATIVE_INFINITY) < QUIET) return
      full.set(topic, now())
      report.error(`the journal is full: writes to ${category} are refused until ${instance} is back`)
      events.emit('journal:full', { instance, category })
    },
    starting: (on) => {
      starting = on
    },
  }
}
