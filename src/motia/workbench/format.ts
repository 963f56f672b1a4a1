/** How figures read. Units: sizes in bytes, durations in ms, moments in epoch ms, shares from 0 to 1. */

/** What is shown for a figure that isn't known. */
export const UNKNOWN = '–'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** 1,234,567 */
export const formatCount = (count: number | undefined): string =>
  count === undefined ? UNKNOWN : grouped.format(count)

/** 987 · 12.3k · 4.5M: where room is short. */
export const formatShort = (count: number | undefined): string => {
  if (count === undefined) return UNKNOWN
  return scaled(count, 1_000, ['', 'k', 'M', 'G', 'T'])
}

/** 512 B · 1.5 KB · 30 MB (by 1,024, as Redis counts). */
export const formatBytes = (bytes: number | undefined): string => {
  if (bytes === undefined) return UNKNOWN
  return scaled(bytes, 1_024, [' B', ' KB', ' MB', ' GB', ' TB'])
}

/** 0.4 ms · 12 ms · 3.2 s · 5 min · 2 h 5 min · 3 d 4 h */
export const formatDuration = (ms: number | undefined): string => {
  if (ms === undefined) return UNKNOWN
  if (ms < 0.995) return ms <= 0 ? '0 ms' : `${ms.toFixed(2)} ms`
  if (ms < 9.95) return `${trimmed(ms, 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${trimmed(ms / 1_000, 1)} s`
  const minutes = Math.max(1, Math.floor(ms / 60_000))
  if (minutes < 60) return pair(minutes, 'min', minutes < 10 ? Math.floor(Math.max(ms, 60_000) / 1_000) % 60 : 0, 's')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? pair(hours, 'h', minutes % 60, 'min') : pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** 99.4 % · 100 %: never rounded up to everything or down to nothing. */
export const formatPercent = (share: number | undefined): string => {
  if (share === undefined || Number.isNaN(share)) return UNKNOWN
  const percent = share * 100
  if (percent > 99.9 && percent < 100) return '> 99.9 %'
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  return `${trimmed(percent, percent >= 99 || percent < 10 ? 1 : 0)} %`
}

/** 0 · 0.3 /s · 12.5 /s · 1.2k /s */
export const formatRate = (perSecond: number | undefined): string => {
  if (perSecond === undefined) return UNKNOWN
  if (perSecond > 0 && perSecond < 0.1) return '< 0.1 /s'
  return `${formatShort(Number(perSecond.toFixed(1)))} /s`
}

/** just now · 12 s ago · 5 min ago. A clock that is ahead of ours is no reason to speak of the future. */
export const formatAge = (at: number | undefined, now: number): string => {
  if (at === undefined) return UNKNOWN
  const age = now - at
  if (age < 1_500) return 'just now'
  return `${age < 60_000 ? `${Math.floor(age / 1_000)} s` : firstUnit(formatDuration(age))} ago`
}

/** 14:03:59, with the day in front if it wasn't today. */
export const formatTime = (at: number, now: number): string => {
  const [then, today] = [new Date(at), new Date(now)]
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map(twoDigits).join(':')
  if (then.toDateString() === today.toDateString()) return time
  return `${then.getFullYear()}-${twoDigits(then.getMonth() + 1)}-${twoDigits(then.getDate())} ${time}`
}

/** 14:03 */
export const formatMinute = (at: number): string => {
  const then = new Date(at)
  return `${twoDigits(then.getHours())}:${twoDigits(then.getMinutes())}`
}

/** 1 entry · 12 entries · entries, where the number isn't known */
export const plural = (count: number | undefined, one: string, many = `${one}s`): string => {
  if (count === undefined) return many
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** A server's half sentence as a whole one. Names that users gave stay as they are: `names`, or one before a colon. */
export const sentence = (text: string, names: readonly string[] = []): string => {
  const begins = (name: string): boolean => text.startsWith(name) && !/^\w/.test(text.slice(name.length))
  const named = /^[\w.-]+:/.test(text) || names.some(begins)
  const whole = named ? text : text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`
}

/** Control characters and what turns the direction of text are made visible: a key must look like what it is. */
export const visible = (text: string): string =>
  text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' }

const scaled = (value: number, base: number, units: readonly string[]): string => {
  const steps = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log(Math.max(1, value)) / Math.log(base))))
  const figure = value / base ** steps
  // 1,023.9 KB would round to 1,024 KB.
  const up = Number(figure.toFixed(figure < 100 ? 1 : 0)) >= base && steps < units.length - 1
  const [shown, unit] = up ? [figure / base, units[steps + 1]] : [figure, units[steps]]
  return `${trimmed(shown, shown < 100 ? 1 : 0)}${unit}`
}

const trimmed = (value: number, digits: number): string => value.toFixed(digits).replace(/\.0+$/, '')

const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`

const firstUnit = (text: string): string => text.split(' ').slice(0, 2).join(' ')

const twoDigits = (value: number): string => `${value}`.padStart(2, '0')
