import { incrementScript, script } from '../../instances/scripts.js'
import { versionRules } from './script-rules.js'

/**
 * An increment of kept data. A counter is a bare integer, which bears no version: that lies beside the markers. It is
 * above whatever is known of the key, so that a later number has a later version, whoever's clock is behind.
 *
 * KEYS: counter, markers, lease on it, which it breaks. ARGV: by, life in ms, now, version, horizon, field of the version, own marker,
 * clear marker. The total as text, its version, its life as PTTL has it.
 */
export const countScript = script(`
local version, horizon = ARGV[4], ARGV[5]${versionRules}
local function after(version)
  local head, digit, rest = string.match(version, '^(%x-)([0-9a-e])(f*)$')
  return head .. string.format('%x', tonumber(digit, 16) + 1) .. string.rep('0', #rest)
end
local head = redis.pcall('GETRANGE', KEYS[1], 0, 32)
if type(head) == 'table' then
  return string.find(head.err, 'WRONGTYPE') and {err = 'NOTANUMBER'} or head
end
local function add()
  ${incrementScript.lua}
end
local total = add()
if type(total) == 'table' then return total end
local was = valid(string.match(head, '^{"ver":"([0-9a-f]+)"'))
for _, marker in ipairs(redis.call('HMGET', KEYS[2], ARGV[6], ARGV[7], ARGV[8])) do was = higher(was, valid(marker)) end
if was and was >= version then version = after(was) end
redis.call('HSET', KEYS[2], ARGV[6], version)
redis.call('UNLINK', KEYS[3])
return {total, version, redis.call('PTTL', KEYS[1])}`)

/** KEYS and ARGV: those of an increment; then ids, its id, whether its life is over. See once-script.ts. */
export const countOnceScript = script(`
local over, id, ids = table.remove(ARGV), table.remove(ARGV), table.remove(KEYS)
if redis.call('HEXISTS', ids, id) == 1 then return 0 end
local added = 0
if over == '0' or redis.call('EXISTS', KEYS[1]) == 1 then
  local function count()
    ${countScript.lua}
  end
  local counted = count()
  if counted.err then return counted end
  added = 1
end
redis.call('HSET', ids, id, ARGV[4])
return added`)
