import type { Layout } from '../../instances/layout.js'
import { throughIndex } from '../../instances/tagged.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope } from '../journal/journal-entries.js'
import type { Clock } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import type { PutAnswer } from '../versions/kept-call.js'
import { tagMarker } from '../versions/markers.js'
import type { KeptEntries } from './kept-entries.js'
import type { KeptTask } from './kept-writes.js'

/**
 * The invalidation of a tag. First its marker, or the journal's entry, at every place: it keeps out whatever is older. Then
 * the entries page by page: each has a deadline of its own, and whoever stops in between leaves the rest to the journal.
 * Done: how many went.
 */
export const invalidateTask = (
  category: CategorySettings,
  entries: KeptEntries,
  tag: string,
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
      const marking = calls.mark([tagMarker(of, tag)], version)
      const limit = timeout === undefined ? {} : { timeout }
      const was = marking.answer(await place.instance.script(marking, 'change', limit))
      return was !== undefined && was > version ? { refused: was } : { done: 0 }
    },
    finish: (place, version) => {
      const at = { category: of, prefix: entries.prefixAt(place) }
      return throughIndex(async (keys, cursor) => {
        const call = calls.invalidateTagged(at, tag, version, true, keys, cursor)
        return call.answer(await place.instance.script(call, 'change', options))
      })
    },
    entry: (version) => ({ kind: 'tag', scope, tag, version }),
  }
}
