import type { Layout } from './layout.js'
import { script } from './scripts.js'
import type { Tags } from './store.js'

/*
 * Tags on one instance. For each category and tag there is an index: a sorted set of the keys of the entries that bear
 * it, by their ends (ms of the server's own clock, as the entries' ends are). Whatever writes an entry with tags puts it
 * into their indexes in the same script, so no such entry is ever without; an index may hold more: what was written
 * again without the tag, or ended. So whoever invalidates looks into the entry. It has no TTL, because servers evict keys
 * with one first; a write removes some of what has ended, and `sweepIndexScript` the rest.
 *
 * `layout.invalidated` holds when a tag was invalidated: moments, each higher than all before, which are µs of the
 * server's clock as well as that allows. Members are '<category>:<tag>', ':<tag>' for all categories, '' for the last of
 * all moments, and '^' for the latest that was forgotten. A value that was begun to be computed at a moment, and bears a
 * tag that was invalidated since, is of the time before.
 */

/** Members ended that one write removes from an index. */
const CLEANED = 16
/** µs that moments are kept, and how many one invalidation forgets at most. */
const KEPT = 60 * 60_000_000
const FORGOTTEN = 32

/**
 * Lua: `enrol(entry, life, first, last, registry, category)` puts the entry's key into the indexes KEYS[first] to
 * KEYS[last]; `life` in ms. Call it before the entry is written.
 */
export const enrolRule = `
local function enrol(entry, life, first, last, registry, category)
  if last < first then return end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local ends = string.format('%.0f', now + life)
  for i = first, last do
    if redis.call('ZADD', KEYS[i], ends, entry) == 1 then
      local head = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 2)
      if #head == 2 then
        redis.call('ZADD', registry, 0, category)
      elseif tonumber(head[2]) < now then
        local before = string.format('(%.0f', now)
        redis.call('ZREM', KEYS[i], unpack(redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', before, 'LIMIT', 0, ${CLEANED})))
      end
    end
  end
end
`

/**
 * Lua: `lastMoment(moments)` for whoever begins to compute, as text; `overtaken(moments, since, first, last)` whether any
 * of the fields ARGV[first] to ARGV[last] (`momentFields`) was invalidated after that, or nobody can tell any more.
 */
export const momentRules = `
local function lastMoment(moments) return redis.call('ZSCORE', moments, '') or '0' end
local function overtaken(moments, since, first, last)
  local function later(member)
    local moment = redis.call('ZSCORE', moments, member)
    return moment and tonumber(moment) > tonumber(since)
  end
  if last < first then return false end
  if later('^') then return true end
  for i = first, last do if later(ARGV[i]) then return true end end
  return false
end
`

/** What `overtaken` asks about. */
export const momentFields = ({ category, names }: Tags): string[] =>
  names.flatMap((tag) => [momentField(category, tag), momentField('', tag)])

/** `category` '': all. */
export const momentField = (category: string, tag: string): string => `${category}:${tag}`

/** The indexes of an entry's tags. */
export const indexesOf = (layout: Layout, { category, names }: Tags): string[] =>
  names.map((tag) => layout.tag(category, tag))

const writeRule = `${enrolRule}
enrol(KEYS[1], ARGV[2], 4, #KEYS, KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
`

/** KEYS: entry, registry, lease, indexes. ARGV: text, life in ms, category, 1 where the lease is broken. */
export const writeTaggedScript = script(`${writeRule}
if ARGV[4] == '1' then redis.call('UNLINK', KEYS[3]) end
return 1`)

/** The same, ARGV[4]: expected. The lease is broken. */
export const swapTaggedScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[4] then return 0 end${writeRule}
redis.call('UNLINK', KEYS[3])
return 1`)

/** Lua: removes moments that were kept long enough, the earliest first, at most so many; answers how many were looked at. */
const forgetRule = `
local function forget(moments, now, count)
  local ended = string.format('%.0f', now - ${KEPT})
  local old = redis.call('ZRANGEBYSCORE', moments, '-inf', ended, 'WITHSCORES', 'LIMIT', 0, count)
  for i = 1, #old, 2 do
    if old[i] ~= '^' and old[i] ~= '' then
      redis.call('ZREM', moments, old[i])
      redis.call('ZADD', moments, old[i + 1], '^')
    end
  end
  return #old / 2
end
`

/**
 * Lua: `mark(moments, first)`: the tags in ARGV[first] and further are invalidated now. Under OOM a script may write only
 * once it has tried to delete something.
 */
export const markRule = `${forgetRule}
local function mark(moments, first)
  if first > #ARGV then return end
  local time = redis.call('TIME')
  local now = math.max(time[1] * 1000000 + time[2], tonumber(lastMoment(moments)) + 1)
  local moment = string.format('%.0f', now)
  local added = {moment, ''}
  for i = first, #ARGV do
    added[#added + 1] = moment
    added[#added + 1] = ARGV[i]
  end
  redis.call('ZREM', moments, '')
  redis.call('ZADD', moments, unpack(added))
  forget(moments, now, ${FORGOTTEN})
end
`

/** KEYS: moments; the registry too, if its categories are the answer. ARGV: fields to mark. */
export const invalidateScript = script(`${momentRules}${markRule}
mark(KEYS[1], 1)
return KEYS[2] and redis.call('ZRANGEBYLEX', KEYS[2], '-', '+')`)

/**
 * Lua: `bears(text, tag)`, `tag` as JSON: whether an entry's text names it where our envelopes do: first in their `meta`,
 * with which they end. One that is part of the value comes before it.
 */
export const bearsRule = `
local function bears(text, tag)
  if string.sub(text, -2) ~= '}}' then return false end
  local meta, from = 1, 1
  while from do
    local _, last = string.find(text, '"meta":{', from, true)
    if last then meta = last + 1 end
    from = last
  end
  if string.sub(text, meta, meta + 4) ~= '"t":[' then return false end
  local at = meta + 5
  while string.byte(text, at) == 34 do
    local close = at
    repeat
      close = string.find(text, '["\\\\]', close + 1)
      local escapes = close and string.byte(text, close) == 92
      if escapes then close = close + 1 end
    until not escapes
    if not close then return false end
    if string.sub(text, at, close) == tag then return true end
    if string.byte(text, close + 1) ~= 44 then return false end
    at = close + 2
  end
  return false
end
`

/** Lua: adds the next page of an index to a reply: its cursor, and the keys. `cursor` '': there was the last one. */
export const pageRule = `
local function page(reply, index, cursor, count)
  if cursor == '' then
    reply[#reply + 1] = '0'
    return reply
  end
  local found = redis.call('ZSCAN', index, cursor, 'COUNT', count)
  reply[#reply + 1] = found[1]
  for i = 1, #found[2], 2 do reply[#reply + 1] = found[2][i] end
  return reply
end
`

/**
 * KEYS: index, moments, entries of a page. ARGV: tag as JSON, cursor, count, most bytes, what the lease of a key begins
 * with, fields to mark. Removes those of them that bear the tag; stops where their texts are more than the server's other
 * clients should wait for. How many went, how many were looked at; then, if those are all, the next page.
 */
export const removeTaggedScript = script(`${momentRules}${markRule}${bearsRule}${pageRule}
mark(KEYS[2], 6)
local removed, looked, leases, bytes = 0, {}, {}, 0
for i = 3, #KEYS do
  if bytes > tonumber(ARGV[4]) then break end
  local text = redis.pcall('GET', KEYS[i])
  if type(text) == 'table' and not string.find(text.err, 'WRONGTYPE') then return text end
  if type(text) == 'string' then
    bytes = bytes + #text
    if bears(text, ARGV[1]) then
      removed = removed + redis.call('UNLINK', KEYS[i])
      leases[#leases + 1] = ARGV[5] .. KEYS[i]
    end
  end
  looked[#looked + 1] = KEYS[i]
end
if #leases > 0 then redis.call('UNLINK', unpack(leases)) end
if #looked > 0 then redis.call('ZREM', KEYS[1], unpack(looked)) end
local reply = {removed, #looked}
if #looked < #KEYS - 2 then return reply end
return page(reply, KEYS[1], ARGV[2], ARGV[3])`)

/** KEYS: moments. ARGV: count. How many were looked at. */
export const sweepMomentsScript = script(`${forgetRule}
local time = redis.call('TIME')
return forget(KEYS[1], time[1] * 1000000 + time[2], ARGV[1])`)

/** KEYS: index. ARGV: count. Removes what has ended, the earliest first. How many. */
export const sweepIndexScript = script(`
local time = redis.call('TIME')
local before = string.format('(%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before, 'LIMIT', 0, ARGV[1])
if #ended == 0 then return 0 end
return redis.call('ZREM', KEYS[1], unpack(ended))`)
