import {
  byBytes,
  cursorAfter,
  isAfter,
  itemsAfter,
  NOT_OURS,
  nameBefore,
  withOthers,
} from '../../instances/name-pages.js'
import {
  type GroupFigures,
  type GroupPage,
  type GroupStore,
  type ItemPage,
  type PageAsk,
  StoreError,
} from '../../instances/store.js'
import type { Journal } from '../journal/journal.js'
import { groupScope } from '../journal/journal-entries.js'
import type { EmbeddedCopy } from '../state-copy/embedded-copy.js'
import type { KeptPlace, KeptPlaces } from './kept-places.js'

export interface KeptGroupPagesParts {
  readonly journal: Journal | undefined
  /** Undefined: it doesn't hold all there is. */
  readonly copy: () => EmbeddedCopy | undefined
  /** Home while all is well, else the places in turn, else what is known here. */
  paging<T>(straight: () => Promise<T>, at: (place: KeptPlace) => Promise<T>, nowhere: () => T): Promise<T>
  allAt(place: KeptPlace, group: string): Promise<[field: string, text: string][]>
  /** Throws where it can't be known. */
  allNowhere(group: string): [field: string, text: string][]
}

/** Names that one page looks at where no place can be asked. */
const LOOKED = 500
const NOWHERE = 'embedded'

/**
 * Pages of groups and of items, wherever state is read now, with what waits in the journal. Of a group for which
 * something waits only its name is known, which may be all that is left of it.
 */
export const createKeptGroupPages = (
  places: KeptPlaces,
  { journal, copy, paging, allAt, allNowhere }: KeptGroupPagesParts,
): Pick<GroupStore, 'groupPage' | 'itemPage'> => {
  const [home] = places
  const refuse = (text: string): StoreError => new StoreError('refused', home.name, `${home.name}: ${text}`, 'no')
  const waitingAt = (place: KeptPlace | undefined): string[] =>
    (place === undefined ? [] : (journal?.scopesOfGroups(place.name) ?? [])).map((scope) =>
      scope.slice(groupScope('').length),
    )

  const groupsAt = async (place: KeptPlace, ask: PageAsk): Promise<GroupPage> => {
    const before = nameBefore(ask.cursor, refuse)
    const page = await place.instance.groupPage(ask)
    const waiting = waitingAt(place)
    if (waiting.length === 0) return page
    const last = nameBefore(page.cursor, refuse)
    const others = waiting.filter(
      (name) => name.includes(ask.search) && isAfter(name, before) && (last === undefined || !isAfter(name, last)),
    )
    const { groups, cut } = withOthers(page.groups, others, ask.limit)
    const end = cut ? groups.at(-1) : undefined
    return { ...page, groups, cursor: end === undefined ? page.cursor : cursorAfter(end.name) }
  }

  const groupsNowhere = ({ search, cursor, limit }: PageAsk): GroupPage => {
    const before = nameBefore(cursor, refuse)
    const waiting = places.flatMap(waitingAt).filter((name) => isAfter(name, before))
    const copied = copy()?.namesAfter(before, LOOKED) ?? []
    const names = [...new Set([...copied, ...waiting])].sort(byBytes).slice(0, LOOKED)
    const groups: GroupFigures[] = []
    let last: string | undefined
    for (const name of names) {
      last = name
      const items = name.includes(search) ? allNowhere(name).length : 0
      if (items > 0) groups.push({ name, items, endsAt: undefined })
      if (groups.length === limit) break
    }
    const isLast = names.length < LOOKED && last === names.at(-1)
    return { groups, cursor: isLast || last === undefined ? undefined : cursorAfter(last), total: undefined }
  }

  const isWaiting = (place: KeptPlace, group: string): boolean =>
    journal?.findAll(place.name, groupScope(group)) !== undefined

  return {
    groupPage: async (ask, options) =>
      paging(
        () => home.instance.groupPage(ask, options),
        (place) => groupsAt(place, ask),
        () => groupsNowhere(ask),
      ),

    itemPage: async (group, ask, options) => {
      const last = readCursor(ask.cursor)
      const known = last === undefined || last.place === NOWHERE || places.some((place) => place?.name === last.place)
      if (!known) throw refuse(NOT_OURS)
      /** A page that ended with a name goes on after it at every place; else it was a place's own matter. */
      const askAt = (place: string | undefined): PageAsk => ({
        ...ask,
        cursor: last?.portable === true || last?.place === place ? last?.cursor : undefined,
      })
      const placed = (place: string, page: ItemPage): ItemPage => ({
        ...page,
        cursor: page.cursor && `${place} ${page.cursor}`,
      })
      const overlaid = (all: [string, string][]): ItemPage => {
        const here = askAt(undefined)
        return itemsAfter(all, nameBefore(here.cursor, refuse), here)
      }
      return paging(
        async () => placed(home.name, await home.instance.itemPage(group, askAt(home.name), options)),
        async (place) => {
          const page = isWaiting(place, group)
            ? overlaid(await allAt(place, group))
            : await place.instance.itemPage(group, askAt(place.name))
          return placed(place.name, page)
        },
        () => placed(NOWHERE, overlaid(allNowhere(group))),
      )
    },
  }
}

interface ItemCursor {
  readonly place: string
  readonly cursor: string
  readonly portable: boolean
}

const readCursor = (cursor: string | undefined): ItemCursor | undefined => {
  if (cursor === undefined) return undefined
  const [, place = '', own = cursor, kind] = /^(\S+) ((after|scan)\.\S+)$/.exec(cursor) ?? []
  return { place, cursor: own, portable: kind === 'after' }
}
