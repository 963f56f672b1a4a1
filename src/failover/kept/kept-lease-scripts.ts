import { leaseScripts, type Side, standsRule } from '../../instances/lease-scripts.js'
import { script } from '../../instances/scripts.js'
import { putScript } from '../versions/entry-scripts.js'
import { versionRules } from '../versions/script-rules.js'

/** ARGV: the key's own marker and its category's. A removal and a clear leave another one there. */
const markers = (hash: string): Side => `
local function known(first)
  local found = redis.call('HMGET', ${hash}, ARGV[first], ARGV[first + 1])
  return (found[1] or '-') .. '/' .. (found[2] or '-')
end
local function unbroken(side, first) return side == known(first) end
`

/** KEYS: entry, lease, markers. */
export const keptLeaseScripts = leaseScripts(markers('KEYS[3]'))

/**
 * KEYS and ARGV: those of a put; then the lease, its token, and the version that was the latest at the grant. 1, 0
 * where the lease is over, or the version that refused it, above which it may be sent again: what was written since the
 * grant would have broken the lease.
 */
export const keptFillScript = script(`
local granted, token, lease = table.remove(ARGV), table.remove(ARGV), table.remove(KEYS)
local horizon = ARGV[2]${versionRules}${standsRule(markers('KEYS[2]'))}
if not stands(lease, token, 5) then return 0 end
for i = 7, #ARGV do
  local marker = valid(redis.call('HGET', KEYS[2], ARGV[i]))
  if marker and marker > granted then
    redis.call('UNLINK', lease)
    return 0
  end
end
local function put()
  ${putScript.lua}
end
local done = put()
if done == 1 then redis.call('UNLINK', lease) end
return done`)

/** KEYS: those of a put, then the lease on its key, which it breaks: what has a short life may be gone before anybody looks. */
export const briefPutScript = script(`
redis.call('UNLINK', table.remove(KEYS))
${putScript.lua}`)
