import type { ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { countScript as countUp, type Script, script } from '../../instances/scripts.js'
import type { CopySite } from './copy-sites.js'

/*
 * Changes of copies on a stand-in. Last of KEYS: the outage's hash. Last of ARGV: the id under which the copies lie, and
 * until when, in µs of the server's clock, the change may be made: whoever sent it has given it up by then, and may have
 * made a later one elsewhere, so it must not run when a server that stood still goes on.
 */
export const guard = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if now > tonumber(ARGV[#ARGV]) then return 'late ' .. string.format('%.0f', now) end
local id = redis.call('HGET', KEYS[#KEYS], 'id')
if not id or string.match(id, '^%S+') ~= ARGV[#ARGV - 1] then return 'moved' end
`

/** KEYS: entry, lease. */
const writeScript = script(`${guard}
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('UNLINK', KEYS[2])
return 1`)

/** KEYS: entries, then their leases. */
const removeScript = script(`${guard}
local found, count = {}, (#KEYS - 1) / 2
for i = 1, count do
  found[i] = redis.call('UNLINK', KEYS[i])
  redis.call('UNLINK', KEYS[count + i])
end
return found`)

/** KEYS: entry, lease. */
const countScript = script(`${guard}${countUp.lua}`)

/** Where a change goes, and until when it may be made there. */
export interface CopyTarget {
  readonly site: CopySite
  readonly layout: Layout
  /** The outage's hash. */
  readonly outage: string
  /** µs of the server's clock. */
  readonly until: number
}

/** `keys`: as they lie there. */
export const copyCall = (
  { site, outage, until }: CopyTarget,
  what: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): ScriptCall => ({ script: what, keys: [...keys, outage], args: [...args, site.id, until] })

const withLeases = ({ site, layout }: CopyTarget, keys: readonly string[]): string[] => {
  const lying = keys.map((key) => site.prefix + key)
  return [...lying, ...lying.map(layout.lease)]
}

export const writeCall = (target: CopyTarget, key: string, text: string, life: number): ScriptCall =>
  copyCall(target, writeScript, withLeases(target, [key]), [text, Math.max(1, Math.ceil(life))])

/** At most 1,000 keys. Answers 1 or 0 for each. */
export const removeCall = (target: CopyTarget, keys: readonly string[]): ScriptCall =>
  copyCall(target, removeScript, withLeases(target, keys), [])

/** Answers the number as text. */
export const countCall = (target: CopyTarget, key: string, by: number, life: number, now: number): ScriptCall =>
  copyCall(target, countScript, withLeases(target, [key]), [by, Math.max(1, Math.ceil(life)), now])

/** Why nothing was changed. moved: the id doesn't count any more. late: it came too late; `now`: µs of the server's clock. */
export type NotChanged = { readonly why: 'moved' } | { readonly why: 'late'; readonly now: number }

export const notChanged = (reply: unknown): NotChanged | undefined => {
  if (reply === 'moved') return { why: 'moved' }
  if (typeof reply !== 'string' || !reply.startsWith('late ')) return undefined
  return { why: 'late', now: Number(reply.slice(5)) }
}
