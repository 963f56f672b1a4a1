import type { ScriptCall } from './instance.js'
import type { Layout } from './layout.js'
import { digestOf, NOTE_LIFE, scopeField } from './lease-rules.js'
import { type Script, script } from './scripts.js'
import type { Grant, LeaseEnd, LeaseRequest } from './store.js'
import { enrolRule, markRule, momentRules } from './tag-scripts.js'

/*
 * A lease is one text at `layout.lease(key)`, which ends by itself:
 *
 *     t <token> <side> <base> <ends>   somebody computes. side, base, ends: what was known of the key at the grant
 *     f                                somebody failed
 *     d                                somebody's refresh died
 *
 * base is a digest of what lay at the key, so a lease is broken by any other text there. What leaves no text behind (a
 * removal, a short life) removes the lease. What concerns many keys is seen by `side`. From `ends` on (ms of the server's
 * clock, or -) nothing may lie there: what lay there has ended by itself, or Keyv removed it, as it does with what is
 * stale.
 */

/**
 * Lua: `known(first)` is what the key's surroundings say now, without spaces; `unbroken(side, first)` whether that still
 * holds for a lease. KEYS[3] is where they look, ARGV from `first` on what for.
 */
export type Side = string

/** Moments of tag-scripts.ts. ARGV: its fields; a clear counts like a tag of its own. */
export const momentSide: Side = `${momentRules}
local function known() return lastMoment(KEYS[3]) end
local function unbroken(side, first) return not overtaken(KEYS[3], side, first, #ARGV) end
`

const lookRule = `
local function look()
  local text = redis.pcall('GET', KEYS[1])
  if type(text) ~= 'table' then return text, text and redis.sha1hex(text) or '-' end
  if not string.find(text.err, 'WRONGTYPE') then redis.call('GET', KEYS[1]) end
  return false, '!'
end
`

const clockRule = `
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`

/** Lua: when the text that lies there ends, to its readers or at all. Before it is looked at, so that it is no later. */
const endsRule = `${clockRule}
local began = clock()
local function endsOf(text)
  if not text then return '-' end
  local left, last, from, _ = redis.call('PTTL', KEYS[1]), nil, 1, nil
  while from do
    _, from = string.find(text, '"expires":', from, true)
    last = from or last
  end
  local ends = last and tonumber(string.match(text, '^%d+', last + 1))
  if left >= 0 then ends = math.min(ends or math.huge, began + left) end
  return ends and string.format('%.0f', ends) or '-'
end
`

/** Lua: `stands(lease, token, first)`. One that is broken goes. */
export const standsRule = (side: Side): string => `${clockRule}${lookRule}${side}
local function stands(lease, token, first)
  local owner, side, base, ends = string.match(redis.call('GET', lease) or '', '^t (%S+) (%S+) (%S+) (%S+)$')
  if owner ~= token then return false end
  local _, now = look()
  local ended = now == '-' and tonumber(ends)
  if (now == base or (ended and clock() >= ended)) and unbroken(side, first) then return true end
  redis.call('UNLINK', lease)
  return false
end
`

export interface LeaseScripts {
  readonly grant: Script
  readonly renew: Script
  readonly release: Script
}

/**
 * KEYS: entry, lease, the side's. ARGV:
 *
 *     grant    token, ms, digest that was seen or '', 1 despite a failure, the side's
 *     renew    token, ms, the side's
 *     release  token, '' or f or d, its life
 *
 * grant answers 0 and whether a holder died, 1 and what was found, 2 held, or 3 and ms; renew 1 or 0. `guard` runs first,
 * and removes from KEYS and ARGV what is its own.
 */
export const leaseScripts = (side: Side, guard = ''): LeaseScripts => ({
  grant: script(`${guard}${endsRule}${lookRule}${side}
local text, base = look()
if ARGV[3] ~= '' and text and base ~= ARGV[3] then return {1, text} end
local kind = string.sub(redis.call('GET', KEYS[2]) or '', 1, 1)
if kind == 't' then return {2, 0} end
if kind == 'f' and ARGV[4] ~= '1' then return {3, redis.call('PTTL', KEYS[2])} end
redis.call('SET', KEYS[2], 't ' .. ARGV[1] .. ' ' .. known(5) .. ' ' .. base .. ' ' .. endsOf(text), 'PX', ARGV[2])
return {0, kind == 'd' and 1 or 0}`),
  renew: script(`${guard}${standsRule(side)}
if not stands(KEYS[2], ARGV[1], 3) then return 0 end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])`),
  release: script(`${guard}
if string.match(redis.call('GET', KEYS[2]) or '', '^t (%S+)') ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[2])
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
return 1`),
})

/**
 * KEYS: entry, lease, moments, then with tags registry and indexes. ARGV: token, text, life in ms, category, fields. 1 or
 * 0. Under OOM a script may write only once it has deleted, and a full server shall refuse this one: so the lease goes
 * last.
 */
export const fillScript = (guard = ''): Script =>
  script(`${guard}${standsRule(momentSide)}${enrolRule}
if not stands(KEYS[2], ARGV[1], 5) then return 0 end
if KEYS[4] then enrol(KEYS[1], ARGV[3], 5, #KEYS, KEYS[4], ARGV[4]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('UNLINK', KEYS[2])
return 1`)

/** KEYS: moments. ARGV: fields. */
export const breakScript = (guard = ''): Script =>
  script(`${guard}${momentRules}${markRule}
mark(KEYS[1], 1)
return 1`)

const breaking = breakScript()

/** What breaks the leases of a scope. */
export const breakCall = ({ invalidated }: Layout, scope: string): ScriptCall => ({
  script: breaking,
  keys: [invalidated],
  args: [scopeField(scope)],
})

/** What a grant sends before what is the side's. */
export const grantArgs = (token: string, { ms, seen, despiteFailure }: LeaseRequest): string[] => [
  token,
  String(Math.ceil(ms)),
  seen === undefined ? '' : digestOf(seen.text),
  despiteFailure === true ? '1' : '',
]

export const grantAnswer = (reply: unknown): Grant => {
  const [code, value] = reply as [number, string | number]
  if (code === 0) return { granted: true, died: value === 1 }
  if (code === 1) return { found: String(value) }
  return code === 2 ? { held: true } : { failed: Math.max(0, Number(value)) }
}

export const releaseArgs = (token: string, end: LeaseEnd | undefined): string[] => {
  if (end === undefined) return [token, '', '0']
  return 'failed' in end ? [token, 'f', String(Math.max(1, Math.ceil(end.failed)))] : [token, 'd', String(NOTE_LIFE)]
}
