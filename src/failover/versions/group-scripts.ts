import { readingScript, type Script, script } from '../../instances/scripts.js'
import { versionRules } from './script-rules.js'

/**
 * The rule of merge.ts for items of a group. The texts lie in the group's hash as they are; the side hash holds
 *
 *     :<field>   the version of the item, which stays as its marker when the item is gone
 *     *          the version of the last clear
 *     ^          the highest version of all, by which a clear knows that it reaches everything
 *
 * It has no TTL, so what is known outlives the group's own end; swept MARKER_LIFE later. An item without a version there
 * is foreign. KEYS is always group, side, index of groups, index of sides; ARGV[1] the version, ARGV[2] the horizon.
 * Under OOM a script may write only once it has tried to delete something: so those that must run then do that first.
 */
const shared = `
local group, side = KEYS[1], KEYS[2]
local version, horizon = ARGV[1], ARGV[2]${versionRules}
local function note(field, marker, top, name)
  redis.call('HSET', side, field, marker, '^', higher(valid(top), marker))
  if not top then redis.call('ZADD', KEYS[4], 0, name) end
end
local function known(field)
  local found = redis.call('HMGET', side, field, '*', '^')
  return valid(found[1]), valid(found[2]), found[3]
end
local function drop(field, name)
  if redis.call('HDEL', group, field) == 1 and redis.call('EXISTS', group) == 0 then
    redis.call('ZREM', KEYS[3], name)
  end
end
`

/** ARGV: version, horizon, field, text, ttl in ms or '', most items, group's name. 1, or the version that refused it. */
export const groupPutScript = script(`${shared}
local field = ':' .. ARGV[3]
local own, cleared, top = known(field)
if cleared and cleared >= version then return cleared end
if own and (own > version or (own == version and redis.call('HEXISTS', group, ARGV[3]) == 0)) then return own end
if redis.call('HSET', group, ARGV[3], ARGV[4]) == 1 then
  local items = redis.call('HLEN', group)
  if items > tonumber(ARGV[6]) then
    redis.call('HDEL', group, ARGV[3])
    return {err = 'TOOLARGE'}
  end
  if items == 1 then redis.call('ZADD', KEYS[3], 0, ARGV[7]) end
end
note(field, version, top, ARGV[7])
if ARGV[5] ~= '' then redis.call('PEXPIRE', group, ARGV[5]) else redis.call('PERSIST', group) end
return 1`)

/**
 * Puts, in one go and as cheaply as a script can: what stands in the way of one isn't judged, only left to
 * `groupPutScript`; so is a group's first. A group that is there keeps its life. KEYS: index of groups, then group and
 * side of each run of puts. ARGV: for each run how many they are, then field, text and version of each; no field twice.
 * 1, or the numbers of those left. What each command costs inside a script is more than what it does, so that of a
 * longer run takes them all; near the most items it takes none.
 */
export const groupQuickPutScript = (
  groupPrefix: string,
  { maxItems, ttl }: { readonly maxItems: number; readonly ttl: number | false },
): Script => {
  const enrol = `redis.call('ZADD', KEYS[1], 0, string.sub(group, ${Buffer.byteLength(groupPrefix) + 1}))
      ${ttl === false ? '' : `redis.call('PEXPIRE', group, ${Math.ceil(ttl)})`}`
  return script(`
local left = {}
local function putOne(group, side, at, number)
  local field, version = ARGV[at], ARGV[at + 2]
  local known = redis.call('HMGET', side, ':' .. field, '*', '^')
  local own, cleared, top = known[1], known[2], known[3]
  local added = false
  if top and not (own and own >= version) and not (cleared and cleared >= version) then
    added = redis.pcall('HSET', group, field, ARGV[at + 1])
    if added == 1 then
      local items = redis.call('HLEN', group)
      if items > ${maxItems} then
        redis.call('HDEL', group, field)
        added = false
      elseif items == 1 then
      ${enrol}
      end
    end
  end
  if added == 0 or added == 1 then
    if version > top then redis.call('HSET', side, ':' .. field, version, '^', version)
    else redis.call('HSET', side, ':' .. field, version) end
  else
    left[#left + 1] = number
  end
end
local function putRun(group, side, at, count, before)
  local ask = {}
  for i = 1, count do ask[i] = ':' .. ARGV[at + i * 3 - 3] end
  ask[count + 1], ask[count + 2] = '*', '^'
  local known = redis.call('HMGET', side, unpack(ask))
  local cleared, top = known[count + 1], known[count + 2]
  local items = redis.pcall('HLEN', group)
  local fits = top and type(items) == 'number' and items + count <= ${maxItems}
  local texts, versions, highest, put = {}, {}, top, {}
  for i = 1, count do
    local own, version = known[i], ARGV[at + i * 3 - 1]
    if fits and not (own and own >= version) and not (cleared and cleared >= version) then
      texts[#texts + 1], texts[#texts + 2] = ARGV[at + i * 3 - 3], ARGV[at + i * 3 - 2]
      versions[#versions + 1], versions[#versions + 2] = ask[i], version
      put[#put + 1] = before + i
      if version > highest then highest = version end
    else
      left[#left + 1] = before + i
    end
  end
  if #put == 0 then return end
  if type(redis.pcall('HSET', group, unpack(texts))) == 'number' then
    if items == 0 then
      ${enrol}
    end
    redis.call('HSET', side, '^', highest, unpack(versions))
  else
    for _, number in ipairs(put) do left[#left + 1] = number end
  end
end
local at, before = 1, 0
for k = 2, #KEYS, 2 do
  local count = tonumber(ARGV[at])
  if count == 1 then putOne(KEYS[k], KEYS[k + 1], at + 1, before + 1)
  else putRun(KEYS[k], KEYS[k + 1], at + 1, count, before) end
  at, before = at + 1 + count * 3, before + count
end
return #left == 0 and 1 or left`)
}

/**
 * What a place holds of one item, where something in the journal has to be weighed against it. KEYS: group, side.
 * ARGV: field. Text, version, version of the last clear; false for what isn't there or is of another type.
 */
export const groupLookScript = readingScript(`
local text = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(text) == 'table' then
  if not string.find(text.err, 'WRONGTYPE') then return text end
  text = false
end
local known = redis.call('HMGET', KEYS[2], ':' .. ARGV[1], '*')
return {text, known[1], known[2]}`)

/**
 * The same for a page of a group. KEYS: group, side. ARGV: cursor, count. The next cursor, the version of the last
 * clear, the group's life in ms as PTTL gives it, then field, text and version of each.
 */
export const groupLookAllScript = readingScript(`
local page = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if page.err then
  if not string.find(page.err, 'WRONGTYPE') then return page end
  page = {'0', {}}
end
local found, items = {page[1], redis.call('HGET', KEYS[2], '*'), redis.call('PTTL', KEYS[1])}, page[2]
for i = 1, #items, 2 do
  found[#found + 1] = items[i]
  found[#found + 1] = items[i + 1]
  found[#found + 1] = redis.call('HGET', KEYS[2], ':' .. items[i])
end
return found`)

/** ARGV: version, horizon, field, group's name. {1, old text or false}, or {0, the version that refused it}. */
export const groupPutTombstoneScript = script(`${shared}
local field = ':' .. ARGV[3]
local own, cleared, top = known(field)
local floor = higher(own, cleared)
if floor and floor > version then return {0, floor} end
local old = redis.call('HGET', group, ARGV[3])
drop(ARGV[3], ARGV[4])
note(field, version, top, ARGV[4])
return {1, old}`)

/** ARGV: version, horizon, group's name. All at once, whatever the size. 1, or the version that refused it. */
export const groupPutClearScript = script(`${shared}
local _, cleared, top = known('*')
local floor = higher(cleared, valid(top))
if floor and floor > version then return floor end
redis.call('UNLINK', group, side)
redis.call('ZREM', KEYS[3], ARGV[3])
redis.call('HSET', side, '*', version, '^', version)
redis.call('ZADD', KEYS[4], 0, ARGV[3])
return 1`)

/**
 * ARGV: version, horizon, ceiling, field, text, life of the group in ms or '', group's name. The group's life is never
 * shortened. 1 it is there now, 0 dropped, 2 it met a foreign value, which is gone.
 */
export const groupMergeScript = script(`${shared}
local field = ':' .. ARGV[4]
local own, cleared, top = known(field)
if cleared and cleared >= version then return 0 end
if own and own > version then return 0 end
if not own or own == version then
  local text = redis.call('HGET', group, ARGV[4])
  if text and not own then
    drop(ARGV[4], ARGV[7])
    note(field, higher(version, ARGV[3]), top, ARGV[7])
    return 2
  end
  if own and (not text or text == ARGV[5] or redis.sha1hex(text) > redis.sha1hex(ARGV[5])) then return 0 end
end
local left = redis.call('PTTL', group)
if redis.call('HSET', group, ARGV[4], ARGV[5]) == 1 and redis.call('HLEN', group) == 1 then
  redis.call('ZADD', KEYS[3], 0, ARGV[7])
end
note(field, version, top, ARGV[7])
if ARGV[6] == '' then redis.call('PERSIST', group)
elseif left == -2 or (left >= 0 and left < tonumber(ARGV[6])) then redis.call('PEXPIRE', group, ARGV[6]) end
return 1`)

/** ARGV: version, horizon, ceiling, field, group's name. 1 taken, 0 dropped, 2 it met a foreign value, which is gone. */
export const groupMergeTombstoneScript = script(`${shared}
local field = ':' .. ARGV[4]
local own, _, top = known(field)
if own and own > version then return 0 end
local exists = redis.call('HEXISTS', group, ARGV[4]) == 1
if own == version and not exists then return 0 end
drop(ARGV[4], ARGV[5])
if exists and not own then
  note(field, higher(version, ARGV[3]), top, ARGV[5])
  return 2
end
note(field, version, top, ARGV[5])
return 1`)

/**
 * One page of a clear that came late: sets the marker, then removes items up to it. ARGV: version, horizon, ceiling,
 * group's name, cursor ('0' at first), count. The next cursor, '0' at the end or if a later clear was here already.
 */
export const groupMergeClearScript = script(`${shared}
local own, _, top = known('*')
if own and own > version then return '0' end
if own ~= version then
  redis.call('HDEL', side, '*')
  note('*', version, top, ARGV[4])
end
local page = redis.call('HSCAN', group, ARGV[5], 'COUNT', ARGV[6])
for i = 1, #page[2], 2 do
  local item = page[2][i]
  local of = valid(redis.call('HGET', side, ':' .. item))
  if not of then
    drop(item, ARGV[4])
    note(':' .. item, higher(version, ARGV[3]), redis.call('HGET', side, '^'), ARGV[4])
  elseif of <= version then
    drop(item, ARGV[4])
    redis.call('HDEL', side, ':' .. item)
  end
end
return page[1]`)

/**
 * One page of sweeping a side hash. KEYS as above. ARGV: lowest version that stays, cursor, count, group's name. Versions
 * of items that are there stay. The next cursor, '0' at the end.
 */
export const sweepSideScript = script(`
local page = redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #page[2], 2 do
  local field, marker = page[2][i], page[2][i + 1]
  if marker < ARGV[1] and field ~= '^' and (field == '*' or redis.call('HEXISTS', KEYS[1], string.sub(field, 2)) == 0) then
    redis.call('HDEL', KEYS[2], field)
  end
end
local left = redis.call('HLEN', KEYS[2])
if left == 0 or (left == 1 and redis.call('HEXISTS', KEYS[2], '^') == 1) then
  redis.call('UNLINK', KEYS[2])
  redis.call('ZREM', KEYS[4], ARGV[4])
end
return page[1]`)
