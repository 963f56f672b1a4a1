import { assertKey } from '../codec/key.js'
import type { GroupStore } from '../instances/store.js'
import type { Report } from '../report.js'
import { createFailures, type Failures, type HotPlace } from './failures.js'
import { type HotFilter, type HotItem, inferType, matchesFilters } from './filter.js'
import { inOrder } from './in-order.js'
import { createQuarantine } from './quarantine.js'
import { type JsonValue, parse, serialise } from './value.js'

/** The most items of one group. */
const MAX_GROUP_ITEMS = 100_000
/** How many groups `items()` reads at once: enough to hide the round trips, few enough not to crowd out other calls. */
const GROUPS_AT_ONCE = 4

/**
 * Workflow state: JSON values by group and key. Every method rejects with a STATE_… error only (see stateErrorCode),
 * which it has logged. Groups and keys are 1 to 512 bytes of well-formed text. Orders of groups and items are unspecified.
 */
export interface HotStore {
  /** Null where nothing is, or nothing readable. */
  get(group: string, key: string): Promise<JsonValue>
  /** Answers the value as given. */
  set<T>(group: string, key: string, value: T): Promise<T>
  /** Atomic. Answers what was there, null where nothing (readable) was. */
  delete(group: string, key: string): Promise<JsonValue>
  getGroup(group: string): Promise<JsonValue[]>
  clear(group: string): Promise<void>
  keys(group: string): Promise<string[]>
  /** The groups that hold something now. */
  traceIds(): Promise<string[]>
  /** The items of one group, or of all where `groupId` is absent or ''. */
  items(query?: HotQuery): Promise<HotItem[]>
  /** How many unreadable members were met and skipped since the start. */
  skipped(): number
}

export interface HotQuery {
  readonly groupId?: string | undefined
  readonly filter?: readonly HotFilter[] | undefined
}

export interface HotStoreOptions {
  /** Ms that a whole group lives after its last write; false = for ever. */
  readonly ttl: number | false
  readonly report: Report
  /** Epoch ms. @default Date.now */
  readonly now?: () => number
}

export const createHotStore = (store: GroupStore, { ttl, report, now = Date.now }: HotStoreOptions): HotStore => {
  const failures = createFailures(report, now)
  const quarantine = createQuarantine(report, now)

  /**
   * Checks the names, asks the store, makes the answer. Whatever goes wrong in the store leaves as a state error. No
   * async function: each promise between Motia and the store shows in the figures.
   */
  const run = <A, T>(place: HotPlace, ask: () => Promise<A>, answer: (got: A) => T | Promise<T>): Promise<T> => {
    try {
      checkNames(place, failures)
    } catch (error) {
      return Promise.reject(error)
    }
    return ask().then(answer, (error) => {
      throw failures.failed(place, error)
    })
  }

  const readable = (group: string, key: string, text: string | undefined): JsonValue => {
    if (text === undefined) return null
    const parsed = parse(text)
    if (parsed !== undefined) return parsed.value
    quarantine.note(group, key)
    return null
  }

  const itemsOf = (groupId: string, members: Members, filters: readonly HotFilter[]): HotItem[] => {
    const items: HotItem[] = []
    for (const [key, text] of members) {
      const parsed = parse(text)
      if (parsed === undefined) {
        quarantine.note(groupId, key)
        continue
      }
      const item = { groupId, key, type: inferType(parsed.value), value: parsed.value }
      if (matchesFilters(item, filters)) items.push(item)
    }
    return items
  }

  /** Each group is filtered as it arrives, so that only what is asked for is held. */
  const allItems = async (filters: readonly HotFilter[]): Promise<HotItem[]> => {
    const perGroup = await inOrder(await store.groups(), GROUPS_AT_ONCE, async (group) =>
      itemsOf(group, await store.groupAll(group), filters),
    )
    return perGroup.flat()
  }

  return {
    get: (group, key) =>
      run(
        { operation: 'get', group, key },
        () => store.groupGet(group, key),
        (text) => readable(group, key, text),
      ),

    set(group, key, value) {
      const place: HotPlace = { operation: 'set', group, key }
      const serialised = serialise(value)
      if (!('text' in serialised)) return Promise.reject(failures.refused(place, serialised.code, serialised.reason))
      return run(
        place,
        () => store.groupSet(group, key, serialised.text, ttl, MAX_GROUP_ITEMS),
        () => value,
      )
    },

    delete: (group, key) =>
      run(
        { operation: 'delete', group, key },
        () => store.groupDelete(group, key),
        (text) => readable(group, key, text),
      ),

    getGroup: (group) =>
      run(
        { operation: 'getGroup', group },
        () => store.groupAll(group),
        (members) => itemsOf(group, members, []).map(({ value }) => value),
      ),

    clear: (group) => run({ operation: 'clear', group }, () => store.groupClear(group), asItIs),

    keys: (group) => run({ operation: 'keys', group }, () => store.groupFields(group), asItIs),

    traceIds: () => run({ operation: 'traceIds' }, () => store.groups(), asItIs),

    async items({ groupId, filter } = {}) {
      const place: HotPlace = { operation: 'items', ...(groupId ? { group: groupId } : {}) }
      const filters = checkedFilters(filter, place, failures)
      if (!groupId) return run(place, () => allItems(filters), asItIs)
      return run(
        place,
        () => store.groupAll(groupId),
        (members) => itemsOf(groupId, members, filters),
      )
    },

    skipped: quarantine.count,
  }
}

type Members = readonly (readonly [key: string, text: string])[]

const asItIs = <T>(got: T): T => got

const checkNames = (place: HotPlace, failures: Failures): void => {
  const refuse = (reason: string): Error => failures.refused(place, 'STATE_INVALID_KEY', reason)
  if ('group' in place) assertKey(place.group, refuse, 'group')
  if ('key' in place) assertKey(place.key, refuse)
}

/** Filters come out of an HTTP query, so their shape is checked; what they compare with may be anything. */
const checkedFilters = (filters: unknown, place: HotPlace, failures: Failures): readonly HotFilter[] => {
  if (filters === undefined || filters === null) return []
  const isFilter = (filter: unknown): boolean =>
    typeof filter === 'object' && filter !== null && 'valueKey' in filter && typeof filter.valueKey === 'string'
  if (Array.isArray(filters) && filters.every(isFilter)) return filters
  throw failures.refused(place, 'STATE_INVALID_VALUE', 'filter must be a list of { valueKey, operation, value }')
}
