import type { EntryName, Located, Shelf } from '../../failover/shelf.js'
import type { Change } from '../../invalidation/changes.js'
import type { Changes } from '../../invalidation/invalidation.js'
import type { CategorySettings } from '../../settings/settings.js'
import { createEpochs, type Epochs } from './epochs.js'
import { type Copies, type Kept, type Memory, noCopies } from './memory.js'

/** ms that a copy lives at most where nobody tells that it is no longer right. */
const UNTOLD = 1_000

export interface L1ShelfParts {
  readonly memory: Memory
  readonly changes: Changes
  /** Counts what there is of this category. */
  readonly copies?: Copies
  /** Home is well and has the last word on everything, so that a copy of what lies there is as good as that. */
  readonly calm: () => boolean
  /** For tests, to see that it is what helps: whatever arrives is kept. */
  readonly weakened?: { readonly epochs?: false } | undefined
}

/**
 * A shelf whose entries at home are also kept in this process, for a moment, and only as long as home itself would
 * answer them: what changes there, by whomever, is heard of. Reads fill it, writes never do. While home isn't well it is
 * as if it weren't there.
 */
export const createL1Shelf = (category: CategorySettings, shelf: Shelf, parts: L1ShelfParts): Shelf => {
  const { memory, changes, calm, copies = noCopies() } = parts
  const { name: of, instance: home, l1, keyPrefix } = category
  if (l1 === false) return shelf
  const epochs = parts.weakened?.epochs === false ? heedless : createEpochs()
  let era = 0

  const drop = (redisKey: string): void => {
    epochs.raise(redisKey)
    memory.delete(redisKey)
  }
  const flush = (): void => {
    era++
    epochs.raiseAll()
  }
  changes.listen((heard) => {
    if (heard === undefined) flush()
    else if (typeof heard === 'string') {
      if (heard.startsWith(keyPrefix)) drop(heard)
    } else if (keyPrefix.startsWith(heard.prefix) || heard.prefix.startsWith(keyPrefix)) flush()
  })

  const serves = (now: number): boolean => (changes.hears(now) || changes.tracking() === 'refused') && calm()

  const peek = (redisKey: string, now: number): Kept | undefined => {
    const kept = memory.get(redisKey)
    if (kept === undefined) return undefined
    if (kept.era === era && now < kept.until) {
      if (!serves(now)) return undefined
      copies.hits++
      return kept
    }
    memory.delete(redisKey)
    return undefined
  }

  /** A read that is sent now. Answers what to do with what it finds. */
  const asking = ({ redisKey }: EntryName, sentAt: number) => {
    const epoch = epochs.begin(redisKey)
    const asked = era
    return (found: Located | undefined): void => {
      const unchanged = epochs.end(redisKey, epoch)
      if (!unchanged || asked !== era || found === undefined || found.source !== home || found.degraded) return
      if (!serves(performance.now())) return
      const life = changes.tracking() === 'on' ? l1 : Math.min(l1, UNTOLD)
      memory.set(redisKey, { text: found.text, until: sentAt + life, era }, copies)
    }
  }

  /** Whether what is read now may be kept. */
  const keeps = (now: number): boolean => {
    changes.open()
    return serves(now)
  }

  const locate = (name: EntryName, now: number): Promise<Located | undefined> => {
    if (!keeps(now)) return shelf.locate(name)
    const ended = asking(name, now)
    return shelf.locate(name).then(
      (found) => {
        ended(found)
        return found
      },
      (error) => {
        ended(undefined)
        throw error
      },
    )
  }

  const readMany = async (names: readonly EntryName[], now: number): Promise<(string | undefined)[]> => {
    const ended = names.map((name) => asking(name, now))
    let found: readonly (Located | undefined)[] = []
    try {
      found = await shelf.locateMany(names)
    } finally {
      ended.forEach((end, i) => {
        end(found[i])
      })
    }
    return found.map((each) => each?.text)
  }

  /** A change of this process: what was read before it is over is not kept, and others are told where home doesn't. */
  const changing = <T>(
    names: readonly EntryName[],
    operation: Change['operation'],
    change: () => Promise<T>,
  ): Promise<T> => {
    const raise = (): void => {
      for (const { redisKey } of names) drop(redisKey)
    }
    const done = (): void => {
      raise()
      const keys = names.map(({ key }) => key)
      if (keys.length > 0) changes.tell(of, operation, keys)
    }
    raise()
    return change().then(
      (result) => {
        done()
        return result
      },
      (error) => {
        // It may have been made all the same.
        done()
        throw error
      },
    )
  }

  /** The same for one that may reach any key of the category. */
  const changingAll = async <T>(
    operation: Change['operation'],
    tags: readonly string[],
    change: () => Promise<T>,
  ): Promise<T> => {
    flush()
    try {
      return await change()
    } finally {
      flush()
      changes.tell(of, operation, [], tags)
    }
  }

  return {
    ...shelf,
    peek: ({ redisKey }) => peek(redisKey, performance.now()),
    onChanged: ({ redisKey }, wake) => changes.onChanged(redisKey, wake),

    read: (name) => {
      const now = performance.now()
      const kept = peek(name.redisKey, now)
      if (kept !== undefined) return Promise.resolve(kept.text)
      return keeps(now) ? locate(name, now).then((found) => found?.text) : shelf.read(name)
    },

    locate: (name) => {
      const now = performance.now()
      const kept = peek(name.redisKey, now)
      if (kept !== undefined) return Promise.resolve({ text: kept.text, source: 'l1', degraded: false })
      return locate(name, now)
    },

    readMany: async (names) => {
      const now = performance.now()
      const texts = names.map(({ redisKey }) => peek(redisKey, now)?.text)
      const missed = names.flatMap((_, i) => (texts[i] === undefined ? [i] : []))
      if (missed.length === 0) return texts
      const asked = missed.flatMap((i) => names[i] ?? [])
      const found = await (keeps(now) ? readMany(asked, now) : shelf.readMany(asked))
      missed.forEach((i, n) => {
        texts[i] = found[n]
      })
      return texts
    },

    write: (entries) => changing(entries, 'set', () => shelf.write(entries)),
    remove: (names) => changing(names, 'delete', () => shelf.remove(names)),
    swap: (name, expected, next) => changing([name], 'set', () => shelf.swap(name, expected, next)),
    increment: (name, by, endsAt) => changing([name], 'set', () => shelf.increment(name, by, endsAt)),
    clear: () => changingAll('clear', [], shelf.clear),
    invalidate: (tags, tagged) => changingAll('invalidateTags', tags, () => shelf.invalidate(tags, tagged)),
    lease: async (name, ask) => {
      const answer = await shelf.lease(name, ask)
      if (!('lease' in answer)) return answer
      const { lease } = answer
      return { lease: { ...lease, fill: (write) => changing([name], 'set', () => lease.fill(write)) } }
    },
  }
}

/** Of a read nobody asks what happened since. */
const heedless: Epochs = {
  begin: () => ({ reads: 0 }),
  end: () => true,
  raise: () => undefined,
  raiseAll: () => undefined,
}
