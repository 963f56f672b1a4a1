import type { ScriptCall } from '../../instances/instance.js'
import { readingScript, script } from '../../instances/scripts.js'

/*
 * The hash of one outage (`layout.outage(home)`), on every instance that can be reached:
 *
 *     id             '<id> <made> <end>': under which copies of home's entries lie on this very instance
 *     p:<process>    '<end> <registration as JSON>': a process that holds something for home
 *     o:<id>         '': an id that doesn't count any more and never will again, whose copies still have to be removed
 *
 * Times are µs of that server's own clock. Nothing here has a Redis TTL, because servers evict what has one first; what
 * has ended is removed by whoever comes next. Whoever comes last needn't know what others wrote: the record says which
 * copies there are, and lasts until they are gone.
 */

/** ms that a registration lasts. */
const LIFE = 2_000
/** ms that an id outlives the last sign of life of anybody: long enough for a process to be started again. */
const ID_LIFE = 30_000

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function whole(number) return string.format('%.0f', number) end`

/** Removes registrations that have ended and counts the live ones, except that of ARGV[1]. over: what is to be swept. */
const prune = `
local fields = redis.call('HGETALL', KEYS[1])
local id, made, ends
local ended, over = {}, {}
local others = 0
for i = 1, #fields, 2 do
  if fields[i] == 'id' then
    id, made, ends = string.match(fields[i + 1], '^(%S+) (%d+) (%d+)$')
  elseif string.sub(fields[i], 1, 2) == 'o:' then
    over[#over + 1] = string.sub(fields[i], 3)
  elseif fields[i] ~= 'p:' .. ARGV[1] then
    local till = tonumber(string.match(fields[i + 1], '^%d+') or '0')
    if till <= now then ended[#ended + 1] = fields[i] else others = others + 1 end
  end
end
for _, field in ipairs(ended) do redis.call('HDEL', KEYS[1], field) end`

/** Nobody needs the copies any more: no change is made under the id from now on. What is to be swept. */
const conclude = `
redis.call('HDEL', KEYS[1], 'id')
if id then
  redis.call('HSET', KEYS[1], 'o:' .. id, '')
  over[#over + 1] = id
end
return over`

/**
 * KEYS: outage. ARGV: process, registration, its life, own id or '', how old another id may be, a new id or '', life of
 * ids; µs. Without a new id it only registers. Answers the id that counts, its age, and the server's time.
 */
const joinScript = script(`${clock}${prune}
redis.call('HSET', KEYS[1], 'p:' .. ARGV[1], whole(now + ARGV[3]) .. ' ' .. ARGV[2])
if ARGV[6] == '' then return {'', '0', whole(now)} end
local counts = id == ARGV[4]
if id and not counts then
  local age = now - tonumber(made)
  counts = tonumber(ends) > now and age >= 0 and age < tonumber(ARGV[5])
end
if not counts then
  if id then redis.call('HSET', KEYS[1], 'o:' .. id, '') end
  id, made = ARGV[6], now
end
redis.call('HSET', KEYS[1], 'id', id .. ' ' .. whole(tonumber(made)) .. ' ' .. whole(now + ARGV[7]))
return {id, whole(now - tonumber(made)), whole(now)}`)

/**
 * KEYS: outage. ARGV: process. 0: others are registered; else what is to be swept. It deletes before it writes, so that a
 * server that is full does both.
 */
const leaveScript = script(`${clock}${prune}
redis.call('HDEL', KEYS[1], 'p:' .. ARGV[1])
if others > 0 then return 0 end
${conclude}`)

/** KEYS: outage. ARGV: process. It ends; what it wrote stays readable for others. */
const goodbyeScript = script("return redis.call('HDEL', KEYS[1], 'p:' .. ARGV[1])")

/** KEYS: outage. ARGV: ''. The same of whoever has nothing to do with it: also 0 where the id may still be joined. */
const endScript = script(`${clock}${prune}
if others > 0 or (id and tonumber(ends) > now) then return 0 end
${conclude}`)

/** KEYS: outage. ARGV: ids whose copies are gone. With the last of them the record is. */
const sweptScript = script(`
for _, id in ipairs(ARGV) do redis.call('HDEL', KEYS[1], 'o:' .. id) end
return 1`)

/** KEYS: outage. The id's field, or false, and the server's time. */
const idScript = readingScript(`${clock}
return {redis.call('HGET', KEYS[1], 'id'), whole(now)}`)

/** KEYS: outage. Everything, and the server's time. */
const listScript = readingScript(`${clock}
return {redis.call('HGETALL', KEYS[1]), whole(now)}`)

/** What a process says of itself. */
export interface Registration {
  /** How much it holds for home. */
  readonly entries: number
  /** Of its routing table. */
  readonly routing: string
}

export interface Joined {
  readonly id: string
  /** ms since it was made. */
  readonly age: number
  /** µs of the server's clock. */
  readonly now: number
}

/** Registers, and joins the id that counts there; `own` counts in any case, another one only if it isn't older than `maxAge` ms. */
export const joinCall = (
  key: string,
  process: string,
  registration: Registration,
  { own, maxAge, fresh }: { own: string | undefined; maxAge: number; fresh: string },
): ScriptCall => {
  const age = Number.isFinite(maxAge) ? Math.max(0, Math.floor(maxAge * 1_000)) : Number.MAX_SAFE_INTEGER
  const args = [process, JSON.stringify(registration), LIFE * 1_000, own ?? '', age, fresh, ID_LIFE * 1_000]
  return { script: joinScript, keys: [key], args }
}

export const registerCall = (key: string, process: string, registration: Registration): ScriptCall =>
  joinCall(key, process, registration, { own: undefined, maxAge: 0, fresh: '' })

export const joinAnswer = (reply: unknown): Joined => {
  const [id, age, now] = reply as [string, string, string]
  return { id, age: Number(age) / 1_000, now: Number(now) }
}

export const leaveCall = (key: string, process: string): ScriptCall => ({
  script: leaveScript,
  keys: [key],
  args: [process],
})

export const goodbyeCall = (key: string, process: string): ScriptCall => ({
  script: goodbyeScript,
  keys: [key],
  args: [process],
})

export const endCall = (key: string): ScriptCall => ({ script: endScript, keys: [key], args: [''] })

/** Of both: the ids whose copies nobody needs any more. Undefined: somebody may. */
export const overAnswer = (reply: unknown): readonly string[] | undefined =>
  Array.isArray(reply) ? (reply as string[]) : undefined

export const sweptCall = (key: string, ids: readonly string[]): ScriptCall => ({
  script: sweptScript,
  keys: [key],
  args: ids,
})

export const idCall = (key: string): ScriptCall => ({ script: idScript, keys: [key], args: [] })

/** Undefined: nobody stands in there for home, or not any more. */
export const idAnswer = (reply: unknown): Pick<Joined, 'id' | 'age'> | undefined => {
  const [field, now] = reply as [string | null, string]
  const [id, made, ends] = field?.split(' ') ?? []
  const age = (Number(now) - Number(made)) / 1_000
  return id === undefined || Number(ends) <= Number(now) || age < 0 ? undefined : { id, age }
}

export const listCall = (key: string): ScriptCall => ({ script: listScript, keys: [key], args: [] })

/** The live registrations, by process. */
export const listAnswer = (reply: unknown): Map<string, Registration> => {
  const [fields, now] = reply as [string[], string]
  const live = new Map<string, Registration>()
  for (let i = 0; i < fields.length; i += 2) {
    const [, process] = /^p:(.+)$/.exec(fields[i] ?? '') ?? []
    const [, ends, text = ''] = /^(\d+) (.+)$/.exec(fields[i + 1] ?? '') ?? []
    if (process !== undefined && Number(ends) > Number(now)) live.set(process, readRegistration(text))
  }
  return live
}

/** Whatever another version wrote there: then it holds something, as far as can be known. */
const readRegistration = (text: string): Registration => {
  try {
    const { entries, routing }: Partial<Record<string, unknown>> = JSON.parse(text)
    return {
      entries: typeof entries === 'number' ? entries : 1,
      routing: typeof routing === 'string' ? routing : '',
    }
  } catch {
    return { entries: 1, routing: '' }
  }
}
