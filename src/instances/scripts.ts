import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { sendCommand } from './command.js'
import { type Fault, FaultError, faultOf } from './redis-errors.js'

export interface Script {
  readonly lua: string
  readonly sha: string
  /** It writes nothing, and is sent as such: else it would wait where a server holds back writes, and all behind it. */
  readonly reads?: true
}

export const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })
export const readingScript = (lua: string): Script => ({ ...script(lua), reads: true })

/** Those of servers before Redis 7, or whose user has no right to EVALSHA_RO: there all scripts are the same. */
const indifferent = new WeakSet<Redis>()

/** The commands that run it: by its name, by its text. */
export const commandsOf = (redis: Redis, { reads }: Script) =>
  reads === true && !indifferent.has(redis) ? (['evalsha_ro', 'eval_ro'] as const) : (['evalsha', 'eval'] as const)

/** Whether a script that only reads was refused as such; from now on none is sent so. */
export const isIndifferent = (redis: Redis, { reads }: Script, error: unknown): boolean => {
  if (reads !== true || !/unknown command|'eval(sha)?_ro'/i.test(messageOf(error))) return false
  indifferent.add(redis)
  return true
}

/** Sends the script's name, and the script itself only to a server that doesn't know it (any more). */
export const runScript = (
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  const { lua, sha } = script
  const [byName, byText] = commandsOf(redis, script)
  const failed = (error: unknown): unknown =>
    isIndifferent(redis, script, error) ? runScript(redis, { lua, sha }, keys, args) : refuse(error)
  return evaluate(redis, byName, sha, keys, args).catch((error) =>
    faultOf(error).code === 'NOSCRIPT' ? evaluate(redis, byText, lua, keys, args).catch(failed) : failed(error),
  )
}

const evaluate = (
  redis: Redis,
  name: ReturnType<typeof commandsOf>[number],
  what: string,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  const texts = [what, String(keys.length), ...keys]
  for (const arg of args) texts.push(String(arg))
  return sendCommand(redis, name, texts)
}

const refuse = (error: unknown): never => {
  throw scriptError(error)
}

/** A missing right is the same for all scripts, so it is said as a fault of the configuration. */
export const scriptError = (error: unknown): unknown => (isDenied(error) ? new FaultError(scriptsDenied) : error)

/** The right to run a command, not the right to a key: that one is the caller's matter. */
const isDenied = (error: unknown): boolean => {
  const text = messageOf(error)
  if (/\bkeys?\b/i.test(text)) return false
  // Redis reports a command that is denied inside a script in words of its own.
  return faultOf(error).code === 'NOPERM' || /executing the script can't run|ACL failure/i.test(text)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

const scriptsDenied: Fault = {
  kind: 'configuration',
  text: 'its user may not run scripts or a command inside them: grant +@scripting +@read +@write (counters, compare-and-swap and state need them)',
  about: 'call',
  harmless: true,
  code: 'NOPERM',
}

/** KEYS: entry, lease, which it breaks: its text may be the same as before. ARGV: expected, text, life in ms. */
export const swapScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('UNLINK', KEYS[2])
return 1`)

/**
 * KEYS: entry. ARGV: by, life in ms, now. A bare integer keeps its life; an envelope with a safe integer becomes a bare
 * integer that lives as long as the envelope was valid; one that says there is nothing counts as nothing. cjson only
 * reads here: it would write other numbers than it read. The answer is text, because the client reads 2^53-1 as 2^53
 * when it comes as an integer.
 */
export const incrementScript = script(`
local limit = 9007199254740991
local by = tonumber(ARGV[1])
local raw = redis.call('GET', KEYS[1])
local function fresh()
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]
end
if not raw then return fresh() end
if string.match(raw, '^-?%d+$') then
  local sum = tonumber(raw) + by
  if sum > limit or sum < -limit then return {err = 'OUTOFRANGE'} end
  local reply = redis.pcall('INCRBY', KEYS[1], ARGV[1])
  if type(reply) == 'table' then
    if string.match(reply.err, 'not an integer') then return {err = 'NOTANUMBER'} end
    return reply
  end
  return string.format('%.0f', sum)
end
if #raw > 65536 then return {err = 'NOTANUMBER'} end
local readable, envelope = pcall(cjson.decode, raw)
if not readable or type(envelope) ~= 'table' then return {err = 'NOTANUMBER'} end
local expires = envelope.expires
if type(expires) == 'number' and expires <= tonumber(ARGV[3]) then return fresh() end
local value, meta = envelope.value, envelope.meta
if value == nil and type(meta) == 'table' and meta.n == 1 then return fresh() end
if type(value) ~= 'number' or value ~= math.floor(value) or value > limit or value < -limit then
  return {err = 'NOTANUMBER'}
end
local sum = value + by
if sum > limit or sum < -limit then return {err = 'OUTOFRANGE'} end
local left = redis.call('PTTL', KEYS[1])
local text = string.format('%.0f', sum)
if type(expires) == 'number' and (left < 0 or tonumber(ARGV[3]) + left > expires) then
  redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', math.ceil(expires - tonumber(ARGV[3]))))
else
  redis.call('SET', KEYS[1], text, 'KEEPTTL')
end
return text`)

/** The same. KEYS: entry, lease, which it breaks: a later one may bring the number back to what it was. */
export const countScript = script(`
local function count()
  ${incrementScript.lua}
end
local total = count()
redis.call('UNLINK', KEYS[2])
return total`)

/**
 * KEYS: group, index. ARGV: field, text. What stays the same from call to call is part of the text: each argument costs
 * as much as a command inside the script. Writes first and looks afterwards, because nearly every write replaces an
 * item: five commands would cost as much again as the write itself. Without `slide` only a new group gets its ttl.
 */
export const groupSetScript = (groupPrefix: string, rule: GroupRule & { slide: boolean }): Script => {
  // A group without the life it should have was left by a process that ended between a plain HSET and groupAdoptScript.
  const isNew = rule.ttl === false ? 'true' : "items == 1 or redis.call('PTTL', KEYS[1]) < 0"
  return script(`
if redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  ${withinLimit(rule)}
  if ${isNew} then
    ${enrol(groupPrefix, rule)}
  end
end
${rule.slide ? setTtl(rule) : ''}
return 1`)
}

/**
 * KEYS: group, index. ARGV: field. After a plain HSET that, against expectation, added the field: the group, or the
 * item, was removed by somebody else meanwhile, so what comes with a new one is made up for.
 */
export const groupAdoptScript = (groupPrefix: string, rule: GroupRule): Script =>
  script(`
${withinLimit(rule)}
${enrol(groupPrefix, rule)}
return 1`)

interface GroupRule {
  readonly maxItems: number
  readonly ttl: number | false
}

const setTtl = ({ ttl }: GroupRule): string =>
  ttl === false ? "redis.call('PERSIST', KEYS[1])" : `redis.call('PEXPIRE', KEYS[1], ${Math.ceil(ttl)})`

const withinLimit = ({ maxItems }: GroupRule): string => `local items = redis.call('HLEN', KEYS[1])
  if items > ${maxItems} then
    redis.call('HDEL', KEYS[1], ARGV[1])
    return {err = 'TOOLARGE'}
  end`

const enrol = (groupPrefix: string, rule: GroupRule): string =>
  `redis.call('ZADD', KEYS[2], 0, string.sub(KEYS[1], ${Buffer.byteLength(groupPrefix) + 1}))
    ${setTtl(rule)}`

/** KEYS: group, index. ARGV: field, group's name. */
export const groupDeleteScript = script(`
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old then return false end
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[2]) end
return old`)

/** KEYS: group, index. ARGV: group's name. */
export const groupClearScript = script(`
redis.call('UNLINK', KEYS[1])
return redis.call('ZREM', KEYS[2], ARGV[1])`)

/** KEYS: group. ARGV: cursor, count. A page of HSCAN without the values. */
export const groupFieldsScript = readingScript(`
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local fields = {}
for i = 1, #page[2], 2 do fields[#fields + 1] = page[2][i] end
return {page[1], fields}`)

/**
 * KEYS: index. ARGV: from (a ZRANGEBYLEX bound), page size, prefix of group keys. Answers the last name looked at, or
 * false at the end, and the names of the groups that are there. Names of groups that ended by their ttl go, here, so
 * that a group created at the same moment keeps its own; where the server refuses writes they stay for later.
 */
export const groupsScript = script(`
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local live = {}
for _, name in ipairs(names) do
  if redis.call('EXISTS', ARGV[3] .. name) == 1 then live[#live + 1] = name
  else redis.pcall('ZREM', KEYS[1], name) end
end
return {#names == tonumber(ARGV[2]) and names[#names], live}`)
