import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Journal, Pending } from '../journal/journal.js'
import {
  type DeltaEntry,
  everywhere,
  isGroup,
  isKept,
  type JournalEntry,
  type KeptEntry,
  type Scope,
} from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { Version } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import { groupCalls } from '../versions/group-calls.js'
import { onceCall } from '../versions/once-script.js'
import type { Marks } from './repair-marks.js'
import { type DataPlaces, nameIn } from './repair-places.js'
import { patience } from './replay.js'

/** How an entry is brought to an instance. */
export type Plan =
  | { readonly do: 'remove'; readonly redisKey: string }
  | { readonly do: 'script'; readonly call: ScriptCall }
  /** Takes round trips of its own. */
  | { readonly do: 'work'; work(): Promise<void> }
  | { readonly do: 'aside'; readonly reason: string }

interface PlanParts {
  readonly landscape: Landscape
  readonly journal: Journal
  readonly layout: Layout
  readonly places: DataPlaces
  readonly marks: Marks
  readonly now: () => number
}

/** A kept entry of a group or category, which is at home here or mirrored here. */
type Here = { readonly group: string } | { readonly category: CategorySettings; readonly prefix: string }

const closedError = ({ name }: Instance, category: CategorySettings): StoreError =>
  new StoreError('refused', name, `the keys of '${category.name}' can't be listed`, 'no')

/**
 * Plans are made when they are sent, because lives count from then. `floor`: what the other place knows to be gone, up
 * to which version: a value below it was replaced by one with a shorter life, which has ended since.
 */
export const createPlans = ({ landscape, journal, layout, places, marks, now }: PlanParts) => {
  const { clock } = landscape
  const entries = entryCalls(layout, clock)
  const groups = groupCalls(layout, clock)
  const work = (each: () => Promise<void>): Plan => ({ do: 'work', work: each })
  const script = (call: ScriptCall): Plan => ({ do: 'script', call })

  /** Undefined: by today's configuration it belongs elsewhere. */
  const hereOf = (instance: Instance, { scope }: JournalEntry): Here | undefined => {
    const name = nameIn(scope)
    if (isGroup(scope)) return places.of(scope).includes(instance.name) ? { group: name } : undefined
    const category = landscape.categoryOf(name)
    const prefix = places.prefixAt(instance.name, category)
    return prefix === undefined ? undefined : { category, prefix }
  }

  const moved = (entry: JournalEntry): Plan =>
    work(async () => {
      for (const place of places.of(entry.scope)) await journal.append(place, [entry])
    })

  const cached = (instance: Instance, entry: Exclude<JournalEntry, KeptEntry | DeltaEntry>): Plan => {
    if (entry.kind === 'invalid') {
      return { do: 'remove', redisKey: landscape.categoryOf(nameIn(entry.scope)).keyPrefix + entry.key }
    }
    if (entry.kind === 'invalid-tag') return work(() => removeTagged(instance, entry.scope, entry.tag))
    return work(async () => {
      const all = entry.scope === everywhere
      const categories = all ? await places.cachedAt(instance) : [landscape.categoryOf(nameIn(entry.scope))]
      const closed = categories.find(({ enumerable }) => !enumerable)
      if (closed !== undefined) throw closedError(instance, closed)
      for (const { keyPrefix } of categories) await instance.clear(keyPrefix)
    })
  }

  /** Everywhere: also in categories that only other processes know. */
  const removeTagged = async (instance: Instance, scope: Scope, tag: string): Promise<void> => {
    const time = patience(instance)
    if (scope !== everywhere) {
      await instance.removeTagged({ category: nameIn(scope), names: [tag] }, time)
      return
    }
    const known = (await places.cachedAt(instance)).map(({ name }) => name)
    for (const category of new Set([...known, ...(await instance.invalidateEverywhere([tag], time))])) {
      await instance.removeTagged({ category, names: [tag] }, { ...time, marked: true })
    }
  }

  const delta = (entry: DeltaEntry, prefix: string): Plan =>
    script(onceCall(prefix + entry.key, entry, layout, clock, now()))

  /** A counter that lacks what its other place has is replaced by that one: so that is where it is counted. */
  const elsewhere = ({ name }: Instance, entry: DeltaEntry): Plan | undefined => {
    const other = places.of(entry.scope).find((place) => place !== name)
    if (other === undefined || !landscape.behind(name) || landscape.behind(other)) return undefined
    return work(() => journal.append(other, [entry]))
  }

  const inGroup = (instance: Instance, group: string, entry: KeptEntry, ended: boolean): Plan => {
    const { version } = entry
    if (entry.kind === 'clear') return work(() => marks.clearGroup(instance, group, version))
    if (entry.kind === 'tag') return { do: 'aside', reason: 'groups have no tags' }
    if (entry.kind === 'tombstone' || ended) return script(groups.mergeTombstone(group, entry.key, version))
    const life = entry.endsAt === false ? false : entry.endsAt - now()
    return script(groups.merge(group, entry.key, version, { text: entry.text, life }))
  }

  const inCategory = (
    instance: Instance,
    { category, prefix }: { readonly category: CategorySettings; readonly prefix: string },
    entry: KeptEntry,
    ended: boolean,
    floor: Version | undefined,
  ): Plan => {
    const { version } = entry
    if (entry.kind === 'clear') return work(() => marks.clearCategory(instance, category, version))
    if (entry.kind === 'tag') return work(() => marks.invalidate(instance, category, entry.tag, version))
    const at = { category: category.name, key: entry.key, redisKey: prefix + entry.key }
    if (floor !== undefined && floor >= version) return script(entries.mergeTombstone(at, floor))
    if (entry.kind === 'tombstone' || ended) return script(entries.mergeTombstone(at, version))
    const life = entry.endsAt === false ? Number.MAX_SAFE_INTEGER : entry.endsAt - now()
    return script(entries.merge(at, version, { text: entry.text, tags: entry.tags, life }))
  }

  return (instance: Instance, { entry, due }: Pending, floor: Version | undefined): Plan => {
    if (due === 'aged' && isKept(entry)) return { do: 'aside', reason: 'older than 24 h' }
    if (entry.kind === 'delta' && !entry.kept) {
      const { keyPrefix } = landscape.categoryOf(nameIn(entry.scope))
      return due === 'aged' ? { do: 'remove', redisKey: keyPrefix + entry.key } : delta(entry, keyPrefix)
    }
    if (entry.kind === 'delta' || 'version' in entry) {
      const here = hereOf(instance, entry)
      if (here === undefined) return moved(entry)
      if ('group' in here) {
        return entry.kind === 'delta'
          ? { do: 'aside', reason: 'groups have no counters' }
          : inGroup(instance, here.group, entry, due === 'ended')
      }
      return entry.kind === 'delta'
        ? (elsewhere(instance, entry) ?? delta(entry, here.prefix))
        : inCategory(instance, here, entry, due === 'ended', floor)
    }
    return cached(instance, entry)
  }
}
