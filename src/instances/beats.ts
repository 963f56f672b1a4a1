import type { Redis } from 'ioredis'
import { runScript, script } from './scripts.js'

/** What processes left at an instance, by their ids, and when; by the clock of its server, which is one for all. Epoch ms. */
export interface Beats {
  readonly now: number
  readonly left: ReadonlyMap<string, LeftBeat>
}

export interface LeftBeat {
  /** 0: it doesn't say, so it is nothing of ours. */
  readonly at: number
  readonly text: string
}

/** That are read, or removed at once. */
export const MOST_BEATS = 1_000

/** KEYS: processes. ARGV: process, text. */
const leaveScript = script(`
local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('HSET', KEYS[1], ARGV[1], at .. ' ' .. ARGV[2])`)

export const sendBeat = (redis: Redis, processes: string, processId: string, text: string): Promise<unknown> =>
  runScript(redis, leaveScript, [processes], [processId, text])

/** Anybody could write there, and as much as he likes. */
export const readBeats = async (redis: Redis, processes: string): Promise<Beats> => {
  const [[seconds, micros], left] = await Promise.all([redis.time(), pages(redis, processes)])
  return { now: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000), left }
}

const pages = async (redis: Redis, processes: string): Promise<Map<string, LeftBeat>> => {
  const left = new Map<string, LeftBeat>()
  let cursor = '0'
  do {
    const [next, page] = await redis.hscan(processes, cursor, 'COUNT', MOST_BEATS)
    for (let at = 0; at + 1 < page.length && left.size < MOST_BEATS; at += 2) {
      left.set(String(page[at]), stamped(String(page[at + 1])))
    }
    cursor = next
  } while (cursor !== '0' && left.size < MOST_BEATS)
  return left
}

const stamped = (value: string): LeftBeat => {
  const [, at, text] = /^(\d{1,15}) (.*)$/s.exec(value) ?? []
  return { at: Number(at ?? 0), text: text ?? '' }
}
