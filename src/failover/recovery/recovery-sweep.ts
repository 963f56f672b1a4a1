import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { sweepIndexScript, sweepMomentsScript } from '../../instances/tag-scripts.js'
import type { Clock } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import { groupCalls } from '../versions/group-calls.js'
import type { KeptCall } from '../versions/kept-call.js'
import { sweepOnceCall } from '../versions/once-script.js'
import type { Throttle } from './recovery-throttle.js'
import { eachPage } from './repair-marks.js'
import { namesScript } from './repair-scripts.js'
import { patience } from './replay.js'

const PAGE = 500
/** What a page costs about, in entries: most have nothing to remove. */
const FEW = 50

/**
 * Removes what has no TTL and has ended: markers, versions of items that are gone, ids of replayed increments, and what
 * indexes of tags still name. Once an hour is often enough. Rejects with a StoreError; what is left is for the next time.
 */
export const sweepEnded = async (
  instance: Instance,
  { layout, clock, now }: { readonly layout: Layout; readonly clock: Clock; readonly now: number },
  pace: Throttle,
): Promise<void> => {
  const entries = entryCalls(layout, clock)
  const groups = groupCalls(layout, clock)
  const send = (call: ScriptCall): Promise<unknown> => instance.script(call, 'change', patience(instance))
  const pages = async (page: (cursor: string | undefined) => KeptCall<string | undefined>): Promise<void> => {
    let cursor: string | undefined
    do {
      const call = page(cursor)
      cursor = call.answer(await send(call))
      await pace(FEW)
    } while (cursor !== undefined)
  }

  await pages((cursor) => entries.sweep(cursor, now))
  await pages((cursor) => ({
    ...sweepOnceCall(layout, cursor ?? '0', now),
    answer: (reply) => (reply === '0' ? undefined : String(reply)),
  }))
  while (Number(await send({ script: sweepMomentsScript, keys: [layout.invalidated], args: [PAGE] })) === PAGE) {
    await pace(PAGE)
  }
  await eachPage(instance, layout.tagPrefix, (indexes) => sweepIndexes(instance, indexes, pace))
  let from = '-'
  for (;;) {
    const names = (await send({ script: namesScript, keys: [layout.sideIndex], args: [from, PAGE] })) as string[]
    for (const name of names) await pages((cursor) => groups.sweep(name, cursor, now))
    if (names.length < PAGE) return
    from = `(${names.at(-1)}`
  }
}

const sweepIndexes = async (instance: Instance, indexes: readonly string[], pace: Throttle): Promise<void> => {
  let left = indexes
  while (left.length > 0) {
    const calls = left.map((index) => ({ script: sweepIndexScript, keys: [index], args: [PAGE] }))
    const replies = await instance.scripts(calls, 'change', patience(instance))
    // One that is refused is another's data under a name of ours, and stays.
    const removed = replies.map((reply) => (typeof reply === 'number' ? reply : 0))
    await pace(FEW + removed.reduce((sum, each) => sum + each, 0))
    left = left.filter((_, i) => removed[i] === PAGE)
  }
}
