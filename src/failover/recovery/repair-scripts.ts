import { script } from '../../instances/scripts.js'

/** What two places of kept data are compared by: names, versions and lives, never the texts. None of these writes. */

/** KEYS: entries. ARGV: bytes of the head. For each the beginning of its text ('?' of another type), and its life as PTTL has it. */
export const headsScript = script(`
local heads = {}
for i, key in ipairs(KEYS) do
  local head = redis.pcall('GETRANGE', key, 0, ARGV[1] - 1)
  heads[i * 2 - 1] = type(head) == 'table' and '?' or head
  heads[i * 2] = redis.call('PTTL', key)
end
return heads`)

/** KEYS: hash. ARGV: cursor, count. */
export const hashPageScript = script(`return redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`)

/** KEYS: hash. ARGV: fields. */
export const hashFieldsScript = script(`return redis.call('HMGET', KEYS[1], unpack(ARGV))`)

/** KEYS: sorted set with scores 0. ARGV: from (a ZRANGEBYLEX bound), count. */
export const namesScript = script(`return redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])`)

/** KEYS: group. ARGV: cursor, count. A page of HSCAN without the texts; nothing of another type. */
export const itemsScript = script(`
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {'0', {}} end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local fields = {}
for i = 1, #page[2], 2 do fields[#fields + 1] = page[2][i] end
return {page[1], fields}`)

/** KEYS: group, side. ARGV: fields. For each its version or '', and whether it is there (1, 0). */
export const versionsScript = script(`
local found = {}
local hash = redis.call('TYPE', KEYS[1]).ok == 'hash'
for i, field in ipairs(ARGV) do
  found[i * 2 - 1] = redis.call('HGET', KEYS[2], ':' .. field) or ''
  found[i * 2] = hash and redis.call('HEXISTS', KEYS[1], field) or 0
end
return found`)

/** KEYS: group, side. ARGV: fields. For each its version or '' and its text, '' where it is gone. At one moment. */
export const textsScript = script(`
local found = {}
for i, field in ipairs(ARGV) do
  found[i * 2 - 1] = redis.call('HGET', KEYS[2], ':' .. field) or ''
  found[i * 2] = redis.call('HGET', KEYS[1], field) or ''
end
return found`)

/**
 * An item that was written before there were versions. KEYS: group, side, index of groups. ARGV: field, text, life in ms
 * or '', group's name. Only where nothing is known of it. Writes.
 */
export const adoptItemScript = script(`
if redis.call('HEXISTS', KEYS[2], ':' .. ARGV[1]) == 1 then return 0 end
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
if redis.call('HLEN', KEYS[1]) == 1 then
  redis.call('ZADD', KEYS[3], 0, ARGV[4])
  if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
end
return 1`)

/** KEYS: group. ARGV: life in ms or ''. A group lives at least as long as at its other place. Writes. */
export const lengthenScript = script(`
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
if ARGV[1] == '' then return redis.call('PERSIST', KEYS[1]) end
if left < tonumber(ARGV[1]) then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0`)

/**
 * An entry without a version. KEYS: entry. ARGV: text, life in ms. Where nothing lies, and a counter over another state
 * of it. Writes.
 */
export const adoptEntryScript = script(`
local counter = '^-?%d+$'
local was = redis.pcall('GET', KEYS[1])
if was then
  if type(was) ~= 'string' or was == ARGV[1] then return 0 end
  if not (string.match(was, counter) and string.match(ARGV[1], counter)) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)
