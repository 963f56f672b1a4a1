import type { InstanceHealth } from '../../types/index.js'
import type { TiersEmitter } from '../events.js'
import type { Happening } from './contract.js'

/** What happened to the instances since the start, the last 200 of it. */
export interface Timeline {
  /** Newest first. */
  all(): readonly Happening[]
  /** A drill of so many ms begins. */
  drill(instance: string, ms: number): void
}

const KEPT = 200

/** Listens from now on. `now`: epoch ms. */
export const createTimeline = ({ on }: Pick<TiersEmitter, 'on'>, now: () => number): Timeline => {
  const happened: Happening[] = []
  const note = (what: Omit<Happening, 'at'>): void => {
    happened.unshift({ at: now(), ...what })
    if (happened.length > KEPT) happened.pop()
  }
  on('instance:state', (health) =>
    note({ kind: 'state', instance: health.name, category: undefined, text: standing(health) }),
  )
  on('failover', ({ category, from, to, reason }) =>
    note({
      kind: 'failover',
      instance: to,
      category,
      text: `${category} moved from ${from} to ${placed(to)}: ${reason}`,
    }),
  )
  on('failback', ({ category, to, replayed, ms }) => {
    const brought = replayed === 0 ? '' : `, with ${replayed} ${replayed === 1 ? 'write' : 'writes'} that waited for it`
    note({ kind: 'failback', instance: to, category, text: `${category} is back on ${to} after ${span(ms)}${brought}` })
  })
  on('journal:full', ({ instance, category }) =>
    note({
      kind: 'journal-full',
      instance,
      category,
      text: `the journal is full: writes to ${category} are refused until ${instance} is back`,
    }),
  )
  return {
    all: () => happened,
    drill: (instance, ms) =>
      note({
        kind: 'drill',
        instance,
        category: undefined,
        text: `a drill begins: ${instance} is treated as gone for ${span(ms)}`,
      }),
  }
}

const placed = (place: string): string => (place === 'embedded' ? 'the embedded store' : place)

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
  const why = reason === undefined || state === 'catching-up' ? '' : `: ${reason}`
  return `${name} ${what()}${why}`
}

const span = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}
