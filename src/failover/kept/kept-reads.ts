import { tagsIn } from '../../codec/envelope.js'
import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope, type DeltaEntry } from '../journal/journal-entries.js'
import type { Found } from '../journal/journal-overlay.js'
import { type Added, counted } from '../journal/journal-sums.js'
import { createSteadySums, type SteadySums } from '../journal/steady-sums.js'
import type { Landscape } from '../landscape.js'
import type { EntryName, Located, Shelf } from '../shelf.js'
import { versionOf } from '../versions/entry-text.js'
import type { KeptEntries } from './kept-entries.js'
import {
  askInTurn,
  awayError,
  type CallTime,
  callTime,
  isBehind,
  type KeptPlace,
  type KeptPlaces,
  readOrder,
  unknownError,
  type Weakened,
} from './kept-places.js'
import { combined, nothingStored, type Standing, standing } from './kept-standing.js'
import type { OwnWrites } from './own-writes.js'

/** What waits in the journal about one key, for each place and for home's counter. */
export interface WaitingAt {
  /** Undefined: nothing. */
  found(place: KeptPlace, key: string): Found | undefined
  /** Increments that home doesn't have yet: what they make together, and each of them. */
  added(key: string): Added | undefined
  deltas(key: string): readonly DeltaEntry[]
}

export interface KeptReads extends Pick<Shelf, 'read' | 'readMany' | 'locate' | 'locateMany'> {
  readonly waiting: WaitingAt
  readonly sums: SteadySums
  /** The places to ask now, in order. */
  order(): readonly KeptPlace[]
  /** What a place and the journal say together. */
  readAt(place: KeptPlace, name: EntryName, timeout: number | undefined): Promise<Standing>
  /** What is known without any place: what waits in the journal, and what was written here. */
  known(name: EntryName): { readonly text: string | undefined } | undefined
}

/** How many keys of one call that need a look of their own are looked at together. */
const AT_ONCE = 200

export const createKeptReads = (
  category: CategorySettings,
  places: KeptPlaces,
  entries: KeptEntries,
  {
    landscape,
    now,
    own: written,
    weakened,
  }: {
    readonly landscape: Landscape
    readonly now: () => number
    readonly own?: OwnWrites | undefined
    readonly weakened?: Weakened | undefined
  },
): KeptReads => {
  const [home] = places
  const { calm } = landscape
  const failClosed = category.onOutage === 'fail-closed'
  const scope = categoryScope(category.name)
  const journal = weakened?.overlay === false ? undefined : landscape.journal
  const own = category.deadline.read
  const sums = createSteadySums(journal, home.instance, scope)
  const inTime = (timeout: number | undefined) => (timeout === undefined ? undefined : { timeout })
  // One that fails closed has all of the time for home.
  const started = (): CallTime => callTime(home.instance, 'read', own, failClosed ? performance.now() : undefined)
  const straight = (): { timeout: number } | undefined =>
    own === undefined && !failClosed ? undefined : inTime(started().attempt(failClosed))
  const isCalm = (): boolean => calm(home.name) && !home.instance.slow() && !isBehind(places, landscape)
  const order = (): readonly KeptPlace[] => {
    if (!failClosed) return readOrder(places, landscape)
    return home.instance.readable() && !isBehind(places, landscape) ? [home] : []
  }

  const waiting: WaitingAt = {
    found: (place, key) => journal?.find(place.name, scope, key),
    added: (key) => journal?.find(home.name, scope, key)?.added,
    deltas: (key) => journal?.find(home.name, scope, key)?.deltas ?? [],
  }

  /** What waits for one of them about a tag of the text, and is no earlier. */
  const isInvalidated = (where: readonly (KeptPlace | undefined)[], text: string | undefined): boolean => {
    const holding = where.filter((place) => place !== undefined && journal?.holds(place.name) === true)
    if (text === undefined || holding.length === 0) return false
    const tags = tagsIn(text)
    const version = versionOf(text)
    return holding.some((place) => {
      const invalidated = place && journal?.findTags(place.name, scope, tags)?.version
      return invalidated !== undefined && (version === undefined || version <= invalidated)
    })
  }

  const known: KeptReads['known'] = ({ key }) => {
    const all = combined([...places.map((place) => place && waiting.found(place, key)), written?.find(scope, key)])
    // Without what it is added to, what waits for a counter is no number of it.
    if (all === undefined) return undefined
    const { text } = standing(nothingStored, all)
    return { text: counted(isInvalidated(places, text) ? undefined : text, waiting.added(key), now()) }
  }

  const readAt: KeptReads['readAt'] = (place, name, timeout) =>
    sums.with([name.key], (timeout ?? place.instance.deadline('read')) / 2, ([added]) =>
      readOnce(place, name, timeout, added),
    )

  const readOnce = async (
    place: KeptPlace,
    name: EntryName,
    timeout: number | undefined,
    added: Added | undefined,
  ): Promise<Standing> => {
    // Looked at before the place is asked: what is replayed in between is then found there.
    const found = waiting.found(place, name.key)
    if (found === undefined || (found.own === undefined && found.cleared === undefined && !found.invalid)) {
      const text = await place.instance.read(entries.at(place, name.redisKey), inTime(timeout))
      return { text: counted(isInvalidated([place], text) ? undefined : text, added, now()), journalled: false }
    }
    const seen = standing(await entries.look(place, name, timeout), found)
    const text = isInvalidated([place], seen.text) ? undefined : seen.text
    return { ...seen, text: counted(text, added, now()) }
  }

  const nowhere = (name: EntryName, error: StoreError | undefined): Located | undefined => {
    if (failClosed) throw error ?? awayError(home)
    const text = known(name)
    if (text === undefined) throw unknownError(places, landscape, 'the value')
    return text.text === undefined ? undefined : { text: text.text, source: 'embedded', degraded: true }
  }

  const locateIn = (order: readonly KeptPlace[], name: EntryName, time: CallTime): Promise<Located | undefined> =>
    askInTurn(
      order,
      time,
      async (place, timeout) => {
        const { text, journalled } = await readAt(place, name, timeout)
        if (text === undefined) return undefined
        return { text, source: journalled ? 'embedded' : place.name, degraded: place !== home || !calm(home.name) }
      },
      (error) => nowhere(name, error),
    )

  const locate = (name: EntryName): Promise<Located | undefined> => locateIn(order(), name, started())
  const textOf = (located: Located | undefined): string | undefined => located?.text

  /** Whom to ask after home failed a call that went straight there; it throws what nobody else may answer. */
  const backupsAfter = (error: unknown): (() => readonly KeptPlace[]) => {
    if (!(error instanceof StoreError) || !isOutage(error) || failClosed) throw error
    return () => order().filter((place) => place !== home)
  }

  const elsewhere = (name: EntryName, error: unknown, since: number): Promise<string | undefined> =>
    locateIn(backupsAfter(error)(), name, callTime(home.instance, 'read', own, since)).then(textOf)

  /** Each `AT_ONCE` of them with a time of their own; `since` when that of the first ones began, if something was tried. */
  const oneByOne = async (
    names: readonly EntryName[],
    order: () => readonly KeptPlace[],
    since?: number,
  ): Promise<(Located | undefined)[]> => {
    const found: (Located | undefined)[] = []
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const time = (): CallTime =>
        from === 0 && since !== undefined ? callTime(home.instance, 'read', own, since) : started()
      const some = names.slice(from, from + AT_ONCE)
      found.push(...(await Promise.all(some.map((name) => locateIn(order(), name, time())))))
    }
    return found
  }

  /** Straight from home where that may be asked; else, or where it fails, one by one. */
  const many = <T>(
    names: readonly EntryName[],
    atHome: (text: string | undefined) => T,
    elsewhere: (found: Located | undefined) => T,
  ): Promise<T[]> => {
    if (!isCalm()) return oneByOne(names, order).then((found) => found.map(elsewhere))
    const keys = names.map(({ redisKey }) => redisKey)
    const since = performance.now()
    return home.instance.readMany(keys, straight()).then(
      (texts) => texts.map(atHome),
      async (error) => {
        return (await oneByOne(names, backupsAfter(error), since)).map(elsewhere)
      },
    )
  }

  return {
    waiting,
    sums,
    order,
    readAt,
    known,
    locate,

    read: (name) => {
      if (!isCalm()) return locate(name).then(textOf)
      const since = performance.now()
      return home.instance.read(name.redisKey, straight()).catch((error) => elsewhere(name, error, since))
    },

    readMany: (names) => many(names, (text) => text, textOf),
    locateMany: (names) =>
      many(
        names,
        (text) => (text === undefined ? undefined : { text, source: home.name, degraded: false }),
        (found) => found,
      ),
  }
}
