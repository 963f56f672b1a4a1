import { isOutage } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { createPageSize, paged } from '../../instances/page-size.js'
import { type CallOptions, type GroupStore, StoreError } from '../../instances/store.js'
import { groupScope } from '../journal/journal-entries.js'
import type { FoundAll } from '../journal/journal-overlay.js'
import type { Landscape } from '../landscape.js'
import type { EmbeddedCopy } from '../state-copy/embedded-copy.js'
import { validVersion } from '../versions/clock.js'
import { groupLookAllScript, groupLookScript } from '../versions/group-scripts.js'
import { highest } from '../versions/merge.js'
import { createKeptGroupPages } from './kept-group-pages.js'
import {
  askInTurn,
  type CallTime,
  callTime,
  isBehind,
  type KeptPlace,
  type KeptPlaces,
  readOrder,
  unknownError,
  type Weakened,
} from './kept-places.js'
import { combined, combinedAll, nothingStored, type Stored, standing, waitingFor } from './kept-standing.js'

export interface KeptGroupReadsParts {
  readonly landscape: Landscape
  readonly layout: Layout
  /** 'null': what can't be known reads as what is known here. */
  readonly onUnknown: 'error' | 'null'
  readonly copy: EmbeddedCopy | undefined
  readonly weakened?: Weakened | undefined
}

type GroupReads = Pick<GroupStore, 'groupGet' | 'groupAll' | 'groupFields' | 'groups' | 'groupPage' | 'itemPage'>

/** Items looked at together, and groups. */
const AT_ONCE = 200
const GROUPS_AT_ONCE = 8

/** Reads of groups, at home or wherever they can be read, with what waits in the journal. */
export const createKeptGroupReads = (places: KeptPlaces, parts: KeptGroupReadsParts): GroupReads => {
  const { landscape, layout, onUnknown, copy, weakened } = parts
  const { calm, clock } = landscape
  const journal = weakened?.overlay === false ? undefined : landscape.journal
  const [home] = places
  const isCalm = (): boolean => calm(home.name) && !home.instance.slow() && !isBehind(places, landscape)
  const keysOf = (group: string): string[] => [layout.group(group), layout.side(group)]
  const inTime = (timeout: number | undefined): CallOptions => (timeout === undefined ? {} : { timeout })

  const storedFrom = (text: unknown, version: unknown, cleared: unknown): Stored => {
    const horizon = clock.horizon()
    const own = validVersion(version, horizon)
    // Of an item that is gone the version stays, as its marker.
    return {
      text: typeof text === 'string' ? text : undefined,
      version: typeof text === 'string' ? own : undefined,
      marker: highest(own, validVersion(cleared, horizon)),
    }
  }
  const lookCall = (group: string, field: string) => ({ script: groupLookScript, keys: keysOf(group), args: [field] })
  const storedIn = (reply: unknown): Stored => {
    const [text, version, cleared] = reply as unknown[]
    return storedFrom(text, version, cleared)
  }

  const getAt = async (place: KeptPlace, group: string, field: string, timeout: number | undefined) => {
    // Looked at before the place is asked: what is replayed in between is then found there.
    const found = journal?.find(place.name, groupScope(group), field)
    if (found === undefined) return place.instance.groupGet(group, field, inTime(timeout))
    const reply = await place.instance.script(lookCall(group, field), 'read', inTime(timeout))
    return standing(storedIn(reply), found).text
  }

  const getNowhere = (group: string, field: string): string | undefined => {
    const scope = groupScope(group)
    const waiting = combined(places.map((place) => place && journal?.find(place.name, scope, field)))
    const copied = copy?.complete() === true ? copy.get(group, field) : undefined
    if (copied === undefined && waiting === undefined) {
      if (onUnknown === 'error') throw unknownError(places, landscape, 'the value')
      return undefined
    }
    const stored = copied ?? nothingStored
    return waiting === undefined ? stored.text : standing(stored, waiting).text
  }

  const getFrom = (order: readonly KeptPlace[], group: string, field: string, time: CallTime) =>
    askInTurn(
      order,
      time,
      (place, timeout) => getAt(place, group, field, timeout),
      () => getNowhere(group, field),
    )

  /** Each page in one go, so that a text and its version belong together. */
  const pagesAt = async (place: KeptPlace, group: string): Promise<Map<string, Stored>> => {
    const pages = createPageSize('small')
    const items = new Map<string, Stored>()
    let cursor = '0'
    do {
      const call = { script: groupLookAllScript, keys: keysOf(group), args: [cursor, pages.next()] }
      const [next, cleared, , ...page] = (await paged(pages, place.instance.script(call, 'read'))) as unknown[]
      let length = 0
      for (let i = 0; i < page.length; i += 3) {
        const stored = storedFrom(page[i + 1], page[i + 2], cleared)
        length += stored.text?.length ?? 0
        items.set(String(page[i]), stored)
      }
      pages.came(page.length / 3, length)
      cursor = String(next)
    } while (cursor !== '0')
    return items
  }

  /** Of items that the page didn't show: they may be gone since a later time than what waits. */
  const lookAt = async (place: KeptPlace, group: string, fields: readonly string[], into: Map<string, Stored>) => {
    for (let from = 0; from < fields.length; from += AT_ONCE) {
      const part = fields.slice(from, from + AT_ONCE)
      const replies = await place.instance.scripts(
        part.map((field) => lookCall(group, field)),
        'read',
      )
      part.forEach((field, i) => {
        const reply = replies[i]
        if (reply instanceof StoreError) throw reply
        into.set(field, storedIn(reply))
      })
    }
  }

  const overlaid = (items: ReadonlyMap<string, Stored>, found: FoundAll): [string, string][] =>
    [...new Set([...items.keys(), ...found.own.keys()])].flatMap((field) => {
      const { text } = standing(items.get(field) ?? nothingStored, waitingFor(found, field))
      return text === undefined ? [] : [[field, text] as [string, string]]
    })

  const allAt = async (place: KeptPlace, group: string): Promise<[string, string][]> => {
    const found = journal?.findAll(place.name, groupScope(group))
    if (found === undefined) return place.instance.groupAll(group)
    const items = await pagesAt(place, group)
    await lookAt(
      place,
      group,
      [...found.own.keys()].filter((field) => !items.has(field)),
      items,
    )
    return overlaid(items, found)
  }

  const allNowhere = (group: string): [string, string][] => {
    const scope = groupScope(group)
    const found = combinedAll(places.map((place) => place && journal?.findAll(place.name, scope)))
    const copied = copy?.complete() === true ? copy.all(group) : undefined
    if (copied === undefined && onUnknown === 'error') throw unknownError(places, landscape, 'the group')
    return overlaid(copied ?? new Map(), found ?? { own: new Map(), cleared: undefined, invalid: false })
  }

  const fieldsAt = async (place: KeptPlace, group: string): Promise<string[]> =>
    journal?.findAll(place.name, groupScope(group)) === undefined
      ? place.instance.groupFields(group)
      : (await allAt(place, group)).map(([field]) => field)

  const namesAt = async (place: KeptPlace): Promise<string[]> => {
    const waiting = journal?.scopesOfGroups(place.name) ?? []
    const names = new Set(await place.instance.groups())
    for (let from = 0; from < waiting.length; from += GROUPS_AT_ONCE) {
      const part = waiting.slice(from, from + GROUPS_AT_ONCE).map((scope) => scope.slice(groupScope('').length))
      const fields = await Promise.all(part.map((group) => fieldsAt(place, group)))
      part.forEach((group, i) => {
        if (fields[i]?.length === 0) names.delete(group)
        else names.add(group)
      })
    }
    return inByteOrder(names)
  }

  const completeCopy = (what = 'which groups there are'): EmbeddedCopy | undefined => {
    const complete = copy?.complete() === true
    if (!complete && onUnknown === 'error') throw unknownError(places, landscape, what)
    return complete ? copy : undefined
  }

  const namesNowhere = (): string[] => {
    const copied = completeCopy()
    const waiting = places.flatMap((place) => (place && journal?.scopesOfGroups(place.name)) ?? [])
    const names = [...(copied?.groups() ?? []), ...waiting.map((scope) => scope.slice(groupScope('').length))]
    return inByteOrder(new Set(names.filter((group) => allNowhere(group).length > 0)))
  }

  /** By pages, each with its own deadline; begun anew at the next place where one can't go on. */
  const paging = <T>(
    straight: () => Promise<T>,
    at: (place: KeptPlace) => Promise<T>,
    nowhere: () => T,
  ): Promise<T> => {
    const inTurn = (order: readonly KeptPlace[]): Promise<T> =>
      askInTurn(order, callTime(home.instance, 'read', undefined), at, nowhere)
    if (!isCalm()) return inTurn(readOrder(places, landscape))
    return straight().catch((error) => inTurn(withoutHome(error)))
  }

  /** After home failed a call that went straight there. */
  const withoutHome = (error: unknown): readonly KeptPlace[] => {
    if (!(error instanceof StoreError) || !isOutage(error)) throw error
    return readOrder(places, landscape).filter((place) => place !== home)
  }

  return {
    groupGet: (group, field, options) => {
      const own = options?.timeout
      if (!isCalm()) {
        return getFrom(readOrder(places, landscape), group, field, callTime(home.instance, 'read', own))
      }
      const since = performance.now()
      return home.instance
        .groupGet(group, field, options)
        .catch((error) => getFrom(withoutHome(error), group, field, callTime(home.instance, 'read', own, since)))
    },

    groupAll: (group, options) =>
      paging(
        () => home.instance.groupAll(group, options),
        (place) => allAt(place, group),
        () => allNowhere(group),
      ),

    groupFields: (group, options) =>
      paging(
        () => home.instance.groupFields(group, options),
        (place) => fieldsAt(place, group),
        () => allNowhere(group).map(([field]) => field),
      ),

    groups: (options) =>
      paging(
        () => home.instance.groups(options),
        (place) => namesAt(place),
        () => namesNowhere(),
      ),

    ...createKeptGroupPages(places, { journal, copy: completeCopy, paging, allAt, getNowhere }),
  }
}

const inByteOrder = (names: ReadonlySet<string>): string[] =>
  [...names]
    .map((name) => Buffer.from(name))
    .sort(Buffer.compare)
    .map(String)
