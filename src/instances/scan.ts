import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import { NOT_OURS } from './name-pages.js'
import { pipelined, unsure } from './pipeline.js'
import type { ScanPage } from './store.js'

const BATCH = 1_000
/** SCANs one page may cost where our keys lie thinly among many foreign ones: some 4 ms of CPU. */
const MAX_ROUNDS = 20

/** The text without any meaning that a character of it has in a pattern. */
export const literalPattern = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&')

/** Matches keys that begin with exactly this text. */
export const prefixPattern = (prefix: string): string => `${literalPattern(prefix)}*`

export const scanPage = async (
  caller: Caller,
  connection: Connection,
  prefix: string,
  cursor: string | undefined,
  limit: number,
  timeout: number | undefined,
): Promise<ScanPage> => {
  if (cursor !== undefined && !isCursor(cursor)) throw caller.refuse('refused', NOT_OURS)
  const keys: string[] = []
  const most = Math.min(Math.max(1, limit), BATCH)
  let count = most
  let at = cursor ?? '0'
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const [next, found] = await scanOnce(caller, connection, at, prefix, count, timeout)
    keys.push(...found)
    at = next
    if (next === '0') return { keys, cursor: undefined }
    if (keys.length >= most / 2) break
    // Look at more where little was found, at no more than what is still wanted where something was.
    count = found.length === 0 ? Math.min(BATCH, count * 2) : Math.max(1, most - keys.length)
  }
  return { keys, cursor: at }
}

export const clearPrefix = async (
  caller: Caller,
  connection: Connection,
  prefix: string,
  timeout: number | undefined,
): Promise<number> => {
  let removed = 0
  let at = '0'
  try {
    do {
      const [next, keys] = await scanOnce(caller, connection, at, prefix, BATCH, timeout)
      if (keys.length > 0) {
        const replies = await caller.call(connection, 'change', timeout, (redis) =>
          pipelined(redis, keys, (pipeline, key) => pipeline.unlink(key)),
        )
        for (const reply of replies) if (reply === 1) removed++
      }
      at = next
    } while (at !== '0')
  } catch (error) {
    throw removed > 0 ? unsure(error) : error
  }
  return removed
}

const scanOnce = (
  caller: Caller,
  connection: Connection,
  cursor: string,
  prefix: string,
  count: number,
  timeout: number | undefined,
): Promise<[cursor: string, keys: string[]]> =>
  caller.call(connection, 'read', timeout, (redis) =>
    redis.scan(cursor, 'MATCH', prefixPattern(prefix), 'COUNT', count),
  )

/** What SCAN and HSCAN hand out between their first and last page. */
export const isCursor = (cursor: string): boolean => /^[1-9]\d{0,19}$/.test(cursor) && BigInt(cursor) < 2n ** 64n
