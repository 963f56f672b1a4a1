import type { CacheEngine } from '../cache/engine.js'
import type { GroupStore } from '../instances/store.js'
import type { HotStore } from '../state/hot-store.js'
import type { Change, Changed } from './contract.js'
import type { Looking } from './looking.js'
import { Refused, seen } from './refused.js'

export interface ChangeParts {
  readonly looking: Looking
  readonly engine: Pick<CacheEngine, 'delete' | 'expire' | 'invalidateTags' | 'clear'>
  readonly hot: Pick<HotStore, 'delete' | 'clear'>
  readonly groups: Pick<GroupStore, 'itemPage'>
  /** State has our adapter. */
  readonly ours: () => boolean
}

type DataChange = Exclude<Change, { do: 'drill' }>

/** Changes of data, as the app itself would make them: journals, leases, copies in memory and other processes hear of them. */
export const createChange = ({ looking, engine, hot, groups, ours }: ChangeParts) => {
  const make = async (change: DataChange): Promise<number | undefined> => {
    switch (change.do) {
      case 'delete-entry':
        return Number(await engine.delete(change))
      case 'expire-entry':
        return Number(await engine.expire(change))
      case 'invalidate-tag':
        return engine.invalidateTags(change.category, [change.tag])
      case 'clear-category':
        return engine.clear(change.category)
      case 'delete-item':
        // Null is also what an unreadable item answers.
        return (await hot.delete(change.group, change.key)) === null ? undefined : 1
      case 'clear-group': {
        const count = await itemsIn(change.group)
        await hot.clear(change.group)
        return count
      }
    }
  }

  const itemsIn = (group: string): Promise<number | undefined> =>
    groups.itemPage(group, { search: '', cursor: undefined, limit: 1 }).then(
      ({ total }) => total,
      () => undefined, // The clear itself says what is wrong.
    )

  return async (change: DataChange): Promise<Changed> => {
    const isState = change.do === 'delete-item' || change.do === 'clear-group'
    if (isState && !ours()) throw new Refused('state has another adapter than motia-redis, which is changed there')
    const named = 'category' in change && 'key' in change
    const meant = named ? { ...change, key: looking.keyOf(change.category, change.key) } : change
    if ('category' in meant) looking.category(meant.category, 'key' in meant ? meant.key : undefined)
    try {
      return { count: await make(meant) }
    } catch (error) {
      throw seen(error)
    }
  }
}
