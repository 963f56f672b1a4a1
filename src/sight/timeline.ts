import type { InstanceHealth } from '../../types/index.js'
import type { TiersEmitter } from '../events.js'
import type { Happening } from './contract.js'
import { listOf } from './list-of.js'

/** What happened to the instances since the start, the last 200 of it. */
export interface Timeline {
  /** Newest first. */
  all(): readonly Happening[]
  /** A drill of so many ms begins. */
  drill(instance: string, ms: number): void
}

const KEPT = 200
/** ms in which what happens to several categories in the same way is told as one. */
const TOGETHER = 1_000
/** Of more categories only so many are named. */
const NAMED = 3

/** What happened, and how it is told of so many categories. */
interface Line extends Omit<Happening, 'at' | 'text'> {
  readonly tell: (categories: readonly string[]) => string
}

/** Listens from now on. `now`: epoch ms. */
export const createTimeline = ({ on }: Pick<TiersEmitter, 'on'>, now: () => number): Timeline => {
  const happened: Happening[] = []
  /** By instance: when its drill ends. */
  const drills = new Map<string, number>()
  const add = ({ tell, ...what }: Line, at: number): void => {
    happened.unshift({ at, ...what, text: tell(what.categories) })
    if (happened.length > KEPT) happened.pop()
  }
  /** Nothing tells that a drill is over, and what is found then may be as it was. */
  const endDrills = (): void => {
    if (drills.size === 0) return
    const ended = [...drills].filter(([, at]) => at <= now()).sort(([, a], [, b]) => a - b)
    for (const [instance, at] of ended) {
      drills.delete(instance)
      const tell = () => `the drill is over: ${instance} is asked again how it is`
      add({ kind: 'drill', instance, categories: [], tell }, at)
    }
  }
  const note = (line: Line, at = now()): void => {
    endDrills()
    add(line, at)
  }
  /** Of a category: it joins those of which the same is told. */
  const join = (line: Line): void => {
    const at = now()
    const same = (other: Happening): boolean =>
      at - other.at < TOGETHER &&
      other.kind === line.kind &&
      other.text === line.tell(other.categories) &&
      !line.categories.some((category) => other.categories.includes(category))
    const index = happened.findIndex(same)
    const other = happened[index]
    if (other === undefined) note(line, at)
    else {
      const categories = [...other.categories, ...line.categories]
      happened[index] = { ...other, categories, text: line.tell(categories) }
    }
  }
  on('instance:state', (health) =>
    note({ kind: 'state', instance: health.name, categories: [], tell: () => standing(health) }),
  )
  on('failover', ({ category, from, to, reason }) =>
    join({
      kind: 'failover',
      instance: to,
      categories: [category],
      tell: (all) => `${named(all)} moved from ${from} to ${placed(to)}: ${why(reason)}`,
    }),
  )
  on('failback', ({ category, to, replayed, ms }) => {
    const brought = replayed === 0 ? '' : `, with ${replayed} ${replayed === 1 ? 'write' : 'writes'} that waited for it`
    join({
      kind: 'failback',
      instance: to,
      categories: [category],
      tell: (all) => `${named(all)} ${all.length === 1 ? 'is' : 'are'} back on ${to} after ${span(ms)}${brought}`,
    })
  })
  on('journal:full', ({ instance, category }) =>
    join({
      kind: 'journal-full',
      instance,
      categories: [category],
      tell: (all) => `the journal is full: writes to ${named(all)} are refused until ${instance} is back`,
    }),
  )
  return {
    all: () => {
      endDrills()
      return happened
    },
    drill: (instance, ms) => {
      const at = now()
      const tell = () => `a drill begins: ${instance} is treated as gone for ${span(ms)}`
      note({ kind: 'drill', instance, categories: [], tell }, at)
      // It takes the place of one that runs.
      drills.set(instance, at + ms)
    },
  }
}

/** "auth, menu and ml" · "auth, menu, ml and 5 more" */
const named = (categories: readonly string[]): string => {
  const more = categories.length - NAMED
  return listOf(more > 0 ? [...categories.slice(0, NAMED), `${more} more`] : categories)
}

const placed = (place: string): string => {
  if (place === 'embedded') return 'files of this machine'
  return place === 'motia-state' ? "Motia's state" : place
}

/** Until when a drill lasts is for machines to read. */
const why = (reason: string): string => (reason.startsWith('drill:') ? 'a drill' : reason)

/** What its state means, and why it is so. */
const standing = ({ name, state, readable, writable, reason }: InstanceHealth): string => {
  const what = (): string => {
    switch (state) {
      case 'down':
        return 'is down'
      case 'probing':
        return 'answers again, and has to show that it goes on'
      case 'catching-up':
        return 'is back, and gets what it missed'
      case 'suspect':
        return 'may be in trouble'
      case 'up':
        return !readable ? 'is up, but not read' : writable ? 'is up' : 'refuses writes'
    }
  }
  // The reason of catching up is in what was said of it.
  const because = reason === undefined || state === 'catching-up' ? '' : `: ${why(reason)}`
  return `${name} ${what()}${because}`
}

const span = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}
