import { type Instance, isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { Landscape } from '../landscape.js'
import { LEAST, SHARE } from '../time-left.js'

/** One of the instances on which a kept write lies. */
export interface KeptPlace {
  readonly name: string
  readonly instance: Instance
}

/** Home first, then the mirror, where there is one. */
export type KeptPlaces = readonly [home: KeptPlace, mirror?: KeptPlace]

export const keptPlaces = (home: Instance, { mirrorOf }: Landscape, mirrored: boolean): KeptPlaces => {
  const mirror = mirrored ? mirrorOf(home.name) : undefined
  const place = (instance: Instance): KeptPlace => ({ name: instance.name, instance })
  return mirror === undefined ? [place(home)] : [place(home), place(mirror)]
}

/** Protections that tests turn off, to see that it is they that help. */
export interface Weakened {
  /** What waits in the journal is not looked at by reads. */
  readonly overlay?: false
}

/** The time of one call, shared by all of its attempts. */
export interface CallTime {
  /** ms for one more attempt. `last`: nothing comes after it. Undefined: what the instance gives a call anyway. */
  attempt(last: boolean): number | undefined
  /** ms until the end, at least enough for one attempt. */
  left(): number
  over(): boolean
}

/** `own`: ms that the category sets; else the instance's rule holds. `since`: when the first attempt began, if one did. */
export const callTime = (
  home: Instance,
  intent: 'read' | 'write',
  own: number | undefined,
  since?: number,
): CallTime => {
  const started = since ?? performance.now()
  const total = own ?? home.deadline(intent)
  const rest = (): number => total - (performance.now() - started)
  // Without a time of its own a read travels with the others of its tick.
  let plain = own === undefined && since === undefined
  return {
    attempt: (last) => {
      // Whole, so that calls of one tick have the same and may travel together.
      if (!plain) return Math.max(LEAST, Math.ceil(last ? rest() : rest() * SHARE))
      plain = false
      return undefined
    },
    left: () => Math.max(LEAST, rest()),
    over: () => rest() <= 0,
  }
}

/** ms that are left of one attempt at a place, `timeout` as it was given. */
export const restOf = ({ instance }: KeptPlace, timeout: number | undefined, since: number): number =>
  Math.max(LEAST, Math.ceil((timeout ?? instance.deadline('write') * SHARE) - (performance.now() - since)))

/**
 * Those that can be read, in the order in which they are asked. Only a slow home comes second. One that lacks data isn't
 * asked, except where both do and are there: then it is being repaired from the other, which knows no better. One that
 * is as new as the other is asked after that.
 */
export const readOrder = (places: KeptPlaces, { calm, behind, unsure }: Landscape): readonly KeptPlace[] => {
  const [home, mirror] = places
  const there = places.filter((place) => place?.instance.readable() === true) as readonly KeptPlace[]
  if (mirror === undefined) return there
  const whole = there.filter(({ name }) => !behind(name))
  if (whole.length === 0) return there.length === places.length ? there : []
  if (whole.length === 1) return [...whole, ...there.filter(({ name }) => behind(name) && unsure(name))]
  return home.instance.slow() && !mirror.instance.slow() && calm(mirror.name) ? [mirror, home] : [home, mirror]
}

/** Home lacks data that its mirror has. */
export const isBehind = ([home, mirror]: KeptPlaces, { behind }: Landscape): boolean =>
  mirror !== undefined && behind(home.name)

/**
 * The first answer of those places, each asked only when the one before couldn't. Where none can, `otherwise` answers;
 * it hears what the last one suffered.
 */
export const askInTurn = async <T>(
  order: readonly KeptPlace[],
  time: CallTime,
  ask: (place: KeptPlace, timeout: number | undefined) => Promise<T>,
  otherwise: (error: StoreError | undefined) => T | Promise<T>,
): Promise<T> => {
  let last: StoreError | undefined
  for (const [i, place] of order.entries()) {
    try {
      return await ask(place, time.attempt(i === order.length - 1))
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      last = error
    }
  }
  return otherwise(last)
}

/** Home alone may answer, and it can't. */
export const awayError = ({ name }: KeptPlace): StoreError =>
  new StoreError('unavailable', name, `${name}: it is away, or hasn't caught up yet`, 'no')

/** `what` can't be known: of all that could tell, none can be asked. */
export const unknownError = (places: KeptPlaces, { behind }: Landscape, what: string): StoreError => {
  const [home, mirror] = places
  const lacking = places.find((place) => place?.instance.readable() === true && behind(place.name))
  if (lacking !== undefined && mirror !== undefined) {
    const other = lacking === home ? mirror : home
    const why = `${lacking.name} came back without all of its data, and ${other.name} is away`
    return new StoreError('unknown', home.name, `${home.name}: ${what} can't be known now: ${why}`, 'no')
  }
  const away = mirror === undefined ? 'it is' : `it and ${mirror.name} are`
  const { reason } = home.instance.health()
  const why = reason === undefined ? '' : ` (${reason})`
  return new StoreError('unknown', home.name, `${home.name}: ${what} can't be known while ${away} away${why}`, 'no')
}
