import {
  cursorAfter,
  firstAfter,
  isAfter,
  itemsAfter,
  MOST_PAGE,
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
  /** Undefined: it doesn't hold all there is. Throws where `what` can't be known then. */
  readonly copy: (what?: string) => EmbeddedCopy | undefined
  /** Home while all is well, else the places in turn, else what is known here. */
  paging<T>(straight: () => Promise<T>, at: (place: KeptPlace) => Promise<T>, nowhere: () => T): Promise<T>
  allAt(place: KeptPlace, group: string): Promise<[field: string, text: string][]>
  /** Throws where it can't be known. */
  getNowhere(group: string, field: string): string | undefined
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
  { journal, copy, paging, allAt, getNowhere }: KeptGroupPagesParts,
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
    const wanted = waiting.filter((name) => name.includes(ask.search))
    // One more than fits tells that there are more.
    const others = firstAfter(wanted, before, ask.limit + 1).filter(
      (name) => last === undefined || !isAfter(name, last),
    )
    const { groups, cut } = withOthers(page.groups, others, ask.limit)
    const end = cut ? groups.at(-1) : undefined
    return { ...page, groups, cursor: end === undefined ? page.cursor : cursorAfter(end.name) }
  }

  const groupsNowhere = ({ search, cursor, limit }: PageAsk): GroupPage => {
    const before = nameBefore(cursor, refuse)
    // First: where it refuses, nothing else is worth a look.
    const copied = copy()?.namesAfter(before, LOOKED) ?? []
    const names = firstAfter([...copied, ...places.flatMap(waitingAt)], before, LOOKED)
    const groups: GroupFigures[] = []
    let last: string | undefined
    for (const name of names) {
      last = name
      if (name.includes(search) && holdsNowhere(name)) groups.push({ name, items: undefined, endsAt: undefined })
      if (groups.length === limit) break
    }
    return { groups, cursor: cursorIn(names, last), total: undefined }
  }

  /** Names of a group's items, of what is gone, too; from this process's own memory and files. */
  const fieldsNowhere = (group: string, before: string | undefined, most: number): string[] => {
    const copied = copy('the group')?.fieldsAfter(group, before, most) ?? []
    const waiting = places.flatMap((place) => (place && journal?.keysWaiting(place.name, groupScope(group))) ?? [])
    return firstAfter([...copied, ...waiting], before, most)
  }

  /** Something is left of it. Mostly the first item says so. */
  const holdsNowhere = (group: string): boolean => {
    let before: string | undefined
    for (let most = 4; ; most *= 8) {
      const fields = fieldsNowhere(group, before, most)
      if (fields.some((field) => getNowhere(group, field) !== undefined)) return true
      if (fields.length < most) return false
      before = fields.at(-1)
    }
  }

  const itemsNowhere = (group: string, { search, cursor, limit }: PageAsk): ItemPage => {
    const fields = fieldsNowhere(group, nameBefore(cursor, refuse), LOOKED)
    const items: [field: string, text: string][] = []
    let length = 0
    let last: string | undefined
    for (const field of fields) {
      last = field
      const text = field.includes(search) ? getNowhere(group, field) : undefined
      if (text === undefined) continue
      items.push([field, text])
      length += text.length
      if (items.length === limit || length > MOST_PAGE) break
    }
    return { items, cursor: cursorIn(fields, last), total: undefined, endsAt: undefined }
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
        () => placed(NOWHERE, itemsNowhere(group, askAt(undefined))),
      )
    },
  }
}

/** After the name that was looked at last; undefined: there are no more. */
const cursorIn = (names: readonly string[], last: string | undefined): string | undefined =>
  last === undefined || (names.length < LOOKED && last === names.at(-1)) ? undefined : cursorAfter(last)

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
