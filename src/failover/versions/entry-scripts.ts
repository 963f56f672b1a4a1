import { readingScript, type Script, script } from '../../instances/scripts.js'
import { bearsRule, enrolRule, pageRule } from '../../instances/tag-scripts.js'
import { clearMarker } from './markers.js'
import { LIVES_ALIKE, MARKER_LIFE } from './merge.js'
import { versionRules } from './script-rules.js'

/**
 * The rule of merge.ts, as the server runs it on one cache entry. ARGV[1] is always the version, ARGV[2] the horizon:
 * what is above it, or no version at all, counts as none. The entry's version is read off the beginning of its text,
 * which is never parsed and never written again; that of a counter lies beside the markers, found by the key's own
 * marker. Lives are ms from now: a client's clock may be behind the server's.
 *
 * Under OOM a script may write only once it has deleted: so a marker is removed before it is set.
 */
const shared = `
local version, horizon = ARGV[1], ARGV[2]${versionRules}
local function mark(hash, field, marker)
  redis.call('HDEL', hash, field)
  redis.call('HSET', hash, field, marker)
end
local function digest(text) return redis.sha1hex(text) end
local function longer(one, other) return one == -1 or (other ~= -1 and one > other + ${LIVES_ALIKE}) end
local function outlived(key, life)
  life = tonumber(life)
  return life < ${MARKER_LIFE} and longer(redis.call('PTTL', key), life)
end
local function before(version)
  local head, digit, zeros = string.match(version, '^(%x-)([1-9a-f])(0*)$')
  return head .. string.format('%x', tonumber(digit, 16) - 1) .. string.rep('f', #zeros)
end
local function stored(key, hash, own)
  local head = redis.pcall('GETRANGE', key, 0, 32)
  if type(head) == 'table' then
    if not string.find(head.err, 'WRONGTYPE') then redis.call('GETRANGE', key, 0, 32) end
    return 'foreign'
  end
  local found = valid(string.match(head, '^{"ver":"([0-9a-f]+)"'))
  if not found and string.find(head, '^-?%d+$') then found = valid(redis.call('HGET', hash, 'n' .. string.sub(own, 2))) end
  if found then return found end
  if head == '' and redis.call('EXISTS', key) == 0 then return nil end
  return 'foreign'
end
`

/**
 * KEYS: entry, markers, registry of categories with tags, indexes of its tags. ARGV: version, horizon, text, life, then
 * the fields of the markers it is subject to, its own first. 1, or the version that refused it.
 */
export const putScript = script(`${shared}${enrolRule}
local floor = nil
for _, marker in ipairs(redis.call('HMGET', KEYS[2], unpack(ARGV, 5))) do floor = higher(floor, valid(marker)) end
if floor and floor >= version then return floor end
local was = stored(KEYS[1], KEYS[2], ARGV[5])
if was and was ~= 'foreign' and was > version then return was end
local shorter = was and was ~= 'foreign' and outlived(KEYS[1], ARGV[4])
enrol(KEYS[1], ARGV[4], 4, #KEYS, KEYS[3], string.match(ARGV[5], '^k:([^:]+)'))
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
if shorter then mark(KEYS[2], ARGV[5], before(version)) end
return 1`)

/**
 * KEYS and ARGV: those of a put; then the lease on its key, which it breaks, and the text that has to be there. 0 where it isn't, or where a tag of it was
 * invalidated: it is about to go, and a new version must not keep it.
 */
export const swapPutScript = script(`
local lease, expected = table.remove(KEYS), table.remove(ARGV)
local was = redis.pcall('GET', KEYS[1])
if type(was) == 'table' and not string.find(was.err, 'WRONGTYPE') then return was end
if was ~= expected then return 0 end
local old = string.match(expected, '^{"ver":"([0-9a-f]+)"')
for i = 7, old and #ARGV or 0 do
  local marker = redis.call('HGET', KEYS[2], ARGV[i])
  if marker and #marker == 24 and marker >= old and marker <= ARGV[2] then
    redis.call('UNLINK', KEYS[1])
    redis.call('HSET', KEYS[2], ARGV[5], old)
    return 0
  end
end
local function put()
  ${putScript.lua}
end
local done = put()
if done == 1 then redis.call('UNLINK', lease) end
return done`)

/**
 * Puts without tags, in one go and as cheaply as a script can: what stands in the way of one isn't judged, only left to
 * `putScript`. KEYS: markers, entries. ARGV: text, life and own marker of each. 1, or the numbers of those left.
 */
export const quickPutScript = (category: string): Script =>
  script(`
local count, fields, left = #KEYS - 1, {}, {}
for i = 1, count do fields[i] = ARGV[i * 3] end
fields[count + 1] = '${clearMarker(category)}'
local markers = redis.call('HMGET', KEYS[1], unpack(fields))
local cleared = markers[count + 1]
for i = 1, count do
  local key, text, own = KEYS[i + 1], ARGV[i * 3 - 2], markers[i]
  local version = string.sub(text, 9, 32)
  local done = false
  if not (own and own >= version) and not (cleared and cleared >= version) then
    local head = redis.pcall('GETRANGE', key, 0, 32)
    local clear = type(head) == 'string'
    if clear and string.sub(head, 1, 8) == '{"ver":"' then
      local left = redis.call('PTTL', key)
      clear = string.sub(head, 9, 32) < version and left ~= -1 and left <= ARGV[i * 3 - 1] + ${LIVES_ALIKE}
    end
    if clear then
      done = redis.pcall('SET', key, text, 'PX', ARGV[i * 3 - 1]).ok
    end
  end
  if not done then left[#left + 1] = i end
end
return #left == 0 and 1 or left`)

/**
 * What a place holds for one key, where something in the journal has to be weighed against it. KEYS: entry, markers.
 * ARGV: own marker, clear marker, field of a counter's version. The text, the markers, the version, the life as PTTL has
 * it; false for what isn't there or is of another type.
 */
export const lookScript = readingScript(`
local text = redis.pcall('GET', KEYS[1])
if type(text) == 'table' then
  if not string.find(text.err, 'WRONGTYPE') then return text end
  text = false
end
local known = redis.call('HMGET', KEYS[2], unpack(ARGV))
return {text, known[1], known[2], known[3], redis.call('PTTL', KEYS[1])}`)

/** KEYS: entry, markers. ARGV: version, horizon, own marker, clear marker. Whether something was there (1, 0), or the version that refused it. */
export const putTombstoneScript = script(`${shared}
local markers = redis.call('HMGET', KEYS[2], ARGV[3], ARGV[4])
local floor = higher(valid(markers[1]), valid(markers[2]))
local was = stored(KEYS[1], KEYS[2], ARGV[3])
if was and was ~= 'foreign' then floor = higher(floor, was) end
if floor and floor > version then return floor end
local existed = redis.call('UNLINK', KEYS[1])
mark(KEYS[2], ARGV[3], version)
return existed`)

/**
 * KEYS: entry, markers, registry of categories with tags, indexes of its tags. ARGV: version, horizon, ceiling, text,
 * life, own marker, clear marker, markers of tags. 1 it is there now, 0 dropped, 2 it met a foreign value, which is gone.
 * A counter takes the place of one without a version: it was not counted for long, or not by us.
 */
export const mergeScript = script(`${shared}${enrolRule}
local markers = redis.call('HMGET', KEYS[2], unpack(ARGV, 6))
local floor = higher(valid(markers[1]), valid(markers[2]))
if floor and floor >= version then return 0 end
local counter = string.find(ARGV[4], '^-?%d+$')
local was = stored(KEYS[1], KEYS[2], ARGV[6])
if was == 'foreign' and counter and string.find(redis.call('GET', KEYS[1]), '^-?%d+$') then was = nil end
if was == 'foreign' then
  redis.call('UNLINK', KEYS[1])
  mark(KEYS[2], ARGV[6], higher(version, ARGV[3]))
  return 2
end
for i = 3, #markers do
  local marker = valid(markers[i])
  if marker and marker >= version then
    if was and was <= version then redis.call('UNLINK', KEYS[1]) end
    mark(KEYS[2], ARGV[6], version)
    return 0
  end
end
if was and was > version then
  local left = redis.call('PTTL', KEYS[1])
  if left ~= -1 and left < ${MARKER_LIFE} and longer(tonumber(ARGV[5]), left) then
    mark(KEYS[2], ARGV[6], before(was))
  end
  return 0
end
local shorter = was and outlived(KEYS[1], ARGV[5])
if was == version then
  local text = redis.call('GET', KEYS[1])
  if text == ARGV[4] or digest(text) > digest(ARGV[4]) then return 0 end
end
enrol(KEYS[1], ARGV[5], 4, #KEYS, KEYS[3], string.match(ARGV[6], '^k:([^:]+)'))
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
if counter then redis.call('HSET', KEYS[2], 'n' .. string.sub(ARGV[6], 2), version) end
if shorter then mark(KEYS[2], ARGV[6], before(version)) end
return 1`)

/** KEYS: entry, markers. ARGV: version, horizon, ceiling, own marker. 1 taken, 0 dropped, 2 it met a foreign value, which is gone. */
export const mergeTombstoneScript = script(`${shared}
local marker = valid(redis.call('HGET', KEYS[2], ARGV[4]))
if marker and marker >= version then return 0 end
local was = stored(KEYS[1], KEYS[2], ARGV[4])
if was == 'foreign' then
  redis.call('UNLINK', KEYS[1])
  mark(KEYS[2], ARGV[4], higher(version, ARGV[3]))
  return 2
end
if was and was <= version then redis.call('UNLINK', KEYS[1]) end
mark(KEYS[2], ARGV[4], version)
return 1`)

/**
 * KEYS: markers. ARGV: version, horizon, then fields. Raises each to the version, never lowers one. Answers the highest
 * that was there, or false: a live clear or invalidation that finds it higher than its own is sent once more above it.
 */
export const markScript = script(`${shared}
local top = nil
for i = 3, #ARGV do
  local was = valid(redis.call('HGET', KEYS[1], ARGV[i]))
  if not was or was < version then mark(KEYS[1], ARGV[i], version) end
  top = higher(top, was)
end
return top`)

/**
 * After the clear's marker is set. KEYS: markers, entries. ARGV: version, horizon, ceiling or '', own marker of each
 * entry. Removes those up to the version and the foreign ones; with a ceiling (replay) a foreign one leaves a marker.
 * Answers how many.
 */
export const clearEntriesScript = script(`${shared}
local removed = 0
for i = 2, #KEYS do
  local was = stored(KEYS[i], KEYS[1], ARGV[i + 2])
  if was == 'foreign' or (was and was <= version) then
    redis.call('UNLINK', KEYS[i])
    removed = removed + 1
    if was == 'foreign' and ARGV[3] ~= '' then mark(KEYS[1], ARGV[i + 2], higher(version, ARGV[3])) end
  end
end
return removed`)

/**
 * After the tag's marker is set. KEYS: index, markers, entries of a page. ARGV: version, horizon, tag as JSON, cursor,
 * count, most bytes, 1 for a live call, own marker of each entry. Removes those that bear the tag and are not above the
 * version; each leaves a marker, so that what it replaced doesn't come back. One without a version goes by a live call
 * only. Stops where their texts are more than the server's other clients should wait for. How many went, how many were
 * looked at; then, if those are all, the next page.
 */
export const invalidateTaggedScript = script(`${shared}${bearsRule}${pageRule}
local removed, over, bytes, looked = 0, {}, 0, 0
for i = 3, #KEYS do
  if bytes > tonumber(ARGV[6]) then break end
  local key, field = KEYS[i], ARGV[i + 5]
  local text = redis.pcall('GET', key)
  if type(text) == 'table' and not string.find(text.err, 'WRONGTYPE') then return text end
  local bearing = type(text) == 'string' and bears(text, ARGV[3])
  if type(text) == 'string' then bytes = bytes + #text end
  local was = bearing and valid(string.match(text, '^{"ver":"([0-9a-f]+)"'))
  if bearing and ((was and was <= version) or (not was and ARGV[7] == '1')) then
    redis.call('UNLINK', key)
    removed = removed + 1
    bearing = false
    if was then
      local marker = valid(redis.call('HGET', KEYS[2], field))
      if not marker or marker < was then mark(KEYS[2], field, was) end
    end
  end
  if not bearing then over[#over + 1] = key end
  looked = looked + 1
end
if #over > 0 then redis.call('ZREM', KEYS[1], unpack(over)) end
local reply = {removed, looked}
if looked < #KEYS - 2 then return reply end
return page(reply, KEYS[1], ARGV[4], ARGV[5])`)

/**
 * What one place hasn't got any more, as the other knows. KEYS: markers, entries. ARGV: version, horizon, then own marker
 * and version of each entry as read. Removes those that are unchanged and not above the version; each leaves a marker.
 * Answers how many.
 */
export const invalidateEntriesScript = script(`${shared}
local removed = 0
for i = 2, #KEYS do
  local field, expected = ARGV[i * 2 - 1], ARGV[i * 2]
  if expected <= version and stored(KEYS[i], KEYS[1], field) == expected then
    redis.call('UNLINK', KEYS[i])
    local marker = valid(redis.call('HGET', KEYS[1], field))
    if not marker or marker < expected then mark(KEYS[1], field, expected) end
    removed = removed + 1
  end
end
return removed`)

/** KEYS: markers. ARGV: lowest version that stays, cursor, count. One page; the next cursor, '0' at the end. */
export const sweepMarkersScript = script(`
local page = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #page[2], 2 do
  if page[2][i + 1] < ARGV[1] then redis.call('HDEL', KEYS[1], page[2][i]) end
end
return page[1]`)
