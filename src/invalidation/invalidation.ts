import { connectionName } from '../instances/connection-name.js'
import type { Instance } from '../instances/instance.js'
import { layoutOf } from '../instances/layout.js'
import type { Report } from '../report.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import { apart } from './apart.js'
import { createChangesReader } from './changes.js'
import { type ChangesWriter, createChangesWriter } from './changes-writer.js'
import { createLink, type Link, type LinkOptions, type Tracking } from './link.js'

/** What was changed: a Redis key; any of those that begin with `prefix`; undefined: any at all. */
export type Heard = string | { readonly prefix: string } | undefined

/** What is heard of changes at the keys of one instance, by whomever. */
export interface Changes extends Pick<Link, 'open' | 'tracking' | 'hears'> {
  /** Hears what may have been changed. */
  listen(listener: (heard: Heard) => void): void
  /** Calls `wake` once, when the key may have changed, as far as that is heard of. Answers how to stop that. */
  onChanged(redisKey: string, wake: () => void): () => void
  /** This process has changed something: where the server can't tell the others, it does. */
  tell: ChangesWriter['tell']
}

export interface Invalidation {
  /** Undefined: no category of this instance keeps copies. */
  of(instance: string): Changes | undefined
  tracking(instance: string): Tracking
  /** Connects now instead of at the first read. */
  open(): void
  /** The instance went away, or came back: nothing that was heard of it before counts any more. */
  doubt(instance: string): void
  close(): Promise<void>
}

export interface InvalidationParts {
  readonly settings: Settings
  readonly instances: ReadonlyMap<string, Instance>
  readonly processId: string
  readonly report: Report
  /** For tests, to see that it is what helps. */
  readonly weakened?: LinkOptions['weakened']
}

/**
 * Whether copies of a category's entries may be kept in this process. Not where nothing stands before the key: the
 * server would tell of every key it has. Not of names that callers make up: there may be any number of them.
 */
export const keepsCopies = ({ categories }: Settings, { name, l1, keyPrefix }: CategorySettings): boolean =>
  l1 !== false && keyPrefix !== '' && categories.has(name)

/** What changes at the instances, for as long as they are used. It opens nothing before somebody wants to know. */
export const createInvalidation = (parts: InvalidationParts): Invalidation => {
  const all = new Map<string, OwnChanges>()
  for (const { name } of parts.settings.instances) {
    const instance = parts.instances.get(name)
    const kept = [...parts.settings.categories.values()].filter(
      (category) => category.instance === name && keepsCopies(parts.settings, category),
    )
    if (instance !== undefined && kept.length > 0) all.set(name, createChanges(instance, kept, parts))
  }
  return {
    of: (name) => all.get(name),
    tracking: (name) => all.get(name)?.tracking() ?? 'off',
    open: () => {
      for (const changes of all.values()) changes.open()
    },
    doubt: (name) => all.get(name)?.doubt(),
    close: async () => {
      await Promise.all([...all.values()].map((changes) => changes.close()))
    },
  }
}

interface OwnChanges extends Changes {
  doubt(): void
  close(): Promise<void>
}

const createChanges = (
  instance: Instance,
  kept: readonly CategorySettings[],
  { settings, processId, report, weakened }: InvalidationParts,
): OwnChanges => {
  const { name } = instance
  const url = settings.instances.find((each) => each.name === name)?.url
  if (url === undefined) throw new Error(`instance '${name}' has no URL`)
  const { changes: stream } = layoutOf(settings.namespace)
  const listeners: ((heard: Heard) => void)[] = []
  const waiting = new Map<string, Set<() => void>>()
  let said = false

  const wake = (redisKey: string): void => {
    const wakes = waiting.get(redisKey)
    waiting.delete(redisKey)
    if (wakes !== undefined) for (const each of wakes) each()
  }
  const heard = (change: Heard): void => {
    for (const listener of listeners) listener(change)
    if (waiting.size === 0) return
    if (typeof change === 'string') wake(change)
    else for (const key of [...waiting.keys()]) if (key.startsWith(change?.prefix ?? '')) wake(key)
  }

  const reader = createChangesReader(stream, (change) => {
    if (change?.origin === processId) return
    const prefix = change && settings.categories.get(change.category)?.keyPrefix
    if (change === undefined) return heard(undefined)
    // Of a category that isn't known here there are no copies.
    if (prefix === undefined) return
    if (change.keys.length === 0) heard({ prefix })
    else for (const key of change.keys) heard(prefix + key)
  })
  const writer: ChangesWriter = createChangesWriter(processId, (fields) => instance.append(stream, fields))

  const link = createLink({
    url,
    clientName: connectionName(processId, 'tracking', settings.namespace),
    prefixes: apart(kept.map(({ keyPrefix }) => keyPrefix)),
    heard,
    onTracking: (tracking) => {
      if (tracking !== 'refused' || said) return
      said = true
      report.warn(`${name}  CLIENT TRACKING is refused: what l1 keeps in memory lives 1 s at most`)
    },
    instead: async (open) => reader.follow(await open(() => undefined)),
    weakened,
  })

  return {
    open: link.open,
    tracking: link.tracking,
    hears: link.hears,
    listen: (listener) => void listeners.push(listener),
    onChanged: (redisKey, each) => {
      const wakes = waiting.get(redisKey) ?? new Set()
      waiting.set(redisKey, wakes)
      wakes.add(each)
      return () => {
        wakes.delete(each)
        if (wakes.size === 0 && waiting.get(redisKey) === wakes) waiting.delete(redisKey)
      }
    },
    tell: (...change) => {
      if (link.tracking() === 'refused') writer.tell(...change)
    },
    doubt: () => {
      heard(undefined)
      link.doubt()
    },
    close: async () => {
      link.close()
      await writer.close()
    },
  }
}
