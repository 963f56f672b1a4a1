import type { Instance } from '../../instances/instance.js'
import type { CallOptions } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Shelf, ShelfWrite } from '../shelf.js'
import { createCopies, noCopies } from '../stand-in/copies.js'
import { storeNext, storeWrite } from '../store-write.js'
import { steadyNow } from '../time-left.js'
import { createCachedChanges } from './cached-changes.js'
import { createCachedCounting } from './cached-counting.js'
import { createCachedLeases } from './cached-leases.js'
import { createCachedReads } from './cached-reads.js'
import { createCachedScan } from './cached-scan.js'
import { type CachedSetting, type CachedShelfParts, keyOf } from './cached-setting.js'
import { createCachedTags } from './cached-tags.js'
import { overlayOf } from './overlay-view.js'

/**
 * The shelf of a category without mirror whose data may be served from elsewhere (`failover`) or may be lost (`drop`).
 * While all is well each call is the bare call to home; everything else is in cached-reads and cached-changes.
 */
export const createCachedShelf = (category: CategorySettings, home: Instance, parts: CachedShelfParts): Shelf => {
  const { landscape, outages } = parts
  const { deadline, keyPrefix } = category
  const { name } = home
  const reading = first(deadline.read)
  const writing = first(deadline.write)
  const drops = category.onOutage === 'drop'
  // What has no copies has nothing to do with those of the home's other categories.
  const settle = drops ? () => undefined : outages.trace(name).settle
  const setting: CachedSetting = {
    category,
    home,
    parts,
    overlay: overlayOf(category, home, landscape, parts.weakened?.overlay !== false),
    copies: drops ? noCopies : createCopies(category, name, parts),
    settle,
    readMs: () => deadline.read ?? home.deadline('read'),
    writeMs: () => deadline.write ?? home.deadline('write'),
    reading,
    writing,
  }
  const reads = createCachedReads(setting)
  const scan = createCachedScan(setting)
  const changes = createCachedChanges(setting)
  const counting = createCachedCounting(setting)
  const entryOf = (write: ShelfWrite) => storeWrite(category, write)
  const { calm } = landscape

  const shelf: Shelf = {
    read: (entry) =>
      calm(name)
        ? home.read(entry.redisKey, reading).catch((error) => reads.readAfter(entry, error))
        : reads.find([entry]).then(([found]) => found?.text),

    readMany: (entries) =>
      calm(name)
        ? home.readMany(entries.map(keyOf), reading).catch((error) => reads.readManyAfter(entries, error))
        : reads.find(entries).then((found) => found.map((each) => each?.text)),

    locate: (entry) =>
      calm(name)
        ? home.read(entry.redisKey, reading).then(
            (text) => (text === undefined ? undefined : { text, source: name, degraded: false }),
            (error) => reads.locateAfter(entry, error),
          )
        : reads.find([entry]).then(([found]) => found),

    locateMany: (entries) =>
      calm(name)
        ? home.readMany(entries.map(keyOf), reading).then(
            (texts) => texts.map((text) => (text === undefined ? undefined : { text, source: name, degraded: false })),
            (error) => reads.locateManyAfter(entries, error),
          )
        : reads.find(entries),

    life: (entry) =>
      calm(name)
        ? home.life(entry.redisKey, reading).catch((error) => reads.lifeAfter(entry, error))
        : reads.life(entry),

    scan: (begin, cursor, limit) => scan(keyPrefix + begin, cursor, limit),

    write: (entries) => {
      const startedAt = steadyNow()
      if (!calm(name)) return changes.write(entries, startedAt)
      return home.write(entries.map(entryOf), writing).then(
        () => settle(startedAt),
        (error) => changes.writeAfter(entries, startedAt, error),
      )
    },

    remove: (entries) => {
      const startedAt = steadyNow()
      if (!calm(name)) return changes.remove(entries, startedAt)
      return home.remove(entries.map(keyOf), writing).then(
        (found) => {
          settle(startedAt)
          return found
        },
        (error) => changes.removeAfter(entries, startedAt, error),
      )
    },

    swap: (entry, expected, next) => {
      const startedAt = steadyNow()
      if (!calm(name)) return changes.swap(entry, expected, next, startedAt)
      return home
        .swap(entry.redisKey, expected, storeNext(category, next), writing)
        .catch((error) => changes.swapAfter(entry, expected, next, startedAt, error))
    },

    increment: (entry, by, endsAt) => {
      const startedAt = steadyNow()
      if (!calm(name)) return counting.increment(entry, by, endsAt, startedAt)
      return home.increment(entry.redisKey, by, endsAt, writing).then(
        (total) => {
          settle(startedAt)
          return total
        },
        (error) => counting.incrementAfter(entry, by, endsAt, startedAt, error),
      )
    },

    clear: () => {
      const startedAt = steadyNow()
      if (!calm(name)) return changes.clear(startedAt)
      return home.clear(keyPrefix, writing).then(
        (removed) => {
          settle(startedAt)
          return removed
        },
        (error) => changes.clearAfter(startedAt, error),
      )
    },

    invalidate: createCachedTags(setting),
    lease: createCachedLeases(setting, reads, (entries) => shelf.write(entries)),
  }
  return shelf
}

/** The share of a category's own deadline that an attempt gets which may be followed by another. */
const first = (deadline: number | undefined): CallOptions | undefined =>
  deadline === undefined ? undefined : { timeout: (deadline * 2) / 3 }
