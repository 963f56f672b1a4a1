import type { Layout } from '../../instances/layout.js'
import type { ScanPage } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { EntryName } from '../shelf.js'
import type { Clock } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import type { PutAnswer } from '../versions/kept-call.js'
import { clearMarker } from '../versions/markers.js'
import type { KeptEntries } from './kept-entries.js'
import { askInTurn, awayError, callTime, type KeptPlace, type KeptPlaces } from './kept-places.js'
import type { KeptReads } from './kept-reads.js'
import type { KeptTask } from './kept-writes.js'

/** Keys that are looked for, or removed, in one round trip. */
const PAGE = 500

/**
 * The clear of a category. First its marker, or the journal's entry, at every place: it keeps out whatever is older. Then
 * the entries page by page: each has a deadline of its own, and whoever stops in between leaves the rest to the journal.
 */
export const clearTask = (
  category: CategorySettings,
  entries: KeptEntries,
  layout: Layout,
  clock: Clock,
): KeptTask<number> => {
  const { name: of, deadline } = category
  const scope = categoryScope(of)
  const calls = entryCalls(layout, clock)
  const options = deadline.write === undefined ? {} : { timeout: deadline.write }

  return {
    scope,
    key: undefined,
    intent: 'change',
    send: async (place, version, timeout): Promise<PutAnswer<number>> => {
      const mark = calls.mark([clearMarker(of)], version)
      const was = mark.answer(await place.instance.script(mark, 'change', timeout === undefined ? {} : { timeout }))
      return was !== undefined && was > version ? { refused: was } : { done: 0 }
    },
    finish: async (place, version) => {
      const prefix = entries.prefixAt(place)
      let cursor: string | undefined
      let removed = 0
      do {
        const page = await place.instance.scan(prefix, cursor, PAGE, options)
        cursor = page.cursor
        if (page.keys.length === 0) continue
        const batch = page.keys.map((redisKey) => ({ category: of, key: redisKey.slice(prefix.length), redisKey }))
        const call = calls.clearEntries(batch, version, true)
        removed += call.answer(await place.instance.script(call, 'change', options))
      } while (cursor !== undefined)
      return removed
    },
    entry: (version) => ({ kind: 'clear', scope, version }),
  }
}

/** Pages of the category's keys, wherever they are read now, with what waits in the journal. */
export const createKeptScan = (
  category: CategorySettings,
  places: KeptPlaces,
  entries: KeptEntries,
  reads: KeptReads,
  { landscape, overlay }: { readonly landscape: Landscape; readonly overlay: boolean },
) => {
  const [home] = places
  const { keyPrefix, deadline } = category
  const scope = categoryScope(category.name)
  const journal = overlay ? landscape.journal : undefined

  const nameOf = (redisKey: string): EntryName => ({ key: redisKey.slice(keyPrefix.length), redisKey })

  /** What waits for the place and would be found there under the prefix. */
  const waitingKeys = (place: KeptPlace, prefix: string): string[] =>
    [...(journal?.findAll(place.name, scope)?.own.values() ?? [])].flatMap(({ kind, key }) =>
      kind === 'value' && (keyPrefix + key).startsWith(prefix) ? [keyPrefix + key] : [],
    )

  const pageAt = async (
    place: KeptPlace,
    prefix: string,
    cursor: string | undefined,
    limit: number,
    timeout: number | undefined,
  ): Promise<ScanPage> => {
    const found = journal?.findAll(place.name, scope)
    const page = await place.instance.scan(
      entries.at(place, prefix),
      cursor,
      limit,
      timeout === undefined ? {} : { timeout },
    )
    const before = entries.at(place, '').length
    let keys = page.keys.map((key) => key.slice(before))
    if (found !== undefined) {
      const seen = await Promise.all(keys.map((key) => reads.readAt(place, nameOf(key), undefined)))
      keys = keys.filter((_, i) => seen[i]?.text !== undefined)
      if (page.cursor === undefined) keys.push(...waitingKeys(place, prefix))
    }
    return { keys, cursor: page.cursor === undefined ? undefined : `${place.name} ${page.cursor}` }
  }

  /** Where none can be asked. */
  const onlyWaiting = (prefix: string): ScanPage => {
    const keys = new Set(places.flatMap((place) => (place === undefined ? [] : waitingKeys(place, prefix))))
    return { keys: [...keys], cursor: undefined, partial: true }
  }

  return (prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> => {
    const [at, rest] = splitCursor(cursor ?? '', places)
    return askInTurn(
      reads.order(),
      callTime(home.instance, 'read', deadline.read),
      // At another place than the last page's it begins anew: a key may come twice, none is left out.
      (place, timeout) => pageAt(place, prefix, at === place.name && rest !== '' ? rest : undefined, limit, timeout),
      (error) => {
        if (category.onOutage === 'fail-closed') throw error ?? awayError(home)
        return onlyWaiting(prefix)
      },
    )
  }
}

/** One without a place is none of ours, which home says. */
const splitCursor = (cursor: string, places: KeptPlaces): [place: string, rest: string] => {
  const [place, rest] = cursor.split(' ')
  const known = places.find((each) => each?.name === place)
  return known === undefined || rest === undefined ? [places[0].name, cursor] : [known.name, rest]
}
