import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import type { ScriptCall } from './instance.js'
import type { Layout } from './layout.js'
import { unsure } from './pipeline.js'
import { runScript } from './scripts.js'
import type { EntryStore, EntryWrite, Tags } from './store.js'
import {
  indexesOf,
  invalidateScript,
  momentField,
  removeTaggedScript,
  swapTaggedScript,
  writeTaggedScript,
} from './tag-scripts.js'

/** Entries that one script looks into, about, and the bytes of their texts: the server's other clients wait for it. */
export const INDEX_PAGE = 250
export const MOST_BYTES = 1024 * 1024

export type TaggedWrite = EntryWrite & { readonly tags: Tags }

export const isTagged = (entry: EntryWrite): entry is TaggedWrite => entry.tags !== undefined

const keysOf = (layout: Layout, { key, tags }: TaggedWrite): string[] => [
  key,
  layout.tagged,
  layout.lease(key),
  ...indexesOf(layout, tags),
]

/** An entry and its places in the indexes of its tags, in one step. `life`: in ms; `brief`: it breaks a lease on the key. */
export const writeTaggedCall = (layout: Layout, write: TaggedWrite, life: number, brief: boolean): ScriptCall => ({
  script: writeTaggedScript,
  keys: keysOf(layout, write),
  args: [write.text, life, write.tags.category, brief ? 1 : 0],
})

/** The same, where `expected` is still there. */
export const swapTaggedCall = (layout: Layout, write: TaggedWrite, life: number, expected: string): ScriptCall => ({
  script: swapTaggedScript,
  keys: keysOf(layout, write),
  args: [write.text, life, write.tags.category, expected],
})

/** How many went, how many were looked at and, if those are all, the cursor and the keys of the next page. */
export type Looked = [removed: number, looked: number, cursor?: string, ...keys: string[]]

/** Page by page through an index. `look` removes what it is given, and answers what is next. */
export const throughIndex = async (
  look: (keys: readonly string[], cursor: string) => Promise<Looked>,
): Promise<number> => {
  let removed = 0
  let keys: readonly string[] = []
  let cursor = '0'
  try {
    for (;;) {
      const [gone, looked, next, ...found] = await look(keys, cursor)
      removed += gone
      if (next === undefined) keys = keys.slice(looked)
      else if (cursor === '' || (next === '0' && found.length === 0)) return removed
      else {
        keys = found
        cursor = next === '0' ? '' : next
      }
    }
  } catch (error) {
    throw removed > 0 ? unsure(error) : error
  }
}

export const createTagged = (
  caller: Caller,
  data: Connection,
  layout: Layout,
): Pick<EntryStore, 'removeTagged' | 'invalidateEverywhere'> => ({
  removeTagged: async ({ category, names }, options) => {
    // All of them before anything goes: what is being computed now must not bring back what this removes.
    let fields = options?.marked === true ? [] : names.map((tag) => momentField(category, tag))
    let removed = 0
    for (const tag of names) {
      const index = layout.tag(category, tag)
      try {
        removed += await throughIndex(async (keys, cursor) => {
          const args = [JSON.stringify(tag), cursor, INDEX_PAGE, MOST_BYTES, layout.lease(''), ...fields]
          const reply = await caller.call(data, 'change', options?.timeout, (redis) =>
            runScript(redis, removeTaggedScript, [index, layout.invalidated, ...keys], args),
          )
          fields = []
          return reply as Looked
        })
      } catch (error) {
        throw removed > 0 ? unsure(error) : error
      }
    }
    return removed
  },

  invalidateEverywhere: async (tags, options) => {
    const fields = tags.map((tag) => momentField('', tag))
    const categories = await caller.call(data, 'change', options?.timeout, (redis) =>
      runScript(redis, invalidateScript, [layout.invalidated, layout.tagged], fields),
    )
    return categories as string[]
  },
})
