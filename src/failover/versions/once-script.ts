import type { ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { incrementScript, script } from '../../instances/scripts.js'
import { categoryScope, type DeltaEntry } from '../journal/journal-entries.js'
import { type Clock, lowestAt } from './clock.js'
import { countOnceScript } from './counter-scripts.js'
import { entryCalls } from './entry-calls.js'
import { MARKER_LIFE } from './merge.js'

/**
 * The increment of any live call, if its id wasn't seen here within MARKER_LIFE. KEYS: counter, ids. ARGV: by, life in
 * ms, now, id, version, whether its life is over. 1 added, 0 not: it was before, or the counter that it would have begun
 * has ended. The ids have no TTL, because servers evict what has one first; `sweepOnceScript` removes them.
 *
 * Under OOM a script may write only once it has deleted, so nothing is deleted here: a full server refuses it whole.
 */
const onceScript = script(`
if redis.call('HEXISTS', KEYS[2], ARGV[4]) == 1 then return 0 end
local added = 0
if ARGV[6] == '0' or redis.call('EXISTS', KEYS[1]) == 1 then
  local function add()
    ${incrementScript.lua}
  end
  local sum = add()
  if type(sum) == 'table' then return sum end
  added = 1
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
return added`)

/** KEYS: ids. ARGV: lowest version that stays, cursor, count. The next cursor, '0' at the end. */
const sweepOnceScript = script(`
local page = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #page[2], 2 do
  if page[2][i + 1] < ARGV[1] then redis.call('HDEL', KEYS[1], page[2][i]) end
end
return page[1]`)

const PAGE = 500
/** For the clocks of others, and for entries that are replayed at the very end of their time. */
const MARGIN = 10 * 60_000

/** Adds what a journalled increment says, once however often it is sent. `redisKey`: where the counter lies. */
export const onceCall = (
  redisKey: string,
  entry: DeltaEntry,
  layout: Layout,
  clock: Clock,
  now: number,
): ScriptCall => {
  const life = Math.ceil(entry.endsAt - now)
  if (entry.kept) {
    const at = { category: entry.scope.slice(categoryScope('').length), key: entry.key, redisKey }
    const { keys, args } = entryCalls(layout, clock).count(at, entry.by, life, now)
    return { script: countOnceScript, keys: [...keys, layout.deltas], args: [...args, entry.id, life > 0 ? 0 : 1] }
  }
  const args = [entry.by, Math.max(1, life), now, entry.id, clock.next(), life > 0 ? 0 : 1]
  return { script: onceScript, keys: [redisKey, layout.deltas], args }
}

/** One page of removing ids that no journal can hold any more. */
export const sweepOnceCall = (layout: Layout, cursor: string, now: number): ScriptCall => ({
  script: sweepOnceScript,
  keys: [layout.deltas],
  args: [lowestAt(now - MARKER_LIFE - MARGIN), cursor, PAGE],
})
